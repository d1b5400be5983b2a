import { Dialog } from "@/components/ui/dialog.tsx";

const SHORTCUTS: { keys: string; does: string }[] = [
	{ keys: "Ctrl Enter", does: "Run the selection, or the statement at the cursor" },
	{ keys: "Ctrl Shift Enter", does: "Run all statements" },
	{ keys: "Alt P", does: "Pause the query, or resume it" },
	{ keys: "Alt S", does: "Stop the query" },
	{ keys: "Alt E", does: "Go to the editor" },
	{ keys: "Alt R", does: "Go to the rows" },
	{ keys: "Ctrl Space", does: "Complete a name or word" },
	{ keys: "F8", does: "Next problem in the editor" },
	{ keys: "Ctrl M", does: "Let Tab leave the editor, or indent again" },
	{ keys: "↑ ↓ Page Home End", does: "Move in the rows" },
	{ keys: "Enter", does: "Show the row in full" },
	{ keys: "Alt T", does: "Light or dark" },
	{ keys: "?", does: "This list" },
];

/** On a Mac Command stands for Control where it is about running. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
	return (
		<Dialog title="Keyboard shortcuts" onClose={onClose}>
			<dl className="grid grid-cols-[auto_1fr] items-center gap-x-5 gap-y-2">
				{SHORTCUTS.map((shortcut) => (
					<div key={shortcut.keys} className="contents">
						<dt className="flex flex-wrap gap-1">
							{shortcut.keys.split(" ").map((key) => (
								<kbd
									key={key}
									className="rounded border border-line-strong bg-surface-2 px-1.5 font-sans text-xs"
								>
									{key}
								</kbd>
							))}
						</dt>
						<dd>{shortcut.does}</dd>
					</div>
				))}
			</dl>
			<p className="mt-4 border-t border-line pt-3 text-xs text-text-2">
				On a Mac press Command instead of Ctrl to run.
			</p>
		</Dialog>
	);
}
