/** Monaco as a component: text in, text out. Loaded when the page is there already. */
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { useTheme } from "@/lib/theme.ts";
import { type Diagnostic, spanOf } from "./diagnostics.ts";
import { applyTheme, LANGUAGE, monaco } from "./monaco.ts";

export type EditorHandle = {
	/** Replaces all of the text; it can be undone. */
	replace(text: string): void;
	/** Puts a text where the cursor is. */
	insert(text: string): void;
	goTo(line: number, column: number): void;
	focus(): void;
	/** What is there now, which may be newer than what was last drawn. */
	text(): string;
	/** What is selected, as offsets; cursor is the end that moves. */
	selection(): { start: number; end: number; cursor: number };
};

type Props = {
	text: string;
	onChange: (text: string) => void;
	onCursor: (offset: number) => void;
	onRun: (all: boolean) => void;
	diagnostics: { text: string; list: readonly Diagnostic[] };
	handle: Ref<EditorHandle>;
};

const { MarkerSeverity, KeyMod, KeyCode } = monaco;
const SEVERITIES: Record<string, number> = {
	ERROR: MarkerSeverity.Error,
	WARNING: MarkerSeverity.Warning,
	INFO: MarkerSeverity.Info,
};

function markerOf(text: string, diagnostic: Diagnostic): monaco.editor.IMarkerData {
	const span = spanOf(text, diagnostic);
	return {
		severity: SEVERITIES[diagnostic.severity] ?? MarkerSeverity.Info,
		message: [diagnostic.message, diagnostic.detail, diagnostic.hint && `Hint: ${diagnostic.hint}`]
			.filter(Boolean)
			.join("\n"),
		code: diagnostic.sqlstate ?? undefined,
		startLineNumber: span.line,
		startColumn: span.column,
		endLineNumber: span.endLine,
		endColumn: span.endColumn,
	};
}

export default function SqlEditor({ text, onChange, onCursor, onRun, diagnostics, handle }: Props) {
	const box = useRef<HTMLDivElement>(null);
	const editor = useRef<monaco.editor.IStandaloneCodeEditor | null>(null);
	const theme = useTheme();
	// Monaco keeps what it was given first; these are asked when something happens.
	const calls = useRef({ onChange, onCursor, onRun });
	calls.current = { onChange, onCursor, onRun };
	const first = useRef(text);

	useEffect(() => applyTheme(theme), [theme]);

	useEffect(() => {
		const made = monaco.editor.create(box.current!, {
			value: first.current,
			language: LANGUAGE,
			theme: "velo",
			automaticLayout: true,
			ariaLabel: "SQL. Press Control and M so that Tab leaves the editor.",
			fontFamily:
				getComputedStyle(document.documentElement).getPropertyValue("--font-mono") || "monospace",
			fontSize: 13,
			lineHeight: 20,
			minimap: { enabled: false },
			scrollBeyondLastLine: false,
			scrollbar: { horizontalScrollbarSize: 8, verticalScrollbarSize: 8 },
			padding: { top: 10, bottom: 10 },
			lineNumbersMinChars: 3,
			folding: true,
			renderLineHighlight: "line",
			overviewRulerBorder: false,
			overviewRulerLanes: 0,
			guides: { indentation: false },
			fixedOverflowWidgets: true,
			placeholder: "Type SQL, or pick a stream on the left",
			quickSuggestions: { other: true, comments: false, strings: true },
			suggest: { showWords: false, preview: false },
			wordBasedSuggestions: "off",
			unicodeHighlight: { ambiguousCharacters: false },
			tabSize: 4,
			insertSpaces: true,
			accessibilityPageSize: 40,
		});
		editor.current = made;
		// An option of the text, although it is about colours.
		made.getModel()?.updateOptions({
			bracketColorizationOptions: { enabled: false, independentColorPoolPerBracketType: false },
		});
		const run = (all: boolean) => {
			made.trigger("studio", "hideSuggestWidget", null);
			calls.current.onRun(all);
		};
		made.addCommand(KeyMod.CtrlCmd | KeyCode.Enter, () => run(false));
		made.addCommand(KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.Enter, () => run(true));
		made.onDidChangeModelContent(() => calls.current.onChange(made.getValue()));
		made.onDidChangeCursorPosition((event) =>
			calls.current.onCursor(made.getModel()!.getOffsetAt(event.position)),
		);
		made.focus();
		return () => {
			made.getModel()?.dispose();
			made.dispose();
			editor.current = null;
		};
	}, []);

	useEffect(() => {
		const model = editor.current?.getModel();
		// Markers of another text would be at wrong places; Monaco moves the old ones meanwhile.
		if (!model || model.getValue() !== diagnostics.text) return;
		monaco.editor.setModelMarkers(
			model,
			"velo",
			diagnostics.list.map((one) => markerOf(diagnostics.text, one)),
		);
	}, [diagnostics]);

	useImperativeHandle(handle, () => handleOf(() => editor.current), []);

	return <div ref={box} className="h-full w-full" data-testid="editor" />;
}

function handleOf(current: () => monaco.editor.IStandaloneCodeEditor | null): EditorHandle {
	return {
		replace(text) {
			const editor = current();
			const model = editor?.getModel();
			if (!editor || !model) return;
			editor.pushUndoStop();
			editor.executeEdits("studio", [{ range: model.getFullModelRange(), text }]);
			editor.pushUndoStop();
			editor.setPosition(model.getPositionAt(text.length));
			editor.focus();
		},
		insert(text) {
			const editor = current();
			const selection = editor?.getSelection();
			if (!editor || !selection) return;
			editor.pushUndoStop();
			editor.executeEdits("studio", [{ range: selection, text, forceMoveMarkers: true }]);
			editor.focus();
		},
		goTo(line, column) {
			const editor = current();
			editor?.setPosition({ lineNumber: line, column });
			editor?.revealLineInCenterIfOutsideViewport(line);
			editor?.focus();
		},
		focus: () => current()?.focus(),
		text: () => current()?.getValue() ?? "",
		selection() {
			const editor = current();
			const model = editor?.getModel();
			const selection = editor?.getSelection();
			if (!model || !selection) return { start: 0, end: 0, cursor: 0 };
			return {
				start: model.getOffsetAt(selection.getStartPosition()),
				end: model.getOffsetAt(selection.getEndPosition()),
				cursor: model.getOffsetAt(selection.getPosition()),
			};
		},
	};
}
