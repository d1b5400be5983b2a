/** The catalogue: what there is to read, with its columns. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { IconButton } from "@/components/ui/button.tsx";
import { ChevronIcon, InsertIcon, StreamIcon, TableIcon } from "@/components/ui/icons.tsx";
import { Empty, Loading, ProblemBox } from "@/components/ui/states.tsx";
import { call, problemOf, statusOf } from "@/lib/http.ts";
import { keys } from "@/lib/keys.ts";
import { type SchemaColumn, schemaQuery } from "@/lib/schema.ts";
import { quoteName } from "@/lib/sql.ts";

type Stream = {
	schema: string;
	name: string;
	sql_name: string;
	kind: "stream" | "table";
	type: string | null;
	topic: string | null;
	is_derived: boolean;
	key_columns: string[] | null;
	event_time_field: string | null;
	job: string | null;
	description: string | null;
};

const POLL_MS = 15_000;
/** From so many on a filter helps. */
const FILTER_FROM = 8;
/** Lines in the document; more are found by the filter. */
const SHOWN_MAX = 300;

const streamsQuery = queryOptions({
	queryKey: keys.streams,
	queryFn: ({ signal }) => call<Stream[]>("GET", "/api/streams", { signal }),
	refetchInterval: POLL_MS,
});

type Props = { onOpen: (sql: string) => void; onInsert: (name: string) => void };

function nameInSql(stream: Stream): string {
	return stream.schema === "public"
		? quoteName(stream.name)
		: `${quoteName(stream.schema)}.${quoteName(stream.name)}`;
}

export function StreamList({ onOpen, onInsert }: Props) {
	const streams = useQuery(streamsQuery);
	const [filter, setFilter] = useState("");
	const wanted = useDeferredValue(filter).trim().toLowerCase();
	if (streams.isPending) return <Loading label="Loading the streams" rows={4} />;
	if (!streams.data) {
		if (statusOf(streams.error) === 403) {
			return (
				<Empty title="You may not see streams">
					{problemOf(streams.error).hint ?? "Ask for the role velo_user."}
				</Empty>
			);
		}
		return (
			<div className="p-3">
				<ProblemBox
					title="Streams could not be read"
					problem={problemOf(streams.error)}
					onRetry={() => void streams.refetch()}
				/>
			</div>
		);
	}
	if (streams.data.length === 0) {
		return (
			<Empty icon={<StreamIcon className="size-5" />} title="No streams yet">
				<code>CREATE STREAM</code> makes the first one.
			</Empty>
		);
	}
	const found = streams.data.filter((stream) => stream.sql_name.toLowerCase().includes(wanted));
	return (
		<>
			{streams.data.length >= FILTER_FROM && (
				<div className="px-3 pt-2">
					<input
						type="search"
						aria-label="Filter streams"
						placeholder="Filter"
						value={filter}
						onChange={(event) => setFilter(event.target.value)}
						className="h-7 w-full rounded-md border border-line-strong bg-surface px-2 placeholder:text-text-3"
					/>
				</div>
			)}
			<ul aria-label="Streams" className="py-1">
				{found.slice(0, SHOWN_MAX).map((stream) => (
					<StreamItem key={stream.sql_name} stream={stream} onOpen={onOpen} onInsert={onInsert} />
				))}
			</ul>
			{found.length === 0 && (
				<p className="px-3 py-2 text-xs text-text-2">No stream is called so.</p>
			)}
			{found.length > SHOWN_MAX && (
				<p className="px-3 py-2 text-xs text-text-2">
					{found.length - SHOWN_MAX} more; use the filter to see them.
				</p>
			)}
		</>
	);
}

function StreamItem({ stream, onOpen, onInsert }: { stream: Stream } & Props) {
	const [isOpen, setOpen] = useState(false);
	const name = nameInSql(stream);
	const isStream = stream.kind === "stream";
	const sql = isStream ? `SELECT * FROM ${name} EMIT CHANGES;` : `SELECT * FROM ${name} LIMIT 100;`;
	return (
		<li data-stream={stream.name}>
			<div className="group relative flex items-center gap-0.5 pr-2 pl-1.5 hover:bg-surface-3">
				<IconButton
					label={`${isOpen ? "Hide" : "Show"} columns of ${stream.name}`}
					aria-expanded={isOpen}
					className="size-5!"
					onClick={() => setOpen(!isOpen)}
				>
					<ChevronIcon className={`size-3 transition-transform ${isOpen ? "rotate-90" : ""}`} />
				</IconButton>
				<button
					type="button"
					onClick={() => onOpen(sql)}
					title={`${stream.description ?? stream.sql_name}\nOpens ${sql}`}
					className="flex h-7 min-w-0 flex-1 items-center gap-2 rounded px-1 text-left"
				>
					{isStream ? (
						<StreamIcon className="size-4 text-accent" />
					) : (
						<TableIcon className="size-4 text-info" />
					)}
					<span className="truncate">
						{stream.schema === "public" ? stream.name : `${stream.schema}.${stream.name}`}
					</span>
					<span className="ml-auto shrink-0 text-[11px] text-text-2 group-focus-within:invisible group-hover:invisible">
						{stream.type ?? stream.kind}
					</span>
				</button>
				<IconButton
					label={`Insert ${stream.name} at the cursor`}
					className="absolute! right-2 size-6! opacity-0 group-focus-within:opacity-100 group-hover:opacity-100"
					onClick={() => onInsert(name)}
				>
					<InsertIcon className="size-3.5" />
				</IconButton>
			</div>
			{isOpen && <Columns stream={stream} onInsert={onInsert} />}
		</li>
	);
}

function Columns({ stream, onInsert }: { stream: Stream; onInsert: (name: string) => void }) {
	const schema = useQuery(schemaQuery);
	if (schema.isPending) return <Loading label="Loading the columns" rows={2} />;
	const relation = schema.data?.relations.find((one) => one.sql_name === stream.sql_name);
	return (
		<div className="mb-1 ml-4 border-l border-line pl-2">
			{stream.description && <p className="px-2 py-1 text-xs text-text-2">{stream.description}</p>}
			<ul aria-label={`Columns of ${stream.name}`}>
				{(relation?.columns ?? []).map((column) => (
					<ColumnItem
						key={column.name}
						column={column}
						isTime={column.name === stream.event_time_field}
						onInsert={onInsert}
					/>
				))}
			</ul>
			{!relation && <p className="px-2 py-1 text-xs text-text-2">Its columns are not known.</p>}
		</div>
	);
}

function ColumnItem({
	column,
	isTime,
	onInsert,
}: {
	column: SchemaColumn;
	isTime: boolean;
	onInsert: (name: string) => void;
}) {
	return (
		<li>
			<button
				type="button"
				onClick={() => onInsert(quoteName(column.name))}
				title={[column.description, "Inserts the name at the cursor"].filter(Boolean).join("\n")}
				className="flex w-full items-baseline gap-2 rounded px-2 py-0.5 text-left text-xs hover:bg-surface-3"
			>
				<span className="truncate">{column.name}</span>
				{column.key && (
					<span className="rounded bg-accent-soft px-1 text-[10px] text-accent-strong">key</span>
				)}
				{isTime && (
					<span className="rounded bg-accent-soft px-1 text-[10px] text-accent-strong">time</span>
				)}
				<span className="ml-auto truncate text-[11px] text-text-2">
					{column.type.replace("timestamp with time zone", "timestamptz")}
				</span>
			</button>
		</li>
	);
}
