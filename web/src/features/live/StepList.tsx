/** What statements without rows have done, one below the other. */
import { Button } from "@/components/ui/button.tsx";
import { CheckIcon } from "@/components/ui/icons.tsx";
import { Loading, ProblemBox } from "@/components/ui/states.tsx";
import type { Done, Step } from "./runner.ts";

type GoTo = (offset: number, line: number, column: number) => void;

export function StepList({ steps, onGoTo }: { steps: readonly Step[]; onGoTo: GoTo }) {
	return (
		<ol aria-label="Statements" aria-live="polite" className="flex flex-col gap-3 p-4">
			{steps.map((step, index) => (
				<li key={index}>
					<StepView step={step} onGoTo={onGoTo} />
				</li>
			))}
		</ol>
	);
}

function StepView({ step, onGoTo }: { step: Step; onGoTo: GoTo }) {
	if (step.state === "running") return <Loading label="Running the statement" rows={1} />;
	if (step.state === "failed") {
		const { line, column } = step.problem;
		return (
			<>
				<p className="mb-1 truncate font-mono text-xs text-text-2">{firstLine(step.sql)}</p>
				<ProblemBox title="The statement failed" problem={step.problem} />
				{line && (
					<Button className="mt-2" onClick={() => onGoTo(step.offset, line, column ?? 1)}>
						Go to the place
					</Button>
				)}
			</>
		);
	}
	const time = `${Math.max(1, Math.round(step.elapsedMs))} ms`;
	if (step.results.length === 0) return <Line text={firstLine(step.sql)} more={time} />;
	return step.results.map((result, index) => <Result key={index} result={result} time={time} />);
}

function firstLine(sql: string): string {
	const lines = sql.split("\n").map((line) => line.trim());
	return lines.find((line) => line !== "" && !line.startsWith("--")) ?? "";
}

function Result({ result, time }: { result: unknown; time: string }) {
	const done = result as Done;
	if (!done || typeof done !== "object" || typeof done.command !== "string") {
		return (
			<pre className="rounded-md bg-surface-2 px-3 py-2 font-mono text-[12px] whitespace-pre-wrap">
				{JSON.stringify(result, null, 2)}
			</pre>
		);
	}
	return (
		<>
			<Line
				text={[done.command, done.object].filter(Boolean).join(" ")}
				more={[done.job && `job ${done.job}`, time].filter(Boolean).join(" · ")}
			/>
			{(done.notices ?? []).map((notice, index) => (
				<p key={index} className="pl-6 text-text-2">
					{typeof notice === "string" ? notice : JSON.stringify(notice)}
				</p>
			))}
		</>
	);
}

function Line({ text, more }: { text: string; more: string }) {
	return (
		<p className="flex items-center gap-2">
			<CheckIcon className="size-4 text-ok" />
			<span className="truncate font-medium">{text}</span>
			<span className="shrink-0 text-text-2">{more}</span>
		</p>
	);
}
