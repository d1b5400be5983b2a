/**
 * Monaco with the features that this page uses, from our own bundle: the usual wrapper for
 * React would load it from elsewhere. Everything in this file is in a chunk of its own that
 * comes after the page is shown.
 */
import * as monaco from "monaco-editor/editor";
import EditorWorker from "monaco-editor/editor/editor.worker?worker";
import "monaco-editor/features/bracketMatching/register";
import "monaco-editor/features/caretOperations/register";
import "monaco-editor/features/clipboard/register";
import "monaco-editor/features/codicon/register";
import "monaco-editor/features/comment/register";
import "monaco-editor/features/contextmenu/register";
import "monaco-editor/features/cursorUndo/register";
import "monaco-editor/features/find/register";
import "monaco-editor/features/folding/register";
import "monaco-editor/features/gotoError/register";
import "monaco-editor/features/hover/register";
import "monaco-editor/features/indentation/register";
import "monaco-editor/features/linesOperations/register";
import "monaco-editor/features/multicursor/register";
import "monaco-editor/features/placeholderText/register";
import "monaco-editor/features/smartSelect/register";
import "monaco-editor/features/snippet/register";
import "monaco-editor/features/suggest/register";
// What that leaves out: the list itself.
import "monaco-editor/editor/contrib/suggest/browser/suggestController";
import "monaco-editor/features/toggleTabFocusMode/register";
import "monaco-editor/features/wordHighlighter/register";
import "monaco-editor/features/wordOperations/register";
import { type Theme, token } from "@/lib/theme.ts";
import { provider } from "./completion.ts";
import { configuration, LANGUAGE, tokens } from "./language.ts";

self.MonacoEnvironment = { getWorker: () => new EditorWorker() };

monaco.languages.register({ id: LANGUAGE });
monaco.languages.setLanguageConfiguration(LANGUAGE, configuration);
monaco.languages.setMonarchTokensProvider(LANGUAGE, tokens);
monaco.languages.registerCompletionItemProvider(LANGUAGE, provider);

/** Gives all editors the page's colours. Monaco knows no CSS variables, so they are read. */
export function applyTheme(theme: Theme): void {
	const rule = (name: string, color: string, fontStyle?: string) => ({
		token: name,
		foreground: token(color).slice(1),
		fontStyle,
	});
	monaco.editor.defineTheme("velo", {
		base: theme === "dark" ? "vs-dark" : "vs",
		inherit: true,
		rules: [
			rule("", "text"),
			rule("keyword", "code-keyword"),
			rule("keyword.stream", "code-stream", "bold"),
			rule("type", "code-function"),
			rule("function", "code-function"),
			rule("string", "code-string"),
			rule("variable", "code-number"),
			rule("number", "code-number"),
			rule("number.duration", "code-stream"),
			rule("comment", "code-comment", "italic"),
			rule("annotation", "code-function", "italic"),
			rule("operator", "text-2"),
			rule("delimiter", "text-2"),
			rule("delimiter.dollar", "code-comment"),
			rule("identifier", "text"),
			rule("identifier.quoted", "text"),
		],
		colors: {
			"editor.background": token("surface"),
			"editor.foreground": token("text"),
			"editorCursor.foreground": token("accent"),
			"editorLineNumber.foreground": token("text-3"),
			"editorLineNumber.activeForeground": token("text"),
			"editor.lineHighlightBackground": token("surface-2"),
			"editor.lineHighlightBorder": "#00000000",
			"editor.selectionBackground": token("selection"),
			"editor.inactiveSelectionBackground": token("surface-3"),
			"editorError.foreground": token("bad"),
			"editorWarning.foreground": token("warn"),
			"editorInfo.foreground": token("info"),
			"editorWidget.background": token("surface-2"),
			"editorWidget.border": token("line-strong"),
			"editorHoverWidget.background": token("surface-2"),
			"editorHoverWidget.border": token("line-strong"),
			"editorSuggestWidget.background": token("surface-2"),
			"editorSuggestWidget.border": token("line-strong"),
			"editorSuggestWidget.selectedBackground": token("accent-soft"),
			"editorSuggestWidget.selectedForeground": token("text"),
			"editorSuggestWidget.highlightForeground": token("accent"),
			"editorSuggestWidget.focusHighlightForeground": token("accent"),
			"scrollbarSlider.background": `${token("line-strong")}99`,
			"scrollbarSlider.hoverBackground": token("line-strong"),
			"scrollbarSlider.activeBackground": token("text-3"),
			"editor.placeholder.foreground": token("text-3"),
			focusBorder: token("accent"),
		},
	});
	monaco.editor.setTheme("velo");
}

export { LANGUAGE, monaco };
