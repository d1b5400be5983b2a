import { IconButton } from "@/components/ui/button.tsx";
import { LogOutIcon } from "@/components/ui/icons.tsx";
import { hasLoggedIn, type Session, useLogout } from "./session.ts";

/** Who is logged in, where, and the way out. */
export function UserMenu({ session }: { session: Session }) {
	const logout = useLogout();
	return (
		<div className="flex min-w-0 items-center gap-1.5">
			<span
				className="truncate text-text-2"
				title={`User ${session.user} in database ${session.database}, PostgreSQL ${session.server_version}`}
			>
				<span className="font-medium text-text" data-testid="user">
					{session.user}
				</span>
				<span className="max-[900px]:hidden"> in {session.database}</span>
			</span>
			{hasLoggedIn() && (
				<IconButton label="Log out" disabled={logout.isPending} onClick={() => logout.mutate()}>
					<LogOutIcon />
				</IconButton>
			)}
		</div>
	);
}
