/*
 * types.c
 *	  Dialect type names, where a type stands.
 */
#include "lift/expressions.h"

#include "lift/edits.h"

#include <stddef.h>

/* Names that PostgreSQL does not have.  INT, DECIMAL, TIMESTAMP … are its own. */
static const struct
{
	const char *name;
	const char *type;
} types[] = {
	{"string", "text"},
	{"double", "double precision"},
	{"datetime", "timestamp"},
	{"bytes", "bytea"},
};

static bool
lift_type(LiftReader *reader, int at, int end, int depth)
{
	bool has_arguments = velo_lift_is(reader, at + 1, "(") &&
						 lift_token(reader, at + 1)->match > at &&
						 lift_token(reader, at + 1)->match < end;

	if (at >= end || velo_lift_is(reader, at + 1, "."))
		return false; /* app.string is the user's own */
	if (depth > LIFT_DEPTH_MAX)
	{
		lift_error(reader, "54001", lift_span(reader, at, at), "statement too complex");
		return false;
	}
	if (has_arguments && velo_lift_is_word(reader, at, "array"))
	{
		int close = lift_token(reader, at + 1)->match;

		lift_type(reader, at + 2, close, depth + 1);
		velo_lift_replace(reader, at, at + 2, "");
		velo_lift_replace(reader, close, close + 1, "[]");
		return true;
	}
	if (has_arguments &&
		(velo_lift_is_word(reader, at, "map") || velo_lift_is_word(reader, at, "struct")))
	{
		velo_lift_replace(reader, at, lift_token(reader, at + 1)->match + 1, "jsonb");
		return true;
	}
	if (velo_lift_is_word(reader, at, "double") && velo_lift_is_word(reader, at + 1, "precision"))
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
	{
		if (velo_lift_is_word(reader, at, types[i].name))
		{
			velo_lift_replace(reader, at, at + 1, types[i].type);
			return true;
		}
	}
	return false;
}

bool
velo_lift_type(LiftReader *reader, int at, int end)
{
	return lift_type(reader, at, end, 0);
}
