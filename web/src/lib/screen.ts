import { useSyncExternalStore } from "react";

const wide = window.matchMedia("(min-width: 1024px)");

function subscribe(listener: () => void): () => void {
	wide.addEventListener("change", listener);
	return () => wide.removeEventListener("change", listener);
}

/** Is there room for things beside one another? */
export function useIsWide(): boolean {
	return useSyncExternalStore(subscribe, () => wide.matches);
}
