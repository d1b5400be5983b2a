/** Talking to the gateway: JSON in, JSON out, and errors that say what PostgreSQL said. */

import { reportConnection } from "./connection.ts";

/** An error as every door shows it (see docs/gateway); code is an SQLSTATE. */
export type Problem = {
	code?: string;
	message: string;
	detail?: string;
	hint?: string;
	line?: number;
	column?: number;
	request_id?: string;
};

export class ApiError extends Error {
	/** HTTP status; 0: there was no answer at all. */
	readonly status: number;
	readonly problem: Problem;

	constructor(status: number, problem: Problem) {
		super(problem.message);
		this.status = status;
		this.problem = problem;
	}
}

/** How long a call may take before we say that the gateway does not answer. */
const CALL_TIMEOUT_MS = 60_000;

type Options = { body?: unknown; signal?: AbortSignal };

/** Calls a route. Throws ApiError, or the abort's own error when signal was aborted. */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
	const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
	const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
	let response: Response;
	try {
		response = await fetch(path, {
			method,
			signal,
			credentials: "same-origin",
			headers: {
				// With it the gateway leaves the log-in form to us.
				"X-Requested-With": "velo-studio",
				Accept: "application/json",
				...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
			},
			body: options.body === undefined ? undefined : JSON.stringify(options.body),
		});
	} catch (error) {
		if (options.signal?.aborted) throw error;
		reportConnection(false);
		throw new ApiError(0, {
			message: timeout.aborted ? "the gateway does not answer" : "the gateway cannot be reached",
		});
	}
	reportConnection(true);
	const body = await readBody(response);
	if (!response.ok) throw new ApiError(response.status, asProblem(body, response));
	return body as T;
}

async function readBody(response: Response): Promise<unknown> {
	const text = await response.text().catch(() => "");
	if (text === "") return null;
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function asProblem(body: unknown, response: Response): Problem {
	if (body && typeof body === "object" && "message" in body) return body as Problem;
	return { message: `the gateway answered ${response.status} ${response.statusText}`.trim() };
}

/** What to show for anything that was thrown. */
export function problemOf(error: unknown): Problem {
	if (error instanceof ApiError) return error.problem;
	return { message: error instanceof Error ? error.message : String(error) };
}

export function statusOf(error: unknown): number | undefined {
	return error instanceof ApiError ? error.status : undefined;
}
