/** Numbers and times as people read them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function formatCount(value: number): string {
	return whole.format(value);
}

/** 1234567 → 1.2M, for narrow places. */
export function formatCompact(value: number): string {
	return value < 10_000 ? whole.format(value) : compact.format(value);
}

export function formatRate(perSecond: number): string {
	return perSecond < 10 ? short.format(perSecond) : formatCompact(perSecond);
}

export function formatBytes(bytes: number): string {
	if (bytes < 1024) return `${bytes} B`;
	if (bytes < 1024 * 1024) return `${short.format(bytes / 1024)} KiB`;
	if (bytes < 1024 ** 3) return `${short.format(bytes / 1024 ** 2)} MiB`;
	return `${short.format(bytes / 1024 ** 3)} GiB`;
}

/** Time of day of PostgreSQL's timestamp in its own zone: what is compared with rows. */
export function formatClock(timestamp: string): string {
	return /\d\d:\d\d:\d\d/.exec(timestamp)?.[0] ?? timestamp;
}

export function plural(count: number, one: string, many = `${one}s`): string {
	return `${formatCount(count)} ${count === 1 ? one : many}`;
}
