/** The upper half of the page: what is typed, what is wrong with it, and Run. */
import { useQuery } from "@tanstack/react-query";
import {
	lazy,
	type Ref,
	Suspense,
	useEffect,
	useImperativeHandle,
	useMemo,
	useRef,
	useState,
} from "react";
import { Button } from "@/components/ui/button.tsx";
import { CheckIcon, ErrorIcon, PlayIcon, WarningIcon } from "@/components/ui/icons.tsx";
import { Loading } from "@/components/ui/states.tsx";
import { plural } from "@/lib/format.ts";
import { call } from "@/lib/http.ts";
import { keys } from "@/lib/keys.ts";
import { schemaQuery } from "@/lib/schema.ts";
import { isQuery, type Statement, splitStatements, statementAt } from "@/lib/sql.ts";
import { readStored, writeStored } from "@/lib/stored.ts";
import { type Diagnostic, spanOf, useValidation, type Validation } from "./diagnostics.ts";
import type { EditorHandle } from "./SqlEditor.tsx";
import { type Option, sources } from "./sources.ts";

const SqlEditor = lazy(() => import("./SqlEditor.tsx"));

export type { EditorHandle };

type Props = {
	/** Runs statements, of which there is at least one. */
	onRun: (statements: readonly Statement[]) => void;
	handle: Ref<EditorHandle>;
};

/** Keeps completion's names up to date. Returns a number that changes with them. */
function useSources(): number {
	const schema = useQuery(schemaQuery);
	const options = useQuery({
		queryKey: keys.options,
		queryFn: ({ signal }) => call<Option[]>("GET", "/api/options", { signal }),
		staleTime: Number.POSITIVE_INFINITY,
	});
	useEffect(() => {
		sources.schema = schema.data ?? null;
		sources.options = options.data ?? [];
	}, [schema.data, options.data]);
	return schema.dataUpdatedAt;
}

export function EditorPanel({ onRun, handle }: Props) {
	const [text, setText] = useState(() => readStored("text") ?? "");
	const [cursor, setCursor] = useState(0);
	const editor = useRef<EditorHandle>(null);
	const validation = useValidation(text, useSources());
	const statements = useMemo(() => splitStatements(text), [text]);
	const current = statementAt(statements, cursor);

	const change = (next: string) => {
		setText(next);
		writeStored("text", next);
	};
	// Asks the editor, not the state: who types and runs at once runs what was typed.
	const run = (all: boolean) => {
		if (!editor.current) return;
		const now = editor.current.text();
		const selection = editor.current.selection();
		const whole = splitStatements(now);
		const selected = inside(now, selection.start, selection.end);
		const atCursor = statementAt(whole, selection.cursor);
		if (all && whole.length > 0) onRun(whole);
		else if (selected.length > 0) onRun(selected);
		else if (atCursor) onRun([atCursor]);
	};

	useImperativeHandle(handle, () => ({
		replace: (next) => (editor.current ? editor.current.replace(next) : change(next)),
		insert: (next) => editor.current?.insert(next),
		goTo: (line, column) => editor.current?.goTo(line, column),
		focus: () => editor.current?.focus(),
		selection: () => editor.current?.selection() ?? { start: 0, end: 0, cursor: 0 },
		text: () => editor.current?.text() ?? text,
	}));

	const diagnostics = useMemo(
		() => ({ text: validation.text, list: validation.diagnostics }),
		[validation.text, validation.diagnostics],
	);
	return (
		<section aria-label="Editor" id="editor" className="flex h-full min-h-0 flex-col">
			<div className="flex min-h-10 items-center gap-2 border-b border-line bg-surface-2 px-3">
				<Button
					look="primary"
					icon={<PlayIcon className="size-3.5" />}
					disabled={!current}
					onClick={() => run(false)}
					title="Run the selection, or the statement at the cursor (Ctrl+Enter)"
				>
					Run
				</Button>
				{statements.length > 1 && (
					<Button onClick={() => run(true)} title="Run all statements (Ctrl+Shift+Enter)">
						Run all {statements.length}
					</Button>
				)}
				<span className="ml-1 truncate text-xs text-text-2">{hint(statements, current)}</span>
			</div>
			<div className="min-h-0 flex-1">
				<Suspense fallback={<Loading label="Loading the editor" rows={4} />}>
					<SqlEditor
						text={text}
						onChange={change}
						onCursor={setCursor}
						onRun={run}
						diagnostics={diagnostics}
						handle={editor}
					/>
				</Suspense>
			</div>
			<Problems
				validation={validation}
				onGoTo={(line, column) => editor.current?.goTo(line, column)}
			/>
		</section>
	);
}

