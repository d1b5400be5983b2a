/** Where completion's names come from: Monaco lives outside of React and looks here. */
import type { Schema } from "@/lib/schema.ts";

export type Option = {
	name: string;
	type: string;
	standard: string | null;
	description: string | null;
};

export const sources: { schema: Schema | null; options: Option[] } = { schema: null, options: [] };
