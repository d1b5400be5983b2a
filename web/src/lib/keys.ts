/** Names of what TanStack Query keeps, all in one place so that none is misspelt. */
export const keys = {
	session: ["session"] as const,
	schema: ["schema"] as const,
	streams: ["streams"] as const,
	jobs: ["jobs"] as const,
	options: ["options"] as const,
	functions: ["functions"] as const,
};
