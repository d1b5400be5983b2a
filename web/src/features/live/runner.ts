/** Running what was typed: rows go over the live connection, all else is executed. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { call, type Problem, problemOf } from "@/lib/http.ts";
import { keys } from "@/lib/keys.ts";
import { isQuery, type Statement } from "@/lib/sql.ts";
import { LiveSession, type LiveSnapshot } from "./session.ts";

/** What velo.execute tells of a statement that returns no rows. */
export type Done = {
	command?: string;
	object?: string | null;
	job?: string | null;
	notices?: unknown[];
};

/** One statement of a run; offset: where its text begins in the editor. */
export type Step = { sql: string; offset: number } & (
	| { state: "running" }
	| { state: "done"; results: unknown[]; elapsedMs: number }
	| { state: "failed"; problem: Problem }
);

async function execute(statement: Statement): Promise<Step> {
	const step = { sql: statement.text, offset: statement.start };
	const began = performance.now();
	try {
		const results = await call<unknown[]>("POST", "/api/execute", {
			body: { sql: statement.text },
		});
		return { ...step, state: "done", results: results ?? [], elapsedMs: performance.now() - began };
	} catch (error) {
		return { ...step, state: "failed", problem: problemOf(error) };
	}
}

/**
 * Runs statements one after another until one fails, each in a transaction of its own as
 * psql does. A query at the end is run over the live connection; its rows take the place
 * of the steps.
 */
export function useRunner() {
	const client = useQueryClient();
	const [session] = useState(() => new LiveSession());
	const [steps, setSteps] = useState<Step[] | null>(null);
	const [offset, setOffset] = useState(0);
	const runs = useRef(0);

	useEffect(() => {
		// Perhaps nobody is logged in any more; the session knows.
		session.onRefused = () => void client.invalidateQueries({ queryKey: keys.session });
		return () => session.dispose();
	}, [session, client]);

	const run = useCallback(
		async (statements: readonly Statement[]) => {
			const mine = ++runs.current;
			const last = statements.at(-1);
			if (!last) return;
			session.cancel();
			const done: Step[] = [];
			for (const statement of statements) {
				if (statement === last && isQuery(statement.text)) {
					setSteps(null);
					setOffset(statement.start);
					session.start(statement.text);
					return;
				}
				setSteps([...done, { sql: statement.text, offset: statement.start, state: "running" }]);
				const step = await execute(statement);
				if (mine !== runs.current) return;
				done.push(step);
				setSteps([...done]);
				// It may have made or dropped something.
				for (const key of [keys.schema, keys.streams, keys.jobs]) {
					void client.invalidateQueries({ queryKey: key });
				}
				if (step.state === "failed") return;
			}
		},
		[client, session],
	);
	return { session, steps, offset, run };
}

/**
 * What the session tells, once a frame while rows come. For the part of the page that shows
 * it: whoever calls this is drawn as often.
 */
export function useLive(session: LiveSession): LiveSnapshot {
	return useSyncExternalStore(session.subscribe, session.getSnapshot);
}

export type Runner = ReturnType<typeof useRunner>;
