/** Completion of names that are there and words that may follow. */
import * as monaco from "monaco-editor/editor";
import type { Relation } from "@/lib/schema.ts";
import { quoteName, splitStatements, statementAt } from "@/lib/sql.ts";
import { type Place, placeOf, relationsIn } from "./context.ts";
import { type Option, sources } from "./sources.ts";
import { SNIPPETS, SQL_WORDS, STREAM_WORDS, TYPE_WORDS } from "./words.ts";

/** Suggestions in one list; a database may have tens of thousands of relations. */
const SUGGESTIONS_MAX = 200;

type Item = Omit<monaco.languages.CompletionItem, "range">;
const { CompletionItemKind: Kinds, CompletionItemInsertTextRule: Rules } = monaco.languages;

export const provider: monaco.languages.CompletionItemProvider = {
	triggerCharacters: [".", "'"],
	provideCompletionItems(model, position) {
		const text = model.getValue();
		const offset = model.getOffsetAt(position);
		const statement = statementAt(splitStatements(text), offset);
		const start = statement && statement.start <= offset ? statement.start : offset;
		const place = placeOf(text.slice(start, offset));
		const word = model.getWordUntilPosition(position);
		const range = rangeOf(model, position, place, word);
		const typed = model.getValueInRange(range).replace(/^'/, "").toLowerCase();
		const found = itemsAt(place, statement?.text ?? "");
		const fitting =
			typed === ""
				? found
				: found.filter((item) => String(item.label).toLowerCase().includes(typed));
		return {
			suggestions: fitting.slice(0, SUGGESTIONS_MAX).map((item) => ({ ...item, range })),
			incomplete: fitting.length > SUGGESTIONS_MAX,
		};
	},
};

/** Properties have dots and quotes, which no word has. */
function rangeOf(
	model: monaco.editor.ITextModel,
	position: monaco.Position,
	place: Place,
	word: monaco.editor.IWordAtPosition,
): monaco.IRange {
	const line = model.getLineContent(position.lineNumber);
	const head =
		place.kind === "property" ? /'?[\w.]*$/.exec(line.slice(0, position.column - 1))![0].length : 0;
	const isQuoted = place.kind === "property" && line[position.column - 1] === "'";
	return {
		startLineNumber: position.lineNumber,
		endLineNumber: position.lineNumber,
		startColumn: place.kind === "property" ? position.column - head : word.startColumn,
		endColumn: place.kind === "property" ? position.column + (isQuoted ? 1 : 0) : word.endColumn,
	};
}

function itemsAt(place: Place, statement: string): Item[] {
	const names = relationsIn(statement);
	switch (place.kind) {
		case "relation":
			return relations();
		case "property":
			return sources.options.map(optionItem);
		case "member":
			return columns([names.get(place.of) ?? place.of], "0");
		default:
			return [
				...columns([...new Set(names.values())], "0"),
				...snippets(),
				...words(),
				...functions(),
				...relations(),
			];
	}
}

function relations(): Item[] {
	return (sources.schema?.relations ?? [])
		.filter((relation) => relation.schema !== "velo")
		.map((relation) => ({
			label: relation.name,
			kind: relation.kind === "stream" ? Kinds.Event : Kinds.Struct,
			detail: `${relation.kind} ${relation.schema === "public" ? "" : relation.schema}`.trim(),
			documentation: relation.description ?? undefined,
			insertText:
				relation.schema === "public"
					? quoteName(relation.name)
					: `${quoteName(relation.schema)}.${quoteName(relation.name)}`,
			// Streams first, then what else the dialect made.
			sortText: `${{ stream: 1, table: 2, relation: 3 }[relation.kind]}${relation.name}`,
		}));
}

function columns(names: readonly string[], rank: string): Item[] {
	const known = sources.schema;
	const found = names.flatMap(
		(name) => known?.relations.filter((relation) => relation.name === name) ?? [],
	);
	const own = found.flatMap((relation) =>
		relation.columns.map((column) => columnItem(column.name, column.type, relation.name, rank)),
	);
	const hasStream = found.some((relation: Relation) => relation.kind === "stream");
	const system = hasStream ? (known?.system_columns ?? []) : [];
	return [
		...own,
		...system.map((column) => columnItem(column.name, column.type, "of every stream", `${rank}~`)),
	];
}

function columnItem(name: string, type: string, owner: string, rank: string): Item {
	return {
		label: name,
		kind: Kinds.Field,
		detail: `${type}, ${owner}`,
		insertText: quoteName(name),
		sortText: `${rank}${name}`,
	};
}

function words(): Item[] {
	return [...STREAM_WORDS, ...SQL_WORDS, ...TYPE_WORDS].map((word) => ({
		label: word,
		kind: Kinds.Keyword,
		insertText: word,
		sortText: `5${word}`,
	}));
}

function snippets(): Item[] {
	return SNIPPETS.map((snippet) => ({
		label: snippet.label,
		kind: Kinds.Snippet,
		documentation: snippet.about,
		insertText: snippet.text,
		insertTextRules: Rules.InsertAsSnippet,
		sortText: `4${snippet.label}`,
	}));
}

function functions(): Item[] {
	const seen = new Set<string>();
	return (sources.schema?.functions ?? []).flatMap((fn) => {
		if (seen.has(fn.name) || fn.name.startsWith("_")) return [];
		seen.add(fn.name);
		return {
			label: fn.name,
			kind: Kinds.Function,
			detail: `${fn.signature} → ${fn.returns}`,
			documentation: fn.description ?? undefined,
			insertText: `${fn.name}($0)`,
			insertTextRules: Rules.InsertAsSnippet,
			sortText: `6${fn.name}`,
		};
	});
}

function optionItem(option: Option): Item {
	return {
		label: option.name,
		kind: Kinds.Property,
		detail: [option.type, option.standard && `default ${option.standard}`]
			.filter(Boolean)
			.join(", "),
		documentation: option.description ?? undefined,
		// The name may be a pattern such as data.<column>.range.
		insertText: `'${option.name.replaceAll("$", "\\$").replace(/<(\w+)>/g, "${1:$1}")}' = '\${9}'`,
		insertTextRules: Rules.InsertAsSnippet,
		filterText: `'${option.name}'`,
		sortText: option.name,
	};
}
