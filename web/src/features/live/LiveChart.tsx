/** One chart of what arrives, with a first choice of what to draw and a way to change it. */
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { ChartIcon } from "@/components/ui/icons.tsx";
import { Select } from "@/components/ui/select.tsx";
import { Empty, Loading } from "@/components/ui/states.tsx";
import { type Column, kindOf, type Value } from "@/lib/types.ts";
import { ARRIVAL, type ChartChoice, type ChartData, chartData, chooseChart } from "./columns.ts";
import type { LiveSession, LiveSnapshot } from "./session.ts";

const Plot = lazy(() => import("./Plot.tsx"));

/** Drawing follows the rows at this pace: faster is not seen, and costs the table. */
const DRAW_MS = 250;
const SAMPLE = 300;

type Props = { session: LiveSession; live: LiveSnapshot };

/** The automatic choice is made again while the first rows come, then stays. */
function useChoice(session: LiveSession, live: LiveSnapshot) {
	const [own, setOwn] = useState<{ columns: Column[]; choice: ChartChoice } | null>(null);
	const sampled = Math.min(SAMPLE, live.kept) >> 4;
	// biome-ignore lint/correctness/useExhaustiveDependencies: sampled says when to look again
	const automatic = useMemo(() => {
		const rows: Value[][] = Array.from(
			{ length: Math.min(SAMPLE, session.ring.size) },
			(_, i) => session.ring.at(i)!,
		);
		return chooseChart(live.columns, rows);
	}, [session, live.columns, sampled, live.kept > 1]);
	const choice = own?.columns === live.columns ? own.choice : automatic;
	return [choice, (next: ChartChoice) => setOwn({ columns: live.columns, choice: next })] as const;
}

/** Of the time, drawing may take this part: the table and the reader need the rest. */
const DRAW_SHARE = 1 / 8;

/** Chart data of now, at most once in DRAW_MS and less often when that takes long. */
function useChart(
	session: LiveSession,
	live: LiveSnapshot,
	choice: ChartChoice | null,
): ChartData | null {
	const [chart, setChart] = useState<ChartData | null>(null);
	const drawnAt = useRef(0);
	const tookMs = useRef(0);
	// biome-ignore lint/correctness/useExhaustiveDependencies: rows and kept say that the ring changed
	useEffect(() => {
		if (!choice) {
			setChart(null);
			return;
		}
		const draw = () => {
			const began = performance.now();
			setChart(chartData(live.columns, choice, session.ring));
			drawnAt.current = performance.now();
			tookMs.current = drawnAt.current - began;
		};
		const pause = Math.max(DRAW_MS, tookMs.current / DRAW_SHARE);
		const wait = drawnAt.current + pause - performance.now();
		if (wait <= 0) {
			draw();
			return;
		}
		const timer = setTimeout(draw, wait);
		return () => clearTimeout(timer);
	}, [session, live.columns, choice, live.rows, live.kept]);
	return chart;
}

export function LiveChart({ session, live }: Props) {
	const [choice, setChoice] = useChoice(session, live);
	const chart = useChart(session, live, choice);

	if (live.columns.length > 0 && !choice) {
		return (
			<Empty icon={<ChartIcon className="size-6" />} title="Nothing to draw">
				A chart needs a column of numbers, and this result has none.
			</Empty>
		);
	}
	if (!choice || !chart || chart.data[0]!.length === 0) {
		return (
			<Empty icon={<ChartIcon className="size-6" />} title="No points yet">
				The chart begins with the first row.
			</Empty>
		);
	}
	const isTime = choice.x === ARRIVAL || kindOf(live.columns[choice.x]!.type) === "time";
	const xName = choice.x === ARRIVAL ? "arrival" : live.columns[choice.x]!.name;
	const yName = live.columns[choice.y]!.name;
	return (
		<div className="flex h-full min-h-0 flex-col">
			<ChartBar columns={live.columns} choice={choice} left={chart.left} onChange={setChoice} />
			<div className="min-h-0 flex-1 px-1">
				<Suspense fallback={<Loading label="Loading the chart" />}>
					<Plot
						chart={chart}
						isTime={isTime}
						xName={xName}
						label={`Line chart of ${yName} by ${xName}, ${chart.names.length} lines: ${chart.names.join(", ")}`}
					/>
				</Suspense>
			</div>
		</div>
	);
}

type BarProps = {
	columns: Column[];
	choice: ChartChoice;
	left: number;
	onChange: (choice: ChartChoice) => void;
};

function ChartBar({ columns, choice, left, onChange }: BarProps) {
	const named = columns.map((column, index) => ({
		value: String(index),
		label: column.name,
		kind: kindOf(column.type),
	}));
	const numbers = named.filter((column) => column.kind === "number");
	const xs = named.filter((column) => column.kind === "time" || column.kind === "number");
	const series = named.filter((column) => column.kind !== "json" && column.kind !== "time");
	return (
		<div className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-3 py-1.5">
			<Select
				label="X"
				value={String(choice.x)}
				choices={[...xs, { value: String(ARRIVAL), label: "time of arrival" }]}
				onChange={(value) => onChange({ ...choice, x: Number(value) })}
			/>
			<Select
				label="Y"
				value={String(choice.y)}
				choices={numbers}
				onChange={(value) => onChange({ ...choice, y: Number(value) })}
			/>
			<Select
				label="Lines by"
				value={choice.series === null ? "" : String(choice.series)}
				choices={[{ value: "", label: "nothing" }, ...series]}
				onChange={(value) => onChange({ ...choice, series: value === "" ? null : Number(value) })}
			/>
			{left > 0 && <span className="text-xs text-text-2">{left} more lines are not shown</span>}
		</div>
	);
}
