/** What may stand at a place in a statement, as far as completion needs to know. */

export type Place =
	| { kind: "relation" }
	| { kind: "property" }
	| { kind: "member"; of: string }
	| { kind: "anything" };

/** The place behind `before`, the statement's text up to the cursor. */
export function placeOf(before: string): Place {
	const text = before.replace(/--[^\n]*\n|'(?:[^']|'')*'/g, (found) =>
		found[0] === "'" ? "''" : " ",
	);
	const member = /("(?:[^"]|"")+"|[\w$\u0080-\uffff]+)\.[\w$\u0080-\uffff]*$/.exec(text);
	if (member) return { kind: "member", of: unquote(member[1]!) };
	if (/\bWITH\s*\((?:[^()]*,)?\s*'?[\w.]*$/i.test(text)) return { kind: "property" };
	if (
		/\b(FROM|JOIN|INTO|DESCRIBE|DROP\s+(?:STREAM|TABLE)|UPDATE)\s+["\w$\u0080-\uffff]*$/i.test(text)
	) {
		return { kind: "relation" };
	}
	return { kind: "anything" };
}

function unquote(name: string): string {
	return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

const NAME = String.raw`(?:"(?:[^"]|"")+"|[\w$\u0080-\uffff]+)`;
const NO_ALIAS =
	/^(where|window|group|having|order|limit|emit|join|left|right|full|inner|cross|on|using|with|within|into|union|for|as)$/i;

/** Relations that a statement reads, by the names they have in it. */
export function relationsIn(statement: string): Map<string, string> {
	const found = new Map<string, string>();
	const pattern = new RegExp(
		String.raw`\b(?:FROM|JOIN|INTO)\s+(${NAME}(?:\.${NAME})?)(?:\s+(?:AS\s+)?(${NAME}))?`,
		"gi",
	);
	for (const match of statement.matchAll(pattern)) {
		const path = match[1]!;
		const name = unquote(path.slice(lastDot(path) + 1));
		found.set(name, name);
		if (match[2] && !NO_ALIAS.test(match[2])) found.set(unquote(match[2]), name);
	}
	return found;
}

function lastDot(path: string): number {
	return path.endsWith('"') ? path.lastIndexOf('."') : path.lastIndexOf(".");
}
