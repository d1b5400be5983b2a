import { Dialog } from "@/components/ui/dialog.tsx";
import { type Column, formatLong, type Value } from "@/lib/types.ts";

type Props = { columns: Column[]; number: number; row: Value[]; onClose: () => void };

/** One row with its values in full. */
export function RowDialog({ columns, number, row, onClose }: Props) {
	return (
		<Dialog title={`Row ${number + 1}`} onClose={onClose} wide>
			<dl className="grid grid-cols-[minmax(110px,auto)_1fr] gap-x-5 gap-y-2">
				{columns.map((column, index) => {
					const value = row[index] ?? null;
					return (
						<div key={index} className="contents">
							<dt className="min-w-0 pt-0.5">
								<div className="truncate font-medium">{column.name}</div>
								<div className="truncate text-[11px] text-text-3">{column.type}</div>
							</dt>
							<dd className="min-w-0">
								{value === null ? (
									<span className="text-text-3 italic">NULL</span>
								) : (
									<pre className="rounded-md bg-surface-2 px-2.5 py-1.5 font-mono text-[12px] break-words whitespace-pre-wrap">
										{formatLong(value, column.type)}
									</pre>
								)}
							</dd>
						</div>
					);
				})}
			</dl>
		</Dialog>
	);
}
