import type { ButtonHTMLAttributes, ReactNode } from "react";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
	primary: "bg-accent text-on-accent hover:bg-accent-strong font-semibold",
	plain: "border border-line-strong bg-surface text-text hover:bg-surface-3",
	quiet: "text-text-2 hover:bg-surface-3 hover:text-text",
	danger: "border border-line-strong bg-surface text-bad hover:bg-bad-soft",
};

type Props = ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look; icon?: ReactNode };

/** A button with an optional icon in front of its text. */
export function Button({ look = "plain", icon, children, className = "", ...rest }: Props) {
	return (
		<button
			type="button"
			className={`inline-flex h-7 items-center gap-1.5 rounded-md px-2.5 whitespace-nowrap transition-colors disabled:cursor-not-allowed disabled:opacity-50 ${LOOKS[look]} ${className}`}
			{...rest}
		>
			{icon}
			{children}
		</button>
	);
}

type IconProps = ButtonHTMLAttributes<HTMLButtonElement> & { label: string; look?: Look };

/** A button that is only an icon: its label is its name and its tip. */
export function IconButton({
	label,
	look = "quiet",
	children,
	className = "",
	...rest
}: IconProps) {
	return (
		<button
			type="button"
			title={label}
			aria-label={label}
			className={`inline-flex size-7 items-center justify-center rounded-md transition-colors disabled:cursor-not-allowed disabled:opacity-40 ${LOOKS[look]} ${className}`}
			{...rest}
		>
			{children}
		</button>
	);
}
