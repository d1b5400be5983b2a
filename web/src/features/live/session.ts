/**
 * One live query at a time: its WebSocket, its state and its rows, outside of React so
 * that thousands of rows a second cost one drawing a frame and not one each.
 */
import type { Problem } from "@/lib/http.ts";
import { Ring } from "@/lib/ring.ts";
import type { Value } from "@/lib/types.ts";
import { type Event, type Frame, idle, isActive, type LiveState, reduce } from "./protocol.ts";

/** Rows kept; older ones are forgotten, and the page says so. */
export const ROWS_KEPT = 100_000;
/** Time over which the rate is measured. */
const RATE_WINDOW_MS = 3_000;
const RATE_SAMPLE_MS = 500;

/** What is drawn: a new object each time something changed. */
export type LiveSnapshot = LiveState & { rate: number; kept: number; dropped: number };

export class LiveSession {
	readonly ring = new Ring<Value[]>(ROWS_KEPT);
	#state: LiveState = idle;
	#socket: WebSocket | null = null;
	#samples: { at: number; rows: number }[] = [];
	#timer: ReturnType<typeof setInterval> | undefined;
	#snapshot: LiveSnapshot = { ...idle, rate: 0, kept: 0, dropped: 0 };
	#listeners = new Set<() => void>();
	#frame = 0;
	/** Told when a socket could not be opened, for instance because nobody is logged in. */
	onRefused: () => void = () => {};

	subscribe = (listener: () => void): (() => void) => {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	};

	getSnapshot = (): LiveSnapshot => this.#snapshot;

	/** Runs a query in place of the one that is running. */
	start(sql: string): void {
		this.#close();
		this.ring.clear();
		this.#samples = [];
		this.#apply({ type: "start", sql });
		const url = new URL("/api/live", location.href);
		url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
		const socket = new WebSocket(url);
		let opened = false;
		this.#socket = socket;
		socket.onopen = () => {
			opened = true;
			this.#apply({ type: "open" });
			socket.send(JSON.stringify({ type: "query", sql }));
		};
		socket.onmessage = (message) => {
			if (socket === this.#socket) this.#receive(String(message.data));
		};
		socket.onclose = (event) => {
			if (socket !== this.#socket) return;
			this.#socket = null;
			if (!opened) this.onRefused();
			this.#apply({ type: "closed", problem: problemOfClose(opened, event) });
		};
		this.#timer = setInterval(() => this.#sample(), RATE_SAMPLE_MS);
	}

	pause(): void {
		this.#ask("pause");
	}

	resume(): void {
		this.#ask("resume");
	}

	togglePause(): void {
		this.#ask(this.#state.phase === "paused" ? "resume" : "pause");
	}

	/** Asks the server to end the query; the rows stay. */
	cancel(): void {
		this.#ask("cancel");
	}

	/** Leaves nothing behind. */
	dispose(): void {
		this.#close();
		cancelAnimationFrame(this.#frame);
	}

	/** Forgets the rows that are shown. */
	clear(): void {
		this.ring.clear();
		this.#changed();
	}

	#ask(what: "pause" | "resume" | "cancel"): void {
		if (!isActive(this.#state.phase)) return;
		this.#apply({ type: "ask", what });
		if (this.#socket?.readyState === WebSocket.OPEN) {
			this.#socket.send(JSON.stringify({ type: what }));
		} else if (what === "cancel") {
			this.#close();
			this.#apply({ type: "complete", rows: this.#state.rows, reason: "cancelled" });
		}
	}

	#receive(text: string): void {
		const frame = JSON.parse(text) as Frame;
		if (frame.type === "rows") this.ring.push(frame.rows, Date.now());
		this.#apply(frame);
		if (!isActive(this.#state.phase)) this.#close();
	}

	#close(): void {
		const socket = this.#socket;
		this.#socket = null;
		clearInterval(this.#timer);
		this.#timer = undefined;
		socket?.close(1000);
	}

	#apply(event: Event): void {
		this.#state = reduce(this.#state, event, Date.now());
		if (!isActive(this.#state.phase)) {
			clearInterval(this.#timer);
			this.#samples = [];
		}
		this.#changed();
	}

	#sample(): void {
		const now = Date.now();
		this.#samples.push({ at: now, rows: this.#state.rows });
		while (this.#samples.length > 1 && this.#samples[0]!.at < now - RATE_WINDOW_MS)
			this.#samples.shift();
		this.#changed();
	}

	#rate(): number {
		const first = this.#samples[0];
		const last = this.#samples.at(-1);
		if (!first || !last || last.at === first.at) return 0;
		return ((last.rows - first.rows) * 1000) / (last.at - first.at);
	}

	/** Draws at the next frame; a hidden page has none and catches up when it is seen. */
	#changed(): void {
		if (this.#frame !== 0) return;
		this.#frame = requestAnimationFrame(() => {
			this.#frame = 0;
			this.#snapshot = {
				...this.#state,
				rate: this.#rate(),
				kept: this.ring.size,
				dropped: this.ring.dropped,
			};
			for (const listener of this.#listeners) listener();
		});
	}
}

function problemOfClose(opened: boolean, event: CloseEvent): Problem {
	if (!opened) {
		return {
			message: "the live connection could not be opened",
			hint: "The gateway may be down, or your session may have ended.",
		};
	}
	return {
		message: event.reason || `the live connection ended without a word (code ${event.code})`,
		hint: "The rows that came are still here. Run the query again to go on.",
	};
}
