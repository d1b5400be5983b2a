/**
 * Just enough of the dialect's lexical rules to tell statements apart: what stands in
 * strings, quoted names, dollar quotes and (nested) comments ends nothing.
 */

export type Statement = {
	/** Without the semicolon and the space around it; annotations in front belong to it. */
	text: string;
	/** Offsets in UTF-16 units: the text, and up to where a cursor is "in" it. */
	start: number;
	end: number;
	reach: number;
};

const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

/** Offset after the token that begins at `at`: a quoted thing, a comment, or a character. */
function skip(sql: string, at: number): number {
	const two = sql.slice(at, at + 2);
	if (two === "--") return until(sql, "\n", at);
	if (two === "/*") return skipComment(sql, at);
	const c = sql[at]!;
	if (c === "'")
		return skipQuoted(
			sql,
			at,
			"'",
			/[eE]/.test(sql[at - 1] ?? "") && !/\w/.test(sql[at - 2] ?? " "),
		);
	if (c === '"') return skipQuoted(sql, at, '"', false);
	if (c === "$" && !/[\w$]/.test(sql[at - 1] ?? " ")) {
		DOLLAR.lastIndex = at;
		const tag = DOLLAR.exec(sql)?.[0];
		if (tag) return until(sql, tag, at + tag.length);
	}
	return at + 1;
}

function until(sql: string, mark: string, from: number): number {
	const found = sql.indexOf(mark, from);
	return found < 0 ? sql.length : found + mark.length;
}

function skipQuoted(sql: string, at: number, quote: string, hasEscapes: boolean): number {
	for (let i = at + 1; i < sql.length; i++) {
		if (hasEscapes && sql[i] === "\\") i++;
		else if (sql[i] === quote) return i + 1;
	}
	return sql.length;
}

function skipComment(sql: string, at: number): number {
	let depth = 0;
	for (let i = at; i < sql.length; i++) {
		const two = sql.slice(i, i + 2);
		if (two === "/*") {
			depth++;
			i++;
		} else if (two === "*/") {
			depth--;
			i++;
			if (depth === 0) return i + 1;
		}
	}
	return sql.length;
}

/** The statements of a text, without empty ones. */
export function splitStatements(sql: string): Statement[] {
	const found: Statement[] = [];
	let start = 0;
	const add = (end: number, reach: number) => {
		const raw = sql.slice(start, end);
		if (firstWord(raw) !== "") {
			const lead = raw.length - raw.trimStart().length;
			const text = raw.trim();
			found.push({ text, start: start + lead, end: start + lead + text.length, reach });
		}
		start = reach;
	};
	for (let at = 0; at < sql.length; ) {
		if (sql[at] === ";") add(at, ++at);
		else at = skip(sql, at);
	}
	add(sql.length, sql.length);
	return found;
}

/** The statement that the cursor is in or behind, else the last one before it. */
export function statementAt(
	statements: readonly Statement[],
	offset: number,
): Statement | undefined {
	return statements.find((statement) => offset <= statement.reach) ?? statements.at(-1);
}

/** First word or character in upper case that is no comment; "" when there is none. */
export function firstWord(sql: string): string {
	for (let at = 0; at < sql.length; ) {
		if (/\s/.test(sql[at]!)) at++;
		else if (sql.startsWith("--", at) || sql.startsWith("/*", at)) at = skip(sql, at);
		else return /^\w+/.exec(sql.slice(at))?.[0].toUpperCase() ?? sql[at]!;
	}
	return "";
}

const QUERIES = new Set([
	"SELECT",
	"WITH",
	"VALUES",
	"TABLE",
	"SHOW",
	"LIST",
	"DESCRIBE",
	"EXPLAIN",
	"(",
]);

/** Does it answer with rows, which go over the live connection? All else is executed. */
export function isQuery(sql: string): boolean {
	return QUERIES.has(firstWord(sql));
}

/** A name as SQL text: quoted unless it is a plain lower-case word. */
export function quoteName(name: string): string {
	return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/**
 * Line and column (from 1, column in UTF-16 units as editors count) of a place that was
 * counted in characters from the start of a part of the text that begins at `offset`.
 */
export function placeInText(
	text: string,
	offset: number,
	line: number,
	column: number,
): { line: number; column: number } {
	const before = text.slice(0, offset).split("\n");
	const lineInText = before.length + line - 1;
	const head = line === 1 ? before.at(-1)!.length : 0;
	const whole = text.split("\n")[lineInText - 1] ?? "";
	const characters = [...whole.slice(head)].slice(0, Math.max(0, column - 1));
	return { line: lineInText, column: head + characters.join("").length + 1 };
}
