/** The lower half of the page: what the last run has brought. */
import { Button } from "@/components/ui/button.tsx";
import { PlayIcon } from "@/components/ui/icons.tsx";
import { Split } from "@/components/ui/split.tsx";
import { Empty, Loading, ProblemBox } from "@/components/ui/states.tsx";
import { plural } from "@/lib/format.ts";
import { useIsWide } from "@/lib/screen.ts";
import { useStored } from "@/lib/stored.ts";
import { LiveBar, VIEWS, type View } from "./LiveBar.tsx";
import { LiveChart } from "./LiveChart.tsx";
import { isActive } from "./protocol.ts";
import { ResultTable } from "./ResultTable.tsx";
import { type Runner, useLive } from "./runner.ts";
import { StepList } from "./StepList.tsx";
import type { LiveSession, LiveSnapshot } from "./session.ts";

type Props = {
	runner: Runner;
	/** Moves the cursor to a place counted from the start of what was run. */
	onGoTo: (offset: number, line: number, column: number) => void;
};

/** Where there is little room, the chart waits until it is asked for. */
const STANDARD_VIEW: View = window.innerWidth < 1024 ? "table" : "both";

export function LivePanel({ runner, onGoTo }: Props) {
	const [view, setView] = useStored<View>("view", VIEWS, STANDARD_VIEW);
	const { session, steps, offset } = runner;
	const live = useLive(session);
	const { problem } = live;
	const goTo = problem?.line ? () => onGoTo(offset, problem.line!, problem.column ?? 1) : undefined;

	return (
		<section aria-label="Results" className="flex h-full min-h-0 flex-col">
			{steps ? (
				<h2 className="flex min-h-10 items-center border-b border-line bg-surface-2 px-3 text-xs font-semibold text-text-2">
					{plural(steps.length, "statement")}
				</h2>
			) : (
				<LiveBar session={session} live={live} view={view} onView={setView} />
			)}
			<div className="min-h-0 flex-1 overflow-auto">
				{steps ? (
					<StepList steps={steps} onGoTo={onGoTo} />
				) : (
					<LiveBody session={session} live={live} view={view} onGoTo={goTo} />
				)}
			</div>
		</section>
	);
}

type BodyProps = { session: LiveSession; live: LiveSnapshot; view: View; onGoTo?: () => void };

function LiveBody({ session, live, view, onGoTo }: BodyProps) {
	const isWide = useIsWide();
	if (live.phase === "idle") {
		return (
			<Empty icon={<PlayIcon className="size-5" />} title="Rows appear here">
				Type a query and press Ctrl+Enter, or pick a stream on the left. <code>EMIT CHANGES</code>{" "}
				keeps a query running; without it, it ends with what there is.
			</Empty>
		);
	}
	const failed = live.problem && (
		<div className="p-3">
			<ProblemBox
				title={live.phase === "lost" ? "The connection was lost" : "The query failed"}
				problem={live.problem}
			/>
			{onGoTo && (
				<Button className="mt-2" onClick={onGoTo}>
					Go to the place
				</Button>
			)}
		</div>
	);
	if (live.columns.length === 0) {
		if (failed) return failed;
		if (isActive(live.phase)) return <Loading label="Waiting for the first row" />;
		return <Empty title="The query ended without rows" />;
	}
	const table = <ResultTable session={session} live={live} />;
	const chart = <LiveChart session={session} live={live} />;
	return (
		<div className="flex h-full min-h-0 flex-col">
			{failed}
			<div className="min-h-0 flex-1">
				{view === "table" && table}
				{view === "chart" && chart}
				{view === "both" && (
					<Split
						name={isWide ? "results" : "results-narrow"}
						label="Border between table and chart"
						direction={isWide ? "row" : "column"}
						standard={isWide ? 56 : 55}
						first={table}
						second={chart}
					/>
				)}
			</div>
		</div>
	);
}
