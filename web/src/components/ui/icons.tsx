/** The page's few icons, drawn on a grid of 16. They say nothing to screen readers. */
import type { ReactNode } from "react";

function icon(children: ReactNode, filled = false) {
	return function Icon({ className = "size-4" }: { className?: string }) {
		return (
			<svg
				viewBox="0 0 16 16"
				className={`shrink-0 ${className}`}
				fill={filled ? "currentColor" : "none"}
				stroke={filled ? "none" : "currentColor"}
				strokeWidth="1.5"
				strokeLinecap="round"
				strokeLinejoin="round"
				aria-hidden="true"
				focusable="false"
			>
				{children}
			</svg>
		);
	};
}

export const PlayIcon = icon(
	<path d="M4.5 2.9v10.2c0 .5.5.8.9.5l7.8-5.1a.6.6 0 0 0 0-1L5.4 2.4a.6.6 0 0 0-.9.5Z" />,
	true,
);
export const PauseIcon = icon(<path d="M4 3h2.6v10H4zM9.4 3H12v10H9.4z" />, true);
export const StopIcon = icon(<rect x="3.5" y="3.5" width="9" height="9" rx="1.4" />, true);
export const SunIcon = icon(
	<>
		<circle cx="8" cy="8" r="2.8" />
		<path d="M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" />
	</>,
);
export const MoonIcon = icon(<path d="M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z" />);
export const HelpIcon = icon(
	<>
		<circle cx="8" cy="8" r="6.2" />
		<path d="M6.3 6.2a1.75 1.75 0 1 1 2.5 1.7c-.6.3-.8.6-.8 1.2M8 11.4v.1" />
	</>,
);
export const CloseIcon = icon(<path d="m4 4 8 8M12 4l-8 8" />);
export const ChevronIcon = icon(<path d="m6 3.5 4.5 4.5L6 12.5" />);
export const DownIcon = icon(<path d="M8 3v9.5M4 8.7l4 3.8 4-3.8" />);
export const StreamIcon = icon(
	<path d="M2 5.2c2.6-2 4.2 2 6.7 0 1.8-1.4 3.2-1.2 5.3 0M2 8.6c2.6-2 4.2 2 6.7 0 1.8-1.4 3.2-1.2 5.3 0M2 12c2.6-2 4.2 2 6.7 0 1.8-1.4 3.2-1.2 5.3 0" />,
);
export const TableIcon = icon(
	<>
		<rect x="2" y="2.8" width="12" height="10.4" rx="1.4" />
		<path d="M2 6.4h12M6.4 6.4v6.8" />
	</>,
);
export const ChartIcon = icon(<path d="M2.2 2.2v11.6h11.6M4.8 10.4l2.7-3.6 2.3 2 3.4-4.6" />);
export const SplitIcon = icon(
	<>
		<rect x="2" y="2.8" width="12" height="10.4" rx="1.4" />
		<path d="M8 2.8v10.4" />
	</>,
);
export const ErrorIcon = icon(
	<>
		<circle cx="8" cy="8" r="6.2" />
		<path d="M8 4.8v3.8M8 11.1v.1" />
	</>,
);
export const WarningIcon = icon(
	<path d="M8 2.4 14.2 13a.4.4 0 0 1-.3.6H2.1a.4.4 0 0 1-.3-.6L8 2.4ZM8 6.6v3M8 11.5v.1" />,
);
export const CheckIcon = icon(<path d="m3 8.6 3.3 3.2L13 4.6" />);
export const MenuIcon = icon(<path d="M2.5 4h11M2.5 8h11M2.5 12h11" />);
export const InsertIcon = icon(<path d="M8 3v10M3 8h10" />);
export const LogOutIcon = icon(
	<path d="M6.2 2.6H3.4c-.5 0-.9.4-.9.9v9c0 .5.4.9.9.9h2.8M10.2 5l3 3-3 3M13 8H6" />,
);
export const TrashIcon = icon(
	<path d="M2.8 4.2h10.4M6.2 4V2.6h3.6V4M4.2 4.4l.6 8.5c0 .4.4.7.8.7h4.8c.4 0 .8-.3.8-.7l.6-8.5" />,
);
