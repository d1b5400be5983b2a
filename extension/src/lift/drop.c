/*
 * drop.c
 *	  DROP and ALTER of streams and tables.
 *
 * For a TABLE only the forms that may concern a declared or derived table are
 * taken; whether the name is one of ours is for the caller to find out, who gets
 * the statement's text as the core for the case that it is not.
 */
#include "lift/statements.h"

#include "lift/properties.h"

/* DROP TABLE [IF EXISTS] name [CASCADE | RESTRICT] and nothing more? */
static bool
is_simple_drop(const LiftReader *reader, int at)
{
	if (!velo_lift_is_name(reader, at))
		return false;
	at += velo_lift_is(reader, at + 1, ".") ? 3 : 1;
	if (velo_lift_is_word(reader, at, "cascade") || velo_lift_is_word(reader, at, "restrict"))
		at++;
	return at == reader->end;
}

bool
velo_lift_drop(LiftReader *reader, LiftStatement *statement, int first)
{
	int at = first + 2;

	statement->is_table = velo_lift_is_word(reader, first + 1, "table");
	if (velo_lift_is_word(reader, at, "if") && velo_lift_is_word(reader, at + 1, "exists"))
	{
		statement->if_not_exists = true;
		at += 2;
	}
	if (statement->is_table && !is_simple_drop(reader, at))
		return false;

	statement->kind = LIFT_DROP;
	statement->name = velo_lift_name(reader, &at);
	if (statement->name == NULL)
		return true;
	if (velo_lift_is_word(reader, at, "cascade") || velo_lift_is_word(reader, at, "restrict"))
	{
		statement->cascade = velo_lift_is_word(reader, at, "cascade");
		at++;
	}
	if (velo_lift_is(reader, at, ","))
		velo_lift_syntax_error(reader, at)->hint = "DROP STREAM takes one name.";
	else
		velo_lift_expect_end(reader, at);
	if (!statement->broken)
		statement->core = velo_lift_text_exact(reader, first, reader->end);
	return true;
}

bool
velo_lift_alter(LiftReader *reader, LiftStatement *statement, int first)
{
	int at = first + 2;

	statement->is_table = velo_lift_is_word(reader, first + 1, "table");
	if (statement->is_table)
	{
		int behind = at + (velo_lift_is(reader, at + 1, ".") ? 3 : 1);

		if (!velo_lift_is_name(reader, at) || !velo_lift_is_word(reader, behind, "set") ||
			!velo_lift_is(reader, behind + 1, "(") ||
			!velo_lift_has_dialect_key(reader, behind + 1, true))
			return false;
	}

	statement->kind = LIFT_ALTER;
	statement->name = velo_lift_name(reader, &at);
	if (statement->name == NULL)
		return true;
	if (velo_lift_is_word(reader, at, "set") && velo_lift_is(reader, at + 1, "("))
	{
		velo_lift_properties(reader, at + 1, NULL, &statement->properties);
		velo_lift_expect_end(reader, lift_after(reader, at + 1));
	}
	else if (velo_lift_is_word(reader, at, "add") && velo_lift_is_word(reader, at + 1, "column"))
		statement->columns = velo_lift_column(reader, at + 2, reader->end, false);
	else
		velo_lift_syntax_error(reader, at)->hint =
			"Use ALTER STREAM name SET ('key' = 'value') or ALTER STREAM name ADD COLUMN name type.";
	if (!statement->broken)
		statement->core = velo_lift_text_exact(reader, first, reader->end);
	return true;
}
