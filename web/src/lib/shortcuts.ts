import { useEffect, useRef } from "react";

/** Names are the key's place on the keyboard with Alt ("KeyP"), or a character ("?"). */
export type Shortcuts = Record<string, () => void>;

function isTyping(target: EventTarget | null): boolean {
	return (
		target instanceof HTMLElement &&
		target.closest("input, textarea, select, [contenteditable], .monaco-editor") !== null
	);
}

/** Keys of the page. Alt works everywhere; characters only where nothing is typed. */
export function useShortcuts(shortcuts: Shortcuts): void {
	const latest = useRef(shortcuts);
	latest.current = shortcuts;
	useEffect(() => {
		const onKeyDown = (event: KeyboardEvent) => {
			if (event.ctrlKey || event.metaKey) return;
			if (document.querySelector("dialog[open]")) return;
			const name = event.altKey ? event.code : isTyping(event.target) ? "" : event.key;
			const action = latest.current[name];
			if (!action) return;
			event.preventDefault();
			event.stopPropagation();
			action();
		};
		// Before the editor has it.
		window.addEventListener("keydown", onKeyDown, true);
		return () => window.removeEventListener("keydown", onKeyDown, true);
	}, []);
}
