/** What there is to read: asked for once, and again after statements that may change it. */
import { queryOptions } from "@tanstack/react-query";
import { call } from "./http.ts";
import { keys } from "./keys.ts";

export type SchemaColumn = {
	name: string;
	type: string;
	nullable?: boolean;
	key?: boolean;
	description?: string | null;
};

export type Relation = {
	schema: string;
	name: string;
	sql_name: string;
	kind: "stream" | "table" | "relation";
	type: string | null;
	description: string | null;
	columns: SchemaColumn[];
};

export type SchemaFunction = {
	name: string;
	signature: string;
	returns: string;
	description: string | null;
};

export type Schema = {
	relations: Relation[];
	system_columns: SchemaColumn[] | null;
	functions: SchemaFunction[] | null;
};

export const schemaQuery = queryOptions({
	queryKey: keys.schema,
	queryFn: ({ signal }) => call<Schema>("GET", "/api/schema", { signal }),
	staleTime: 30_000,
});
