/** Light or dark: the system's choice until the user makes one, which is remembered. */
import { useSyncExternalStore } from "react";
import { readStored, writeStored } from "./stored.ts";

export type Theme = "light" | "dark";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
let chosen = readStored("theme");

export function currentTheme(): Theme {
	if (chosen === "light" || chosen === "dark") return chosen;
	return system.matches ? "dark" : "light";
}

function apply(): void {
	document.documentElement.dataset.theme = currentTheme();
	for (const listener of listeners) listener();
}

/** Called before the page is drawn for the first time, so that it never flashes. */
export function startTheme(): void {
	system.addEventListener("change", apply);
	apply();
}

/** Back to the system's choice when that is what is asked for. */
export function toggleTheme(): void {
	const next: Theme = currentTheme() === "dark" ? "light" : "dark";
	chosen = next === (system.matches ? "dark" : "light") ? null : next;
	writeStored("theme", chosen);
	apply();
}

function subscribe(listener: () => void): () => void {
	listeners.add(listener);
	return () => listeners.delete(listener);
}

export function useTheme(): Theme {
	return useSyncExternalStore(subscribe, currentTheme);
}

/**
 * A colour token as #rrggbb, for what draws on a canvas or has colours of its own. (The
 * build shortens #ffffff to #fff, which Monaco refuses.)
 */
export function token(name: string): string {
	const value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
	return /^#[0-9a-f]{3}$/i.test(value)
		? `#${[...value.slice(1)].map((c) => c + c).join("")}`
		: value;
}
