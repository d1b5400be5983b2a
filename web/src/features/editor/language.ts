/** Colours, brackets and comments of the dialect, as Monaco wants to be told. */
import type { languages } from "monaco-editor/editor";
import { SQL_WORDS, STREAM_WORDS, TYPE_WORDS } from "./words.ts";

export const LANGUAGE = "velosql";

export const configuration: languages.LanguageConfiguration = {
	comments: { lineComment: "--", blockComment: ["/*", "*/"] },
	brackets: [
		["(", ")"],
		["[", "]"],
	],
	autoClosingPairs: [
		{ open: "(", close: ")" },
		{ open: "[", close: "]" },
		{ open: "'", close: "'", notIn: ["string", "comment"] },
		{ open: '"', close: '"', notIn: ["string", "comment"] },
	],
	wordPattern: /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d+[a-z]*/,
};

export const tokens: languages.IMonarchLanguage = {
	ignoreCase: true,
	stream: STREAM_WORDS,
	sql: SQL_WORDS,
	types: TYPE_WORDS,
	tokenizer: {
		root: [
			// -- @name: and the like say something to the engine.
			[/--\s*@[\w.]+.*$/, "annotation"],
			[/--.*$/, "comment"],
			[/\/\*/, "comment", "@comment"],
			[/\$(\w*)\$/, { token: "delimiter.dollar", next: "@dollar.$1" }],
			[/e'/, "string", "@escaped"],
			[/'/, "string", "@string"],
			[/"/, "identifier.quoted", "@quoted"],
			// Properties' ${NAME} stand in strings; @alert(…) and @metric(…) are select items.
			[/@(alert|metric)\b/, "annotation"],
			[/\d+(ns|us|μs|ms|s|m|h|d|w)\b/, "number.duration"],
			[/\d*\.\d+(e[+-]?\d+)?|\d+(e[+-]?\d+)?/, "number"],
			[/::/, "operator"],
			[
				/([a-z_\u0080-\uffff][\w$\u0080-\uffff]*)(?=\()/,
				{
					cases: {
						"@stream": "keyword.stream",
						"@sql": "keyword",
						"@types": "type",
						"@default": "function",
					},
				},
			],
			[
				/[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/,
				{
					cases: {
						"@stream": "keyword.stream",
						"@sql": "keyword",
						"@types": "type",
						"@default": "identifier",
					},
				},
			],
			[/[()[\]]/, "@brackets"],
			[/[;,.]/, "delimiter"],
			[/[+\-*/<>=~!@#%^&|`?]+/, "operator"],
		],
		// They nest, as PostgreSQL's do.
		comment: [
			[/[^/*]+/, "comment"],
			[/\/\*/, "comment", "@push"],
			[/\*\//, "comment", "@pop"],
			[/[/*]/, "comment"],
		],
		// What stands in dollar quotes is coloured as SQL: here it is a body of statements.
		dollar: [
			[
				/\$(\w*)\$/,
				{ cases: { "$1==$S2": { token: "delimiter.dollar", next: "@pop" }, "@default": "string" } },
			],
			{ include: "@root" },
		],
		string: [
			[/\$\{[^}]*\}/, "variable"],
			[/[^'$]+/, "string"],
			[/''/, "string"],
			[/'/, "string", "@pop"],
			[/\$/, "string"],
		],
		escaped: [
			[/[^'\\]+/, "string"],
			[/\\./, "string"],
			[/''/, "string"],
			[/'/, "string", "@pop"],
		],
		quoted: [
			[/[^"]+/, "identifier.quoted"],
			[/""/, "identifier.quoted"],
			[/"/, "identifier.quoted", "@pop"],
		],
	},
};
