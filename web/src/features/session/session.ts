/** Who is logged in, and logging in and out. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "@/lib/http.ts";
import { keys } from "@/lib/keys.ts";
import { readStored, writeStored } from "@/lib/stored.ts";

export type Session = {
	user: string;
	database: string;
	server_version: string;
	version: string | null;
	is_user: boolean;
	is_admin: boolean;
};

const POLL_MS = 10_000;

/** Also tells whether the gateway is there: it is asked again and again. */
export const sessionQuery = queryOptions({
	queryKey: keys.session,
	queryFn: ({ signal }) => call<Session>("GET", "/api/session", { signal }),
	refetchInterval: POLL_MS,
	retry: false,
});

export function useLogin() {
	const client = useQueryClient();
	return useMutation({
		mutationFn: (body: { user: string; password: string }) => call("POST", "/api/login", { body }),
		// Nothing that another user could see may be left over.
		onSuccess: (_, { user }) => {
			writeStored("login", user);
			return client.resetQueries();
		},
	});
}

/** Is there something to log out of? In open mode there is not. The cookie is not ours to read. */
export function hasLoggedIn(): boolean {
	return readStored("login") !== null;
}

export function useLogout() {
	const client = useQueryClient();
	return useMutation({
		mutationFn: () => call("POST", "/api/logout"),
		onSettled: () => {
			writeStored("login", null);
			return client.resetQueries();
		},
	});
}
