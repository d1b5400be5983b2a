/** How the page looks when there is nothing to show, or something went wrong. */
import type { ReactNode } from "react";
import type { Problem } from "@/lib/http.ts";
import { Button } from "./button.tsx";
import { ErrorIcon } from "./icons.tsx";

/** In the middle of an empty place: what it is for, and the next step. */
export function Empty({
	icon,
	title,
	children,
}: {
	icon?: ReactNode;
	title: string;
	children?: ReactNode;
}) {
	return (
		<div className="flex h-full min-h-24 flex-col items-center justify-center gap-2 p-6 text-center">
			{icon && <div className="text-text-3">{icon}</div>}
			<p className="font-medium text-text-2">{title}</p>
			{children && <div className="max-w-md text-xs text-text-3">{children}</div>}
		</div>
	);
}

/** An error with all that PostgreSQL says about it. */
export function ProblemBox({
	problem,
	title,
	onRetry,
}: {
	problem: Problem;
	title?: string;
	onRetry?: () => void;
}) {
	return (
		<div role="alert" className="rounded-lg border border-line bg-bad-soft p-3 text-left">
			<div className="flex gap-2">
				<ErrorIcon className="mt-0.5 size-4 text-bad" />
				<div className="min-w-0 flex-1 break-words">
					{title && <p className="font-semibold text-bad">{title}</p>}
					<p className={title ? "text-text" : "font-medium text-bad"}>{problem.message}</p>
					{problem.detail && <p className="mt-1 text-text-2">{problem.detail}</p>}
					{problem.hint && <p className="mt-1 text-text-2">Hint: {problem.hint}</p>}
					<p className="mt-1 text-xs text-text-2 empty:hidden">
						{[
							problem.code && `SQLSTATE ${problem.code}`,
							problem.line && `line ${problem.line}, column ${problem.column}`,
						]
							.filter(Boolean)
							.join(" · ")}
					</p>
					{onRetry && (
						<Button className="mt-2" onClick={onRetry}>
							Try again
						</Button>
					)}
				</div>
			</div>
		</div>
	);
}

/** Grey bars in the place of a list that is on its way. */
export function Loading({ label, rows = 3 }: { label: string; rows?: number }) {
	return (
		<div role="status" aria-label={label} className="flex flex-col gap-2 p-3">
			{Array.from({ length: rows }, (_, row) => (
				<div
					key={row}
					className="h-5 animate-pulse rounded bg-surface-3"
					style={{ width: `${90 - row * 14}%` }}
				/>
			))}
		</div>
	);
}
