/**
 * The rows of a live query: only those in sight are in the document, and they come from
 * the ring, so that a hundred thousand of them cost no more than thirty.
 */
import {
	columnResizingFeature,
	columnSizingFeature,
	tableFeatures,
	useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Button } from "@/components/ui/button.tsx";
import { DownIcon } from "@/components/ui/icons.tsx";
import { Empty } from "@/components/ui/states.tsx";
import { type Column, formatValue, kindOf, scaleOf, type Value } from "@/lib/types.ts";
import { columnWidth, shortType, valuesOf } from "./columns.ts";
import { isActive } from "./protocol.ts";
import { RowDialog } from "./RowDialog.tsx";
import type { LiveSession, LiveSnapshot } from "./session.ts";

const ROW_PX = 26;
const NUMBER_PX = 64;
/** Rows looked at to choose widths. */
const SAMPLE = 60;
/** So near to the end a reader is following. */
const FOLLOW_PX = ROW_PX * 2;

const features = tableFeatures({ columnSizingFeature, columnResizingFeature });
// TanStack Table keeps the columns; its row model would be an object for each row.
const NO_ROWS: Value[][] = [];

type Shown = Column & { scale: number | undefined };

function useColumns(session: LiveSession, columns: Column[], hasRows: boolean) {
	const made = useMemo(() => {
		const sample = Array.from(
			{ length: hasRows ? Math.min(SAMPLE, session.ring.size) : 0 },
			(_, i) => session.ring.at(i)!,
		);
		const definitions = columns.map((column, index) => ({
			id: String(index),
			header: column.name,
			size: columnWidth(column, index, sample),
			minSize: 48,
			maxSize: 1200,
			accessorFn: (row: Value[]) => row[index],
		}));
		const shown: Shown[] = columns.map((column, index) => ({
			...column,
			scale: scaleOf(column.type, valuesOf(sample, index)),
		}));
		return { definitions, shown };
	}, [session, columns, hasRows]);
	const table = useTable({
		features,
		columns: made.definitions,
		data: NO_ROWS,
		columnResizeMode: "onChange",
	});
	return [table, made.shown] as const;
}

type Props = { session: LiveSession; live: LiveSnapshot };

export function ResultTable({ session, live }: Props) {
	const box = useRef<HTMLDivElement>(null);
	const [isFollowing, setFollowing] = useState(true);
	const [selected, setSelected] = useState<number | null>(null);
	const [opened, setOpened] = useState<{ number: number; row: Value[] } | null>(null);
	const open = (number: number) => {
		const row = session.ring.at(number - live.dropped);
		if (row) setOpened({ number, row });
	};
	const [table, columns] = useColumns(session, live.columns, live.kept > 0);
	const headers = table.getHeaderGroups()[0]?.headers ?? [];
	const widths = `${NUMBER_PX}px ${headers.map((header) => `${header.getSize()}px`).join(" ")} minmax(0, 1fr)`;
	const width = NUMBER_PX + headers.reduce((sum, header) => sum + header.getSize(), 0);
	const rows = useVirtualizer({
		count: live.kept,
		getScrollElement: () => box.current,
		estimateSize: () => ROW_PX,
		overscan: 12,
		paddingStart: 0,
	});

	useFollow(box, live, isFollowing);
	// A new query begins to follow again; `startedAt` is what tells it from the last.
	// biome-ignore lint/correctness/useExhaustiveDependencies: see above
	useEffect(() => {
		setFollowing(true);
		setSelected(null);
	}, [live.startedAt]);

	const onScroll = () => {
		const element = box.current;
		if (!element) return;
		setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_PX);
	};
	const select = (number: number) => {
		const index = Math.min(live.kept - 1, Math.max(0, number - live.dropped));
		setSelected(index + live.dropped);
		rows.scrollToIndex(index);
	};
	const onKeyDown = (event: KeyboardEvent) => {
		const page = Math.floor((box.current?.clientHeight ?? ROW_PX) / ROW_PX) - 1;
		const at = selected ?? live.dropped + live.kept;
		const to: Record<string, number> = {
			ArrowUp: at - 1,
			ArrowDown: selected === null ? live.dropped : at + 1,
			PageUp: at - page,
			PageDown: at + page,
			Home: live.dropped,
			End: live.dropped + live.kept - 1,
		};
		if (event.key in to) {
			event.preventDefault();
			select(to[event.key]!);
		} else if (event.key === "Enter" && selected !== null) {
			event.preventDefault();
			open(selected);
		}
	};

	return (
		<div className="relative h-full min-h-0">
			<div
				ref={box}
				id="results"
				role="grid"
				aria-label="Rows"
				aria-rowcount={live.kept + 1}
				aria-colcount={headers.length + 1}
				aria-activedescendant={selected === null ? undefined : `row-${selected}`}
				tabIndex={0}
				onScroll={onScroll}
				onKeyDown={onKeyDown}
				className="h-full overflow-auto focus-visible:-outline-offset-2"
			>
				<div role="rowgroup" className="sticky top-0 z-10" style={{ minWidth: width }}>
					<div
						role="row"
						aria-rowindex={1}
						tabIndex={-1}
						className="grid border-b border-line bg-surface-2"
						style={{ gridTemplateColumns: widths }}
					>
						<div
							role="columnheader"
							tabIndex={-1}
							className="px-2 py-1 text-right text-xs text-text-3"
							aria-label="Number"
						>
							#
						</div>
						{headers.map((header, index) => (
							<Header
								key={header.id}
								column={live.columns[index]!}
								onResizeStart={header.getResizeHandler()}
								onResizeReset={() => header.column.resetSize()}
							/>
						))}
					</div>
				</div>
				<div
					role="rowgroup"
					className="relative"
					style={{ height: rows.getTotalSize(), minWidth: width }}
				>
					{rows.getVirtualItems().map((item) => {
						const number = item.index + live.dropped;
						return (
							<Row
								key={number}
								number={number}
								row={session.ring.at(item.index)}
								columns={columns}
								widths={widths}
								top={item.start}
								rowIndex={item.index + 2}
								isSelected={number === selected}
								onSelect={() => {
									setSelected(number);
									box.current?.focus({ preventScroll: true });
								}}
								onOpen={() => open(number)}
							/>
						);
					})}
				</div>
			</div>
			{live.kept === 0 && isActive(live.phase) && (
				<div className="absolute inset-x-0 top-12 bottom-0">
					<Empty title="No rows yet">They appear as soon as the query has one.</Empty>
				</div>
			)}
			{!isFollowing && live.phase !== "complete" && live.kept > 0 && (
				<Button
					look="primary"
					className="absolute right-5 bottom-4 shadow-(--shadow)"
					icon={<DownIcon />}
					onClick={() => {
						setFollowing(true);
						box.current?.scrollTo({ top: box.current.scrollHeight });
					}}
				>
					Newest rows
				</Button>
			)}
			{opened && (
				<RowDialog
					columns={live.columns}
					number={opened.number}
					row={opened.row}
					onClose={() => setOpened(null)}
				/>
			)}
		</div>
	);
}

