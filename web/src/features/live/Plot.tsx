/** The lines themselves. In a file of its own because uPlot is loaded when first drawn. */
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { token, useTheme } from "@/lib/theme.ts";
import type { ChartData } from "./columns.ts";

type Props = { chart: ChartData; isTime: boolean; xName: string; label: string };

const DAY_S = 86_400;

/** UTC whoever looks: rows beside it are in the server's zone, and no plot says which. */
function clock(seconds: number, step: number): string {
	const iso = new Date(seconds * 1000).toISOString();
	if (step < 1) return iso.slice(11, 23);
	if (step < 60) return iso.slice(11, 19);
	return step < DAY_S ? iso.slice(11, 16) : iso.slice(0, 10);
}

/** Times at the ticks, with the date below the first one of each day. */
function times(_: uPlot, ticks: number[], __: number, ___: number, step: number): string[] {
	let day = "";
	return ticks.map((tick) => {
		const date = new Date(tick * 1000).toISOString().slice(0, 10);
		const isNew = step < DAY_S && date !== day;
		day = date;
		return isNew ? `${clock(tick, step)}\n${date}` : clock(tick, step);
	});
}

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });

/** One point alone would be drawn at the edge of years. */
function rangeOfX(plot: uPlot, min: number, max: number): [number, number] {
	const [x, next] = plot.data[0];
	return x !== undefined && next === undefined ? [x - 30, x + 30] : [min, max];
}

function isShort(chart: ChartData): boolean {
	return (chart.data[0]?.length ?? 0) < 80;
}

function options(chart: ChartData, isTime: boolean, xName: string): uPlot.Options {
	const axis = {
		stroke: token("text-2"),
		grid: { stroke: token("line"), width: 1 },
		ticks: { stroke: token("line"), width: 1 },
		font: "11px Inter Variable, sans-serif",
	};
	return {
		width: 100,
		height: 100,
		tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
		padding: [12, 38, 0, 4],
		scales: { x: { time: isTime, range: rangeOfX } },
		hooks: { draw: [showLast], setCursor: [showLast] },
		cursor: { y: false },
		axes: [
			{ ...axis, ...(isTime ? { values: times, space: 72, size: 44 } : { space: 60 }) },
			{ ...axis, size: 60 },
		],
		series: [
			{
				label: xName,
				value: (_, x) => (x === null ? "" : isTime ? clock(x, 1) : number.format(x)),
			},
			...chart.names.map((name, index) => ({
				label: name,
				stroke: token(`chart-${index + 1}`),
				fill: undefined,
				width: 1.75,
				spanGaps: true,
				// A line of one point is not seen without it.
				points: { show: isShort(chart), size: 5, fill: token(`chart-${index + 1}`) },
				value: (_: uPlot, y: number | null) =>
					y === null || y === undefined ? "–" : number.format(y),
			})),
		],
	};
}

export default function Plot({ chart, isTime, xName, label }: Props) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | null>(null);
	const latest = useRef(chart);
	latest.current = chart;
	const theme = useTheme();
	// A plot is made anew when it gets other lines, and fed when it gets other points.
	const shape = JSON.stringify([chart.names, isTime, xName, theme, isShort(chart)]);

	// biome-ignore lint/correctness/useExhaustiveDependencies: shape stands for all of them
	useEffect(() => {
		const element = box.current;
		if (!element) return;
		const made = new uPlot(
			options(latest.current, isTime, xName),
			latest.current.data as uPlot.AlignedData,
			element,
		);
		plot.current = made;
		const fit = () =>
			made.setSize(sizeOf(element, made.root.querySelector(".u-legend")?.clientHeight ?? 0));
		const observer = new ResizeObserver(fit);
		observer.observe(element);
		fit();
		return () => {
			observer.disconnect();
			made.destroy();
			plot.current = null;
		};
	}, [shape]);

	useEffect(() => {
		plot.current?.setData(chart.data as uPlot.AlignedData);
	}, [chart]);

	return <div ref={box} role="img" aria-label={label} className="h-full w-full overflow-hidden" />;
}

/** Where no pointer asks for others, the legend shows the newest values. */
function showLast(plot: uPlot): void {
	if (plot.cursor.idx === null || plot.cursor.idx === undefined) {
		const idxs = plot.data.map((values) =>
			values.findLastIndex((value) => typeof value === "number"),
		);
		plot.setLegend({ idxs }, false);
	}
}

function sizeOf(element: HTMLElement, legend: number): { width: number; height: number } {
	return {
		width: Math.max(80, element.clientWidth),
		height: Math.max(60, element.clientHeight - legend - 4),
	};
}
