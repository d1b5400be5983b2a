import { useQuery } from "@tanstack/react-query";
import { IconButton } from "@/components/ui/button.tsx";
import { CloseIcon, PauseIcon, PlayIcon, StopIcon } from "@/components/ui/icons.tsx";
import { Empty, Loading, ProblemBox } from "@/components/ui/states.tsx";
import { formatClock, formatCompact } from "@/lib/format.ts";
import { problemOf, statusOf } from "@/lib/http.ts";
import { type Action, actionsOf, type Job, jobsQuery, pendingText, useJobAction } from "./jobs.ts";

/** The jobs that the user may see, as they are now. */
export function JobList() {
	const jobs = useQuery(jobsQuery);
	if (jobs.isPending) return <Loading label="Loading the jobs" />;
	if (!jobs.data) {
		if (statusOf(jobs.error) === 403) {
			return (
				<Empty title="You may not see jobs">
					{problemOf(jobs.error).hint ?? "Ask for the role velo_user."}
				</Empty>
			);
		}
		return (
			<div className="p-3">
				<ProblemBox
					title="Jobs could not be read"
					problem={problemOf(jobs.error)}
					onRetry={() => void jobs.refetch()}
				/>
			</div>
		);
	}
	if (jobs.data.length === 0) {
		return (
			<Empty title="No jobs">
				<code>CREATE STREAM … AS SELECT</code> or <code>CREATE TABLE … AS SELECT</code> starts one.
			</Empty>
		);
	}
	return (
		<>
			{jobs.error && (
				<p role="status" className="bg-warn-soft px-3 py-1.5 text-xs text-warn">
					As of {new Date(jobs.dataUpdatedAt).toLocaleTimeString("en-GB")}:{" "}
					{problemOf(jobs.error).message}
				</p>
			)}
			<ul aria-label="Jobs" className={`py-1 ${jobs.error ? "opacity-60" : ""}`}>
				{jobs.data.map((job) => (
					<JobItem key={job.name} job={job} />
				))}
			</ul>
		</>
	);
}

const DOTS: Record<string, string> = {
	running: "bg-ok",
	starting: "bg-info",
	stopping: "bg-info",
	paused: "bg-warn",
	failed: "bg-bad",
};

const ICONS: Record<Action, typeof PlayIcon> = {
	start: PlayIcon,
	resume: PlayIcon,
	pause: PauseIcon,
	stop: StopIcon,
};
const LABELS: Record<Action, string> = {
	start: "Start",
	resume: "Resume",
	pause: "Pause",
	stop: "Stop",
};

function JobItem({ job }: { job: Job }) {
	const action = useJobAction(job.name);
	const troubled = job.condition !== null && job.condition !== "ok";
	const status = action.isPending ? pendingText(action.variables) : job.status;
	const dot = action.isPending
		? "bg-info"
		: troubled && job.status === "running"
			? "bg-warn"
			: (DOTS[job.status] ?? "bg-text-3");
	return (
		<li data-job={job.name} className="px-3 py-1.5 hover:bg-surface-3">
			<div className="flex items-center gap-2">
				<span className={`size-2 shrink-0 rounded-full ${dot}`} />
				<span className="min-w-0 flex-1 truncate font-medium" title={job.name}>
					{job.name}
				</span>
				{actionsOf(job).map((name) => {
					const Icon = ICONS[name];
					return (
						<IconButton
							key={name}
							label={`${LABELS[name]} job ${job.name}`}
							className="size-6!"
							disabled={action.isPending}
							onClick={() => action.mutate(name)}
						>
							<Icon className="size-3.5" />
						</IconButton>
					);
				})}
			</div>
			<p className="tabular truncate pl-4 text-xs text-text-2" title={details(job)}>
				<span data-status={action.isPending ? "pending" : job.status}>{status}</span>
				{troubled && <span className="text-warn"> · {job.condition!.replaceAll("_", " ")}</span>}
				{figures(job).map((figure) => (
					<span key={figure}> · {figure}</span>
				))}
			</p>
			{action.error && (
				<Trouble text={problemOf(action.error).message} onClose={() => action.reset()} />
			)}
			{(job.status === "failed" || troubled) && job.last_error && !action.error && (
				<Trouble text={job.last_error} />
			)}
		</li>
	);
}

function figures(job: Job): string[] {
	if (job.status !== "running") return [];
	const found: string[] = [];
	if (job.lag_records !== null) found.push(`lag ${formatCompact(Number(job.lag_records))}`);
	if (job.watermark) found.push(formatClock(job.watermark));
	return found;
}

function details(job: Job): string {
	return [
		`${formatCompact(Number(job.records_in))} records read, ${formatCompact(Number(job.records_out))} written`,
		Number(job.records_failed) > 0 && `${formatCompact(Number(job.records_failed))} failed`,
		Number(job.records_late) > 0 && `${formatCompact(Number(job.records_late))} late`,
		job.watermark && `watermark ${job.watermark}`,
		job.status_since && `${job.status} since ${job.status_since}`,
	]
		.filter(Boolean)
		.join("\n");
}

function Trouble({ text, onClose }: { text: string; onClose?: () => void }) {
	return (
		<div
			role="alert"
			className="mt-1 ml-4 flex items-start gap-1 rounded-md bg-bad-soft px-2 py-1 text-xs text-bad"
		>
			<span className="min-w-0 flex-1 break-words">{text}</span>
			{onClose && (
				<button type="button" aria-label="Dismiss" onClick={onClose} className="mt-px">
					<CloseIcon className="size-3" />
				</button>
			)}
		</div>
	);
}
