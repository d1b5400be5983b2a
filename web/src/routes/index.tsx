/** The Studio: what there is, what is asked, what comes. */
import { createFileRoute } from "@tanstack/react-router";
import { type ReactNode, useRef, useState } from "react";
import { IconButton } from "@/components/ui/button.tsx";
import { CloseIcon, MenuIcon } from "@/components/ui/icons.tsx";
import { Split } from "@/components/ui/split.tsx";
import { type EditorHandle, EditorPanel } from "@/features/editor/EditorPanel.tsx";
import { JobList } from "@/features/jobs/JobList.tsx";
import { LivePanel } from "@/features/live/LivePanel.tsx";
import { useRunner } from "@/features/live/runner.ts";
import { StreamList } from "@/features/streams/StreamList.tsx";
import { useIsWide } from "@/lib/screen.ts";
import { useShortcuts } from "@/lib/shortcuts.ts";
import { placeInText } from "@/lib/sql.ts";

export const Route = createFileRoute("/")({ component: Studio });

function Studio() {
	const runner = useRunner();
	const editor = useRef<EditorHandle>(null);
	const isWide = useIsWide();
	const [isOpen, setOpen] = useState(false);
	const { session } = runner;

	useShortcuts({
		KeyP: () => session.togglePause(),
		KeyS: () => session.cancel(),
		KeyE: () => editor.current?.focus(),
		KeyR: () => document.getElementById("results")?.focus(),
	});

	const goTo = (offset: number, line: number, column: number) => {
		const place = placeInText(editor.current?.text() ?? "", offset, line, column);
		editor.current?.goTo(place.line, place.column);
	};
	const side = (
		<Side
			onOpen={(sql) => {
				editor.current?.replace(sql);
				setOpen(false);
			}}
			onInsert={(name) => editor.current?.insert(name)}
		/>
	);
	return (
		<div className="flex h-full min-h-0">
			{isWide ? (
				<div className="w-72 shrink-0 border-r border-line">{side}</div>
			) : (
				<Drawer isOpen={isOpen} onToggle={() => setOpen(!isOpen)}>
					{side}
				</Drawer>
			)}
			<main className="min-w-0 flex-1">
				<Split
					name="editor"
					label="Border between editor and results"
					direction="column"
					standard={40}
					first={<EditorPanel onRun={runner.run} handle={editor} />}
					second={<LivePanel runner={runner} onGoTo={goTo} />}
				/>
			</main>
		</div>
	);
}

function Side({
	onOpen,
	onInsert,
}: {
	onOpen: (sql: string) => void;
	onInsert: (name: string) => void;
}) {
	return (
		<Split
			name="side"
			label="Border between streams and jobs"
			direction="column"
			standard={55}
			first={
				<Panel title="Streams and tables">
					<StreamList onOpen={onOpen} onInsert={onInsert} />
				</Panel>
			}
			second={
				<Panel title="Jobs">
					<JobList />
				</Panel>
			}
		/>
	);
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
	return (
		<section aria-label={title} className="flex h-full min-h-0 flex-col">
			<h2 className="flex min-h-10 items-center border-b border-line bg-surface-2 px-3 text-xs font-semibold text-text-2">
				{title}
			</h2>
			{/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
			<div tabIndex={0} className="min-h-0 flex-1 overflow-auto focus-visible:-outline-offset-2">
				{children}
			</div>
		</section>
	);
}

/** Streams and jobs where there is no room for them beside the rest. */
function Drawer({
	isOpen,
	onToggle,
	children,
}: {
	isOpen: boolean;
	onToggle: () => void;
	children: ReactNode;
}) {
	return (
		<>
			<div className="w-11 shrink-0 border-r border-line bg-surface-2 pt-1.5 text-center">
				<IconButton
					label={isOpen ? "Hide streams and jobs" : "Show streams and jobs"}
					aria-expanded={isOpen}
					onClick={onToggle}
				>
					{isOpen ? <CloseIcon /> : <MenuIcon />}
				</IconButton>
			</div>
			{isOpen && (
				<div className="absolute top-12 bottom-0 left-11 z-20 w-72 border-r border-line bg-surface shadow-(--shadow)">
					{children}
				</div>
			)}
		</>
	);
}
