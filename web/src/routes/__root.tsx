/** What is around every page: who is there, and whether the gateway is. */
import { useQuery } from "@tanstack/react-query";
import { createRootRoute, Link, Outlet } from "@tanstack/react-router";
import { useState } from "react";
import { Button, IconButton } from "@/components/ui/button.tsx";
import { HelpIcon, MoonIcon, SunIcon } from "@/components/ui/icons.tsx";
import { Empty, Loading, ProblemBox } from "@/components/ui/states.tsx";
import { HelpDialog } from "@/features/help/HelpDialog.tsx";
import { LoginForm } from "@/features/session/LoginForm.tsx";
import { type Session, sessionQuery } from "@/features/session/session.ts";
import { UserMenu } from "@/features/session/UserMenu.tsx";
import { useConnected } from "@/lib/connection.ts";
import { problemOf, statusOf } from "@/lib/http.ts";
import { useShortcuts } from "@/lib/shortcuts.ts";
import { toggleTheme, useTheme } from "@/lib/theme.ts";

export const Route = createRootRoute({
	component: Root,
	notFoundComponent: NotFound,
	errorComponent: Broken,
});

function Root() {
	const session = useQuery(sessionQuery);
	const [showsHelp, setShowsHelp] = useState(false);
	useShortcuts({ "?": () => setShowsHelp(true), KeyT: toggleTheme });

	const status = statusOf(session.error);
	if (status === 401) return <LoginForm />;
	if (!session.data) {
		return (
			<main className="mx-auto flex h-full max-w-lg flex-col justify-center p-6">
				{session.error ? (
					<ProblemBox
						title="The page cannot start"
						problem={problemOf(session.error)}
						onRetry={() => void session.refetch()}
					/>
				) : (
					<Loading label="Connecting" />
				)}
			</main>
		);
	}
	return (
		<div className="flex h-full flex-col">
			<a href="#editor" className="skip-link">
				Skip to the editor
			</a>
			<Header session={session.data} onHelp={() => setShowsHelp(true)} />
			{!session.data.is_user && (
				<p role="alert" className="border-b border-line bg-warn-soft px-4 py-2 text-warn">
					User {session.data.user} may not use streams yet. A database administrator can run{" "}
					<code className="font-mono">GRANT velo_user TO {session.data.user}</code>.
				</p>
			)}
			<div className="min-h-0 flex-1">
				<Outlet />
			</div>
			{showsHelp && <HelpDialog onClose={() => setShowsHelp(false)} />}
		</div>
	);
}

function Header({ session, onHelp }: { session: Session; onHelp: () => void }) {
	const isConnected = useConnected();
	const theme = useTheme();
	return (
		<header className="flex h-12 shrink-0 items-center gap-4 border-b border-line px-4">
			<Link to="/" className="flex items-center gap-2.5 rounded">
				<img src="/icon.svg" alt="" className="size-6" />
				<span className="font-semibold">
					Velostream <span className="font-normal text-text-2">Studio</span>
				</span>
			</Link>
			<span
				role="status"
				data-testid="connection"
				className={`inline-flex items-center gap-1.5 text-xs ${isConnected ? "text-text-2" : "font-semibold text-bad"}`}
			>
				<span className={`size-2 rounded-full ${isConnected ? "bg-ok" : "bg-bad"}`} />
				{isConnected ? "Connected" : "Gateway not reachable, trying again"}
			</span>
			<div className="ml-auto flex min-w-0 items-center gap-1.5">
				<UserMenu session={session} />
				<IconButton
					label={theme === "dark" ? "Use the light theme" : "Use the dark theme"}
					onClick={toggleTheme}
				>
					{theme === "dark" ? <SunIcon /> : <MoonIcon />}
				</IconButton>
				<IconButton label="Keyboard shortcuts" onClick={onHelp}>
					<HelpIcon />
				</IconButton>
			</div>
		</header>
	);
}

function NotFound() {
	return (
		<main className="h-full">
			<Empty title="There is no such page">
				<Link to="/" className="text-accent underline">
					Go to the Studio
				</Link>
			</Empty>
		</main>
	);
}

function Broken({ error }: { error: unknown }) {
	return (
		<main className="mx-auto flex h-full max-w-lg flex-col justify-center gap-3 p-6">
			<ProblemBox title="The page is broken" problem={problemOf(error)} />
			<Button className="self-start" onClick={() => location.reload()}>
				Load it again
			</Button>
		</main>
	);
}
