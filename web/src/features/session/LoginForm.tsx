import { type FormEvent, useState } from "react";
import { Button } from "@/components/ui/button.tsx";
import { problemOf, statusOf } from "@/lib/http.ts";
import { useLogin } from "./session.ts";

/** Logging in as a role of PostgreSQL. */
export function LoginForm() {
	const login = useLogin();
	const [user, setUser] = useState("");
	const [password, setPassword] = useState("");
	const submit = (event: FormEvent) => {
		event.preventDefault();
		if (!login.isPending) login.mutate({ user, password });
	};
	return (
		<main className="flex h-full items-center justify-center bg-surface-2 p-4">
			<form
				onSubmit={submit}
				className="w-full max-w-sm rounded-xl border border-line bg-surface p-7 shadow-(--shadow)"
			>
				<img src="/icon.svg" alt="" className="mb-4 size-10" />
				<h1 className="text-lg font-semibold">Velostream Studio</h1>
				<p className="mt-1 mb-5 text-text-2">Log in with your PostgreSQL user.</p>
				<Field label="User" name="user" autoComplete="username" value={user} onChange={setUser} />
				<Field
					label="Password"
					name="password"
					type="password"
					autoComplete="current-password"
					value={password}
					onChange={setPassword}
				/>
				{login.error && (
					<p role="alert" className="mb-4 rounded-md bg-bad-soft px-3 py-2 text-bad">
						{messageOf(login.error)}
					</p>
				)}
				<Button
					look="primary"
					type="submit"
					className="h-9! w-full justify-center"
					disabled={user === "" || login.isPending}
				>
					{login.isPending ? "Logging in…" : "Log in"}
				</Button>
			</form>
		</main>
	);
}

function messageOf(error: unknown): string {
	if (statusOf(error) === 401) return "User or password is wrong.";
	const problem = problemOf(error);
	return problem.hint ? `${problem.message}. ${problem.hint}` : problem.message;
}

type FieldProps = {
	label: string;
	name: string;
	type?: string;
	autoComplete: string;
	value: string;
	onChange: (value: string) => void;
};

function Field({ label, name, type = "text", autoComplete, value, onChange }: FieldProps) {
	return (
		<div className="mb-4">
			<label htmlFor={name} className="mb-1 block font-medium">
				{label}
			</label>
			<input
				id={name}
				name={name}
				type={type}
				autoComplete={autoComplete}
				autoCapitalize="none"
				spellCheck={false}
				value={value}
				onChange={(event) => onChange(event.target.value)}
				className="h-9 w-full rounded-md border border-line-strong bg-surface px-3"
			/>
		</div>
	);
}
