/** Does the gateway answer? Every call tells, so that nobody has to ask for it. */
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let isConnected = true;

export function reportConnection(answered: boolean): void {
	if (answered === isConnected) return;
	isConnected = answered;
	for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
	listeners.add(listener);
	return () => listeners.delete(listener);
}

export function useConnected(): boolean {
	return useSyncExternalStore(subscribe, () => isConnected);
}
