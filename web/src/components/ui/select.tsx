import { useId } from "react";

type Props = {
	label: string;
	value: string;
	choices: readonly { value: string; label: string }[];
	onChange: (value: string) => void;
};

/** A choice with its label beside it, by the browser's own means. */
export function Select({ label, value, choices, onChange }: Props) {
	const id = useId();
	return (
		<div className="inline-flex items-center gap-1.5">
			<label htmlFor={id} className="text-xs text-text-2">
				{label}
			</label>
			<select
				id={id}
				value={value}
				onChange={(event) => onChange(event.target.value)}
				className="h-6 max-w-40 rounded-md border border-line-strong bg-surface px-1 text-xs text-text"
			>
				{choices.map((choice) => (
					<option key={choice.value} value={choice.value}>
						{choice.label}
					</option>
				))}
			</select>
		</div>
	);
}