/** Statements of a part of the text, with places in the whole. */
function inside(text: string, start: number, end: number): Statement[] {
	return splitStatements(text.slice(start, end)).map((statement) => ({
		text: statement.text,
		start: statement.start + start,
		end: statement.end + start,
		reach: statement.reach + start,
	}));
}

function hint(statements: readonly Statement[], current: Statement | undefined): string {
	if (!current) return "";
	if (statements.length === 1)
		return isQuery(current.text) ? "Ctrl+Enter" : "Ctrl+Enter executes the statement";
	return `Ctrl+Enter runs statement ${statements.indexOf(current) + 1} of ${statements.length}`;
}

type ProblemsProps = { validation: Validation; onGoTo: (line: number, column: number) => void };

/** What is wrong, as a list: squiggles alone are not for everybody. */
function Problems({ validation, onGoTo }: ProblemsProps) {
	const { diagnostics, state, text } = validation;
	const errors = diagnostics.filter((one) => one.severity === "ERROR").length;
	return (
		<div className="border-t border-line bg-surface-2 text-xs">
			<div
				role="status"
				className="flex min-h-7 items-center gap-2 px-3 text-text-2"
				data-testid="validation"
				data-state={state}
			>
				<Summary validation={validation} errors={errors} />
			</div>
			{diagnostics.length > 0 && (
				<ul aria-label="Problems" className="max-h-24 overflow-auto border-t border-line py-1">
					{diagnostics.map((one, index) => (
						<li key={index}>
							<ProblemLine text={text} diagnostic={one} onGoTo={onGoTo} />
						</li>
					))}
				</ul>
			)}
		</div>
	);
}

function Summary({ validation, errors }: { validation: Validation; errors: number }) {
	const { state, diagnostics, problem } = validation;
	if (state === "none") return <span>Nothing to check</span>;
	if (state === "failed")
		return <span className="text-warn">Not checked{problem ? `: ${problem.message}` : ""}</span>;
	if (diagnostics.length === 0) {
		if (state !== "current") return <span>Checking…</span>;
		return (
			<>
				<CheckIcon className="size-3.5 text-ok" />
				<span>No problems</span>
			</>
		);
	}
	const warnings = diagnostics.filter((one) => one.severity === "WARNING").length;
	const notes = diagnostics.length - errors - warnings;
	const look =
		errors > 0 ? "font-semibold text-bad" : warnings > 0 ? "font-semibold text-warn" : "";
	const parts = [
		errors > 0 && plural(errors, "error"),
		warnings > 0 && plural(warnings, "warning"),
		notes > 0 && plural(notes, "note"),
	];
	return <span className={look}>{parts.filter(Boolean).join(", ")}</span>;
}

type LineProps = {
	text: string;
	diagnostic: Diagnostic;
	onGoTo: (line: number, column: number) => void;
};

function ProblemLine({ text, diagnostic, onGoTo }: LineProps) {
	const span = spanOf(text, diagnostic);
	return (
		<button
			type="button"
			onClick={() => onGoTo(span.line, span.column)}
			className="flex w-full items-start gap-2 px-3 py-0.5 text-left hover:bg-surface-3 focus-visible:-outline-offset-2"
		>
			<Severity severity={diagnostic.severity} />
			<span className="min-w-0 flex-1">
				{diagnostic.message}
				{diagnostic.hint && <span className="text-text-2"> {diagnostic.hint}</span>}
			</span>
			<span className="tabular text-text-2">
				{diagnostic.line ?? 1}:{diagnostic.column ?? 1}
			</span>
		</button>
	);
}

function Severity({ severity }: { severity: string }) {
	if (severity === "ERROR") return <ErrorIcon className="mt-px size-3.5 text-bad" />;
	if (severity === "WARNING") return <WarningIcon className="mt-px size-3.5 text-warn" />;
	return <ErrorIcon className="mt-px size-3.5 text-info" />;
}
