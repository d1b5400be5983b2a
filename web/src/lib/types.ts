/** What PostgreSQL's types mean to a page: how a value is aligned, written and drawn. */

export type Column = { name: string; type: string };
export type Value = null | boolean | number | string | object;
export type Kind = "number" | "time" | "boolean" | "json" | "text";

const NUMBERS =
	/^(smallint|integer|bigint|int[248]?|numeric|decimal|real|double precision|float[48]?|oid|money)\b/i;
const TIMES = /^(timestamp|timestamptz|date)\b/i;

/** What kind of values a type has; arrays are text. */
export function kindOf(type: string): Kind {
	if (type.endsWith("[]")) return "text";
	if (NUMBERS.test(type)) return "number";
	if (TIMES.test(type)) return "time";
	if (/^bool/i.test(type)) return "boolean";
	if (/^jsonb?$/i.test(type)) return "json";
	return "text";
}

export function isInteger(type: string): boolean {
	return /^(smallint|integer|bigint|int[248]?|oid)\b/i.test(type);
}

/** More digits than these behind the point are not filled up with zeros. */
const SCALE_MAX = 4;

/**
 * Digits behind the point that a column's numbers are written with, so that they stand
 * under one another; undefined: as they come. JSON has no scale: 12.50 arrives as 12.5.
 */
export function scaleOf(type: string, values: readonly Value[]): number | undefined {
	const declared = /^(?:numeric|decimal)\(\d+,(\d+)\)/i.exec(type)?.[1];
	if (declared !== undefined) return Number(declared);
	if (!/^(numeric|decimal)$/i.test(type)) return undefined;
	const digits = values.map((value) => (typeof value === "number" ? decimals(value) : 0));
	const most = Math.max(0, ...digits);
	return most <= SCALE_MAX ? most : undefined;
}

function decimals(value: number): number {
	const text = String(value);
	return text.includes("e") ? SCALE_MAX + 1 : (text.split(".")[1]?.length ?? 0);
}

/** A value on one line. NULL is the caller's: it must not look like a text. */
export function formatValue(value: Value, type: string, scale?: number): string {
	if (value === null) return "";
	if (typeof value === "object") return JSON.stringify(value);
	if (kindOf(type) === "json") return JSON.stringify(value);
	// Never fewer digits than there are.
	if (typeof value === "number" && scale !== undefined && decimals(value) <= scale) {
		return value.toFixed(scale);
	}
	return String(value);
}

/** A value in full, over several lines where that helps. */
export function formatLong(value: Value, type: string): string {
	if (kindOf(type) === "json" && value !== null) return JSON.stringify(value, null, 2);
	return formatValue(value, type);
}

/**
 * Milliseconds since 1970 of PostgreSQL's text of a date or timestamp; NaN for infinity,
 * years BC and what is no time. A time without a zone is read as UTC: only differences and
 * order matter where it is drawn, and they must not depend on who looks.
 */
export function parseTime(value: Value): number {
	if (typeof value !== "string") return Number.NaN;
	const found =
		/^(\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(\.\d+)?([+-]\d\d(?::?\d\d)?(?::?\d\d)?|Z)?)?$/.exec(
			value,
		);
	if (!found) return Number.NaN;
	const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", zone] = found;
	const utc =
		Date.UTC(+year!, +month! - 1, +day!, +hour, +minute, +second) + Number(fraction) * 1000;
	return utc - zoneOffset(zone);
}

function zoneOffset(zone: string | undefined): number {
	if (!zone || zone === "Z") return 0;
	const [hours = 0, minutes = 0, seconds = 0] = zone
		.slice(1)
		.replaceAll(":", "")
		.match(/\d\d/g)!
		.map(Number);
	return (zone[0] === "-" ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** A number to draw, or NaN. Strings are numbers that JavaScript has not exactly. */
export function parseNumber(value: Value): number {
	if (typeof value === "number") return value;
	if (typeof value === "string" && value !== "") return Number(value);
	return Number.NaN;
}
