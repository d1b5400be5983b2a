/** What velo.validate says about a text, asked while it is typed. */
import { useEffect, useRef, useState } from "react";
import { call, type Problem, problemOf, statusOf } from "@/lib/http.ts";

/** As velo.validate returns it: places in characters from 1. */
export type Diagnostic = {
	statement: number | null;
	severity: "ERROR" | "WARNING" | "INFO" | string;
	sqlstate: string | null;
	message: string;
	detail: string | null;
	hint: string | null;
	line: number | null;
	column: number | null;
	end_line: number | null;
	end_column: number | null;
};

export type Validation = {
	/** stale: of a text that has changed since. */
	state: "none" | "checking" | "stale" | "current" | "failed";
	/** The text that the diagnostics are about. */
	text: string;
	diagnostics: Diagnostic[];
	problem: Problem | null;
};

const DEBOUNCE_MS = 250;
const NOTHING: Validation = { state: "none", text: "", diagnostics: [], problem: null };

/** Diagnostics of a text. revision: another number asks again, as after a new stream. */
export function useValidation(text: string, revision: number): Validation {
	const [validation, setValidation] = useState(NOTHING);
	const asked = useRef<AbortController | null>(null);

	// biome-ignore lint/correctness/useExhaustiveDependencies: revision asks for the same text again
	useEffect(() => {
		// An answer about a text that is no longer there must not arrive.
		asked.current?.abort();
		if (text.trim() === "") {
			setValidation(NOTHING);
			return;
		}
		setValidation((old) => ({ ...old, state: "stale" }));
		const control = new AbortController();
		asked.current = control;
		const timer = setTimeout(async () => {
			setValidation((old) => ({ ...old, state: "checking" }));
			try {
				const diagnostics = await call<Diagnostic[]>("POST", "/api/validate", {
					body: { sql: text },
					signal: control.signal,
				});
				if (!control.signal.aborted)
					setValidation({ state: "current", text, diagnostics, problem: null });
			} catch (error) {
				if (control.signal.aborted) return;
				// Who is not logged in is told by the page itself.
				const problem = statusOf(error) === 401 ? null : problemOf(error);
				setValidation({ state: "failed", text, diagnostics: [], problem });
			}
		}, DEBOUNCE_MS);
		return () => {
			clearTimeout(timer);
			control.abort();
		};
	}, [text, revision]);
	return validation;
}

export type Span = { line: number; column: number; endLine: number; endColumn: number };

/**
 * Where a diagnostic is, in UTF-16 units as editors count: the word there when no end is
 * given, and the first line when no place is.
 */
export function spanOf(text: string, diagnostic: Diagnostic): Span {
	const lines = text.split("\n");
	const line = Math.min(Math.max(1, diagnostic.line ?? 1), lines.length);
	const column = unitColumn(lines[line - 1]!, diagnostic.column ?? 1);
	const endLine = Math.min(diagnostic.end_line ?? line, lines.length);
	let endColumn = diagnostic.end_column
		? unitColumn(lines[endLine - 1]!, diagnostic.end_column)
		: 0;
	if (endLine === line && endColumn <= column) {
		const word = /^[\w$\u0080-\uffff]+/.exec(lines[line - 1]!.slice(column - 1))?.[0].length ?? 1;
		endColumn = column + word;
	}
	return { line, column, endLine, endColumn };
}

function unitColumn(line: string, column: number): number {
	return [...line].slice(0, column - 1).join("").length + 1;
}
