/** How wide a column is drawn and what a chart makes of it, from types and first rows. */
import {
	type Column,
	formatValue,
	isInteger,
	kindOf,
	parseNumber,
	parseTime,
	scaleOf,
	type Value,
} from "../../lib/types.ts";

const CHARACTER_PX = 7.2;
const DIGIT_PX = 8;
const TYPE_PX = 6.4;
const PADDING_PX = 26;
const MIN_PX = 64;
const MAX_PX = 340;

/** Width in pixels that shows the header and, within limits, the values of a few rows. */
export function columnWidth(column: Column, index: number, rows: readonly Value[][]): number {
	const kind = kindOf(column.type);
	const unit = kind === "number" || kind === "time" ? DIGIT_PX : CHARACTER_PX;
	const scale = scaleOf(column.type, valuesOf(rows, index));
	let longest = Math.max(
		(column.name.length + 1) * CHARACTER_PX,
		shortType(column.type).length * TYPE_PX,
	);
	for (const row of rows) {
		const value = row[index] ?? null;
		longest = Math.max(
			longest,
			(value === null ? 4 : formatValue(value, column.type, scale).length) * unit,
		);
	}
	return Math.round(Math.min(MAX_PX, Math.max(MIN_PX, longest + PADDING_PX)));
}

/** A type's name without words that say nothing new. */
export function shortType(type: string): string {
	return type
		.replace("timestamp with time zone", "timestamptz")
		.replace("timestamp without time zone", "timestamp")
		.replace("character varying", "varchar");
}

export function valuesOf(rows: readonly Value[][], index: number): Value[] {
	return rows.map((row) => row[index] ?? null);
}

/** What is drawn: positions of columns; x -1 is the time a row arrived. */
export type ChartChoice = { x: number; y: number; series: number | null };

export const ARRIVAL = -1;
/** More values than this in the first rows, and a column names no series. */
const SERIES_IN_SAMPLE = 12;

const isKey = (name: string) => /(^|_)(id|key|no|uuid|offset|partition)$/i.test(name);

/**
 * A choice for a result, or null when it has no number to draw. x: a window's start, else
 * the first time, else arrival. y: a measure rather than a number that names something.
 * series: the first text (or boolean) that has few values and more than one.
 */
export function chooseChart(
	columns: readonly Column[],
	rows: readonly Value[][],
): ChartChoice | null {
	const y = chooseY(columns);
	if (y === null) return null;
	return { x: chooseX(columns), y, series: chooseSeries(columns, rows) };
}

function chooseX(columns: readonly Column[]): number {
	const times = columns.flatMap((column, index) => (kindOf(column.type) === "time" ? [index] : []));
	const start = times.find((index) => /window_start|^since$|start$/i.test(columns[index]!.name));
	return start ?? times[0] ?? ARRIVAL;
}

function chooseY(columns: readonly Column[]): number | null {
	const numbers = columns.flatMap((column, index) =>
		kindOf(column.type) === "number" ? [index] : [],
	);
	const measures = numbers.filter((index) => !isKey(columns[index]!.name));
	const fractional = measures.filter((index) => !isInteger(columns[index]!.type));
	return fractional[0] ?? measures.at(-1) ?? numbers[0] ?? null;
}

function chooseSeries(columns: readonly Column[], rows: readonly Value[][]): number | null {
	for (const [index, column] of columns.entries()) {
		const kind = kindOf(column.type);
		if (kind !== "text" && kind !== "boolean") continue;
		const values = new Set(rows.map((row) => row[index] ?? null));
		if (
			values.size > 1 &&
			values.size <= SERIES_IN_SAMPLE &&
			values.size < Math.max(3, rows.length * 0.9)
		) {
			return index;
		}
	}
	return null;
}

export type ChartData = {
	/** uPlot's: x in seconds, then the values of each series at them. */
	data: (number | null | undefined)[][];
	names: string[];
	/** Series that there was no room for. */
	left: number;
};

export const SERIES_MAX = 8;
/** Rows that are drawn: the newest. */
export const POINTS_MAX = 20_000;

/** Where rows come from: a Ring has this shape. */
export type Rows = {
	size: number;
	at(index: number): Value[] | undefined;
	timeAt(index: number): number;
};

/**
 * The newest rows as lines. A row with the x and the series of an earlier one takes its
 * place: with EMIT CHANGES it is that window's newer result.
 */
export function chartData(columns: readonly Column[], choice: ChartChoice, rows: Rows): ChartData {
	const series = new Map<string, Map<number, number>>();
	const times = new Set<number>();
	for (let i = Math.max(0, rows.size - POINTS_MAX); i < rows.size; i++) {
		const row = rows.at(i)!;
		const x = xOf(columns, choice, row, rows.timeAt(i));
		const y = parseNumber(row[choice.y] ?? null);
		if (Number.isNaN(x) || Number.isNaN(y)) continue;
		const name = seriesOf(columns, choice, row);
		const points = series.get(name) ?? new Map<number, number>();
		series.set(name, points);
		points.set(x, y);
		times.add(x);
	}
	// The fullest ones first for room, then by name so that colours do not jump.
	const all = [...series.keys()].sort((a, b) => series.get(b)!.size - series.get(a)!.size);
	const names = all.slice(0, SERIES_MAX).sort();
	const xs = [...times].sort((a, b) => a - b);
	const lines = names.map((name) => xs.map((x) => series.get(name)!.get(x)));
	return { data: [xs.map((x) => x / 1000), ...lines], names, left: all.length - names.length };
}

function xOf(
	columns: readonly Column[],
	choice: ChartChoice,
	row: Value[],
	arrival: number,
): number {
	if (choice.x === ARRIVAL) return arrival;
	const column = columns[choice.x]!;
	const value = row[choice.x] ?? null;
	// Numbers are drawn as they are; the division by 1000 is for times.
	return kindOf(column.type) === "time" ? parseTime(value) : parseNumber(value) * 1000;
}

function seriesOf(columns: readonly Column[], choice: ChartChoice, row: Value[]): string {
	if (choice.series === null) return columns[choice.y]!.name;
	const value = row[choice.series] ?? null;
	return value === null ? "NULL" : formatValue(value, columns[choice.series]!.type);
}
