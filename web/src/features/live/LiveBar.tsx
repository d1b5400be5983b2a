/** State, figures and controls of the query that runs. */
import type { ReactNode } from "react";
import { Button, IconButton } from "@/components/ui/button.tsx";
import {
	ChartIcon,
	PauseIcon,
	PlayIcon,
	SplitIcon,
	StopIcon,
	TableIcon,
	TrashIcon,
} from "@/components/ui/icons.tsx";
import { formatClock, formatCompact, formatCount, formatRate } from "@/lib/format.ts";
import { isActive } from "./protocol.ts";
import type { LiveSession, LiveSnapshot } from "./session.ts";

export const VIEWS = ["table", "both", "chart"] as const;
export type View = (typeof VIEWS)[number];

const PHASES: Record<LiveSnapshot["phase"], { text: string; look: string }> = {
	idle: { text: "No query", look: "bg-surface-3 text-text-2" },
	connecting: { text: "Connecting", look: "bg-info-soft text-info" },
	running: { text: "Running", look: "bg-ok-soft text-ok" },
	paused: { text: "Paused", look: "bg-warn-soft text-warn" },
	complete: { text: "Complete", look: "bg-surface-3 text-text-2" },
	failed: { text: "Failed", look: "bg-bad-soft text-bad" },
	lost: { text: "Connection lost", look: "bg-bad-soft text-bad" },
};

const ASKED = { pause: "Pausing", resume: "Resuming", cancel: "Stopping" };

function phaseOf(live: LiveSnapshot): { text: string; look: string } {
	if (live.asked) return { text: ASKED[live.asked], look: PHASES.connecting.look };
	if (live.phase === "complete" && live.reason === "cancelled")
		return { ...PHASES.complete, text: "Stopped" };
	return PHASES[live.phase];
}

type Props = { session: LiveSession; live: LiveSnapshot; view: View; onView: (view: View) => void };

export function LiveBar({ session, live, view, onView }: Props) {
	const phase = phaseOf(live);
	const active = isActive(live.phase);
	return (
		<div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface-2 px-3 py-1">
			<span
				role="status"
				aria-label={`Query: ${phase.text}`}
				data-phase={live.phase}
				className={`inline-flex h-5 items-center rounded-full px-2 text-xs font-semibold ${phase.look}`}
			>
				{phase.text}
			</span>
			{active && (
				<div className="flex items-center gap-1.5">
					{live.phase === "paused" ? (
						<Button
							icon={<PlayIcon className="size-3.5" />}
							disabled={live.asked !== null}
							onClick={() => session.resume()}
						>
							Resume
						</Button>
					) : (
						<Button
							icon={<PauseIcon className="size-3.5" />}
							disabled={live.asked !== null || live.phase !== "running"}
							onClick={() => session.pause()}
						>
							Pause
						</Button>
					)}
					<Button
						look="danger"
						icon={<StopIcon className="size-3.5" />}
						disabled={live.asked === "cancel"}
						onClick={() => session.cancel()}
					>
						Stop
					</Button>
				</div>
			)}
			{live.phase !== "idle" && <Figures live={live} />}
			<div className="ml-auto flex items-center gap-1">
				{live.kept > 0 && (
					<IconButton label="Clear the rows" onClick={() => session.clear()}>
						<TrashIcon />
					</IconButton>
				)}
				{/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a row everywhere */}
				<div
					role="group"
					aria-label="View"
					className="flex rounded-md border border-line-strong bg-surface p-px"
				>
					<ViewButton view="table" current={view} onView={onView} label="Table">
						<TableIcon />
					</ViewButton>
					<ViewButton view="both" current={view} onView={onView} label="Table and chart">
						<SplitIcon />
					</ViewButton>
					<ViewButton view="chart" current={view} onView={onView} label="Chart">
						<ChartIcon />
					</ViewButton>
				</div>
			</div>
		</div>
	);
}

function Figures({ live }: { live: LiveSnapshot }) {
	return (
		<dl className="tabular flex flex-wrap items-baseline gap-x-4 text-xs">
			<Figure name="rows" value={formatCount(live.rows)} />
			{isActive(live.phase) && <Figure name="rows/s" value={formatRate(live.rate)} />}
			{live.lag !== null && (
				<Figure name="lag" value={formatCompact(live.lag)} tip="Records not read yet, about" />
			)}
			{live.watermark && (
				<Figure
					name="watermark"
					value={formatClock(live.watermark)}
					tip={`No earlier record is waited for: ${live.watermark}`}
				/>
			)}
			{live.dropped > 0 && (
				<Figure
					name="kept"
					value={formatCompact(live.kept)}
					tip="Older rows are forgotten; the page keeps the newest"
				/>
			)}
		</dl>
	);
}

function Figure({ name, value, tip }: { name: string; value: string; tip?: string }) {
	return (
		<div className="flex items-baseline gap-1" title={tip}>
			<dt className="order-2 text-text-2">{name}</dt>
			<dd className="font-semibold" data-figure={name}>
				{value}
			</dd>
		</div>
	);
}

type ViewProps = {
	view: View;
	current: View;
	onView: (view: View) => void;
	label: string;
	children: ReactNode;
};

function ViewButton({ view, current, onView, label, children }: ViewProps) {
	return (
		<button
			type="button"
			title={label}
			aria-label={label}
			aria-pressed={view === current}
			onClick={() => onView(view)}
			className={`inline-flex h-6 w-7 items-center justify-center rounded-[4px] ${view === current ? "bg-accent-soft text-accent-strong" : "text-text-2 hover:bg-surface-3"}`}
		>
			{children}
		</button>
	);
}
