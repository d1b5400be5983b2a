import { type ReactNode, useEffect, useRef } from "react";
import { IconButton } from "./button.tsx";
import { CloseIcon } from "./icons.tsx";

type Props = { title: string; onClose: () => void; children: ReactNode; wide?: boolean };

/** The browser's own modal dialog: it keeps the focus, and Escape closes it. */
export function Dialog({ title, onClose, children, wide = false }: Props) {
	const ref = useRef<HTMLDialogElement>(null);

	useEffect(() => {
		const dialog = ref.current;
		if (dialog && !dialog.open) dialog.showModal();
	}, []);

	return (
		// biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it closes; Escape does for keys
		<dialog
			ref={ref}
			aria-labelledby="dialog-title"
			onClose={onClose}
			onClick={(event) => event.target === ref.current && ref.current?.close()}
			className={`max-h-[85vh] ${wide ? "w-[760px]" : "w-[480px]"} max-w-[calc(100vw-32px)] rounded-xl border border-line bg-surface p-0 shadow-(--shadow)`}
		>
			<div className="flex max-h-[85vh] flex-col">
				<header className="flex items-center justify-between gap-4 border-b border-line py-2.5 pr-3 pl-5">
					<h2 id="dialog-title" className="truncate text-sm font-semibold">
						{title}
					</h2>
					<IconButton label="Close" onClick={() => ref.current?.close()}>
						<CloseIcon />
					</IconButton>
				</header>
				<div className="min-h-0 overflow-auto px-5 py-4">{children}</div>
			</div>
		</dialog>
	);
}
