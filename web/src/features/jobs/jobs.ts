/** Jobs as the server tells them, and what may be asked of them. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "@/lib/http.ts";
import { keys } from "@/lib/keys.ts";

export type Job = {
	name: string;
	status: string;
	condition: string | null;
	status_since: string | null;
	kind: string | null;
	target: string | null;
	restarts: number;
	last_error: string | null;
	last_sqlstate: string | null;
	records_in: number | string;
	records_out: number | string;
	records_failed: number | string;
	records_late: number | string;
	lag_records: number | string | null;
	watermark: string | null;
	state_bytes: number | string | null;
};

export type Action = "start" | "stop" | "pause" | "resume";

const POLL_MS = 2_000;

export const jobsQuery = queryOptions({
	queryKey: keys.jobs,
	queryFn: ({ signal }) => call<Job[]>("GET", "/api/jobs", { signal }),
	refetchInterval: POLL_MS,
});

/** What a status allows. Of a status that we do not know: nothing. */
export function actionsOf(job: Job): Action[] {
	switch (job.status) {
		case "running":
			return ["pause", "stop"];
		case "starting":
			return ["stop"];
		case "paused":
			return ["resume", "stop"];
		case "stopped":
		case "failed":
		case "finished":
		case "completed":
			return ["start"];
		default:
			return [];
	}
}

const PENDING: Record<Action, string> = {
	start: "starting…",
	stop: "stopping…",
	pause: "pausing…",
	resume: "resuming…",
};

export function pendingText(action: Action): string {
	return PENDING[action];
}

/**
 * Asks something of a job. Until the answer came and the list was read again, the job is
 * shown as being about to change, never as changed: only the server knows that.
 */
export function useJobAction(name: string) {
	const client = useQueryClient();
	return useMutation({
		mutationFn: (action: Action) =>
			call("POST", `/api/jobs/${encodeURIComponent(name)}/${action}`, { body: {} }),
		onSettled: () => client.invalidateQueries({ queryKey: keys.jobs }),
	});
}
