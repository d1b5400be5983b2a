/**
 * What a live query has told so far, as a pure function of the frames that came (the
 * protocol is described in docs/gateway). Rows themselves are kept elsewhere: there are
 * too many of them to copy with each change.
 */
import type { Problem } from "@/lib/http.ts";
import type { Column, Value } from "@/lib/types.ts";

export type Frame =
	| { type: "columns"; columns: Column[] }
	| { type: "rows"; rows: Value[][] }
	| {
			type: "progress";
			rows: number;
			records: number;
			lag_records: number | null;
			watermark: string | null;
	  }
	| { type: "paused" }
	| { type: "resumed" }
	| { type: "error"; error: Problem }
	| { type: "complete"; rows: number; reason: "end" | "cancelled" };

export type Phase = "idle" | "connecting" | "running" | "paused" | "complete" | "failed" | "lost";

export type LiveState = {
	phase: Phase;
	sql: string;
	columns: Column[];
	/** Rows received, as counted here. */
	rows: number;
	/** Records read and how far behind, as the server says about once a second. */
	records: number | null;
	lag: number | null;
	watermark: string | null;
	/** What was asked of the server and is not yet confirmed. */
	asked: "pause" | "resume" | "cancel" | null;
	reason: "end" | "cancelled" | null;
	problem: Problem | null;
	startedAt: number;
	endedAt: number | null;
};

export const idle: LiveState = {
	phase: "idle",
	sql: "",
	columns: [],
	rows: 0,
	records: null,
	lag: null,
	watermark: null,
	asked: null,
	reason: null,
	problem: null,
	startedAt: 0,
	endedAt: null,
};

export type Event =
	| { type: "start"; sql: string }
	| { type: "open" }
	| { type: "ask"; what: "pause" | "resume" | "cancel" }
	| { type: "closed"; problem: Problem }
	| Frame;

export function isActive(phase: Phase): boolean {
	return phase === "connecting" || phase === "running" || phase === "paused";
}

/** The state after an event. Frames of types that are not known change nothing. */
export function reduce(state: LiveState, event: Event, now: number): LiveState {
	switch (event.type) {
		case "start":
			return { ...idle, phase: "connecting", sql: event.sql, startedAt: now };
		case "open":
			return { ...state, phase: "running" };
		case "columns":
			return { ...state, columns: event.columns };
		case "rows":
			return { ...state, rows: state.rows + event.rows.length };
		case "progress":
			return {
				...state,
				records: event.records,
				lag: event.lag_records,
				watermark: event.watermark,
			};
		case "ask":
			return isActive(state.phase) ? { ...state, asked: event.what } : state;
		case "paused":
			return { ...state, phase: "paused", asked: withdraw(state, "pause") };
		case "resumed":
			return { ...state, phase: "running", asked: withdraw(state, "resume") };
		case "error":
			return end(state, "failed", now, { problem: event.error });
		case "complete":
			// An error may be followed by a complete: the error is what counts.
			return isActive(state.phase) ? end(state, "complete", now, { reason: event.reason }) : state;
		case "closed":
			if (!isActive(state.phase)) return state;
			// Asked to stop, and the connection went before the answer: stopped all the same.
			if (state.asked === "cancel") return end(state, "complete", now, { reason: "cancelled" });
			return end(state, "lost", now, { problem: event.problem });
		default:
			return state;
	}
}

function withdraw(state: LiveState, done: "pause" | "resume"): LiveState["asked"] {
	return state.asked === done ? null : state.asked;
}

function end(state: LiveState, phase: Phase, now: number, more: Partial<LiveState>): LiveState {
	return { ...state, asked: null, phase, endedAt: now, ...more };
}
