/** Two areas, one above or beside the other, with a border that can be moved. */
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { readStored, writeStored } from "@/lib/stored.ts";

type Props = {
	/** Under which the place of the border is remembered. */
	name: string;
	label: string;
	direction: "row" | "column";
	/** The first area's share in per cent. */
	standard: number;
	first: ReactNode;
	second: ReactNode;
};

const MIN = 15;
const MAX = 85;

function within(share: number): number {
	return Math.min(MAX, Math.max(MIN, share));
}

export function Split({ name, label, direction, standard, first, second }: Props) {
	const box = useRef<HTMLDivElement>(null);
	const [share, setShare] = useState(() => within(Number(readStored(`split.${name}`)) || standard));
	const isRow = direction === "row";

	const change = (next: number) => {
		setShare(within(next));
		writeStored(`split.${name}`, String(Math.round(within(next))));
	};
	const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
		if (!event.currentTarget.hasPointerCapture(event.pointerId) || !box.current) return;
		const frame = box.current.getBoundingClientRect();
		change(
			isRow
				? ((event.clientX - frame.left) / frame.width) * 100
				: ((event.clientY - frame.top) / frame.height) * 100,
		);
	};
	const onKeyDown = (event: KeyboardEvent) => {
		const step = { ArrowLeft: -3, ArrowUp: -3, ArrowRight: 3, ArrowDown: 3 }[event.key];
		if (step === undefined) return;
		event.preventDefault();
		change(share + step);
	};

	return (
		<div ref={box} className={`flex h-full min-h-0 min-w-0 ${isRow ? "flex-row" : "flex-col"}`}>
			<div className="min-h-0 min-w-0 overflow-hidden" style={{ flex: `0 0 ${share}%` }}>
				{first}
			</div>
			{/* biome-ignore lint/a11y/useSemanticElements: an hr cannot be moved */}
			<div
				role="separator"
				tabIndex={0}
				aria-label={label}
				aria-orientation={isRow ? "vertical" : "horizontal"}
				aria-valuenow={Math.round(share)}
				aria-valuemin={MIN}
				aria-valuemax={MAX}
				onKeyDown={onKeyDown}
				onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
				onPointerMove={onPointerMove}
				className={`relative z-10 shrink-0 bg-line transition-colors before:absolute hover:bg-accent focus-visible:bg-accent ${isRow ? "w-px cursor-col-resize before:-inset-x-1 before:inset-y-0" : "h-px cursor-row-resize before:inset-x-0 before:-inset-y-1"}`}
			/>
			<div className="min-h-0 min-w-0 flex-1 overflow-hidden">{second}</div>
		</div>
	);
}
