/** What the browser remembers for us. Storage may be switched off; then nothing is kept. */
import { useCallback, useState } from "react";

const PREFIX = "velo.";

export function readStored(name: string): string | null {
	try {
		return localStorage.getItem(PREFIX + name);
	} catch {
		return null;
	}
}

export function writeStored(name: string, value: string | null): void {
	try {
		if (value === null) localStorage.removeItem(PREFIX + name);
		else localStorage.setItem(PREFIX + name, value);
	} catch {
		// Full or forbidden: the page works without.
	}
}

/** A state of one of a few words that outlives the page. */
export function useStored<T extends string>(
	name: string,
	allowed: readonly T[],
	standard: T,
): [T, (value: T) => void] {
	const [value, setValue] = useState<T>(() => {
		const stored = readStored(name) as T | null;
		return stored !== null && allowed.includes(stored) ? stored : standard;
	});
	const set = useCallback(
		(next: T) => {
			writeStored(name, next);
			setValue(next);
		},
		[name],
	);
	return [value, set];
}