/**
 * Keeps the newest row in sight while the reader is at the end. Elsewhere keeps still what
 * is being read, although rows before it are forgotten.
 */
function useFollow(
	box: React.RefObject<HTMLDivElement | null>,
	live: LiveSnapshot,
	isFollowing: boolean,
): void {
	const dropped = useRef(live.dropped);
	useLayoutEffect(() => {
		const element = box.current;
		const lost = live.dropped - dropped.current;
		dropped.current = live.dropped;
		if (!element) return;
		// A result that is finished at once is read from its beginning.
		const isFinished = live.reason === "end" && (live.endedAt ?? 0) - live.startedAt < 3000;
		if (isFinished) return;
		if (isFollowing) element.scrollTop = element.scrollHeight;
		else if (lost > 0) element.scrollTop -= lost * ROW_PX;
	}, [box, live, isFollowing]);
}

type HeaderProps = {
	column: Column;
	onResizeStart: (event: unknown) => void;
	onResizeReset: () => void;
};

function Header({ column, onResizeStart, onResizeReset }: HeaderProps) {
	const isNumber = kindOf(column.type) === "number";
	return (
		<div
			role="columnheader"
			tabIndex={-1}
			className="relative min-w-0 border-l border-line px-2.5 py-1"
			title={`${column.name} ${column.type}`}
		>
			<div className={`truncate text-xs font-semibold ${isNumber ? "text-right" : ""}`}>
				{column.name}
			</div>
			<div className={`truncate text-[11px] text-text-3 ${isNumber ? "text-right" : ""}`}>
				{shortType(column.type)}
			</div>
			{/* biome-ignore lint/a11y/noStaticElementInteractions: for the mouse only; widths fit without it */}
			<div
				onMouseDown={onResizeStart}
				onTouchStart={onResizeStart}
				onDoubleClick={onResizeReset}
				className="absolute top-0 -right-1 z-10 h-full w-2 cursor-col-resize hover:bg-accent/40"
			/>
		</div>
	);
}

type RowProps = {
	number: number;
	row: Value[] | undefined;
	columns: Shown[];
	widths: string;
	top: number;
	rowIndex: number;
	isSelected: boolean;
	onSelect: () => void;
	onOpen: () => void;
};

function Row({
	number,
	row,
	columns,
	widths,
	top,
	rowIndex,
	isSelected,
	onSelect,
	onOpen,
}: RowProps) {
	return (
		// biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keys, and tells which row is meant
		<div
			role="row"
			id={`row-${number}`}
			tabIndex={-1}
			aria-rowindex={rowIndex}
			aria-selected={isSelected}
			onClick={onSelect}
			onDoubleClick={onOpen}
			className={`absolute grid w-full border-b border-line/60 ${isSelected ? "bg-selection" : "hover:bg-surface-2"}`}
			style={{ gridTemplateColumns: widths, height: ROW_PX, transform: `translateY(${top}px)` }}
		>
			<div
				role="rowheader"
				className="tabular truncate px-2 text-right text-[11px] leading-[25px] text-text-3"
			>
				{number + 1}
			</div>
			{columns.map((column, index) => (
				<Cell key={index} value={row?.[index] ?? null} type={column.type} scale={column.scale} />
			))}
		</div>
	);
}

function Cell({ value, type, scale }: { value: Value; type: string; scale?: number }) {
	const kind = kindOf(type);
	const text = formatValue(value, type, scale);
	const look = {
		number: "tabular text-right",
		time: "tabular",
		boolean: "",
		json: "font-mono text-[12px]",
		text: "",
	}[kind];
	return (
		<div
			role="gridcell"
			title={text.length > 24 ? text : undefined}
			className={`truncate px-2.5 leading-[25px] ${look}`}
		>
			{value === null ? (
				<span className="text-[11px] text-text-3 italic">NULL</span>
			) : text === "" ? (
				<span className="text-[11px] text-text-3 italic">empty</span>
			) : (
				text
			)}
		</div>
	);
}
