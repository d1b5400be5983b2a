/*
 * create.c
 *	  CREATE STREAM and CREATE TABLE.
 *
 * CREATE STREAM is always ours; without AS and without properties it declares a
 * native stream.  CREATE TABLE is ours with AS and a query, or
 * with properties PostgreSQL does not have; otherwise it stays PostgreSQL's, and
 * so does every form of it that our grammar does not have.
 */
#include "lift/statements.h"

#include "lift/properties.h"

/* What follows the name of a CREATE TABLE decides whose it is. */
static bool
is_our_table(LiftReader *reader, int at)
{
	if (velo_lift_is(reader, at, "("))
		at = lift_after(reader, at);
	if (velo_lift_is_word(reader, at, "as"))
	{
		int last = reader->end - 1;

		/* … AS SELECT … WITH [NO] DATA is PostgreSQL's alone. */
		return velo_lift_is_query(reader, at + 1, reader->end) &&
			   !(velo_lift_is_word(reader, last, "data") &&
				 (velo_lift_is_word(reader, last - 1, "with") ||
				  (velo_lift_is_word(reader, last - 1, "no") &&
				   velo_lift_is_word(reader, last - 2, "with"))));
	}
	return velo_lift_is_word(reader, at, "with") && velo_lift_is(reader, at + 1, "(") &&
		   velo_lift_has_dialect_key(reader, at + 1, false);
}

static void
read_query(LiftReader *reader, LiftStatement *statement, int first)
{
	statement->kind = LIFT_CREATE_AS;
	if (velo_lift_is_query(reader, first, reader->end))
		velo_lift_select_core(reader, statement, first);
	else
		velo_lift_syntax_error(reader, first)->hint = "A SELECT is expected behind AS.";
}

/* What follows the name and the columns. */
static void
read_rest(LiftReader *reader, LiftStatement *statement, int open, int at)
{
	bool is_as = velo_lift_is_word(reader, at, "as");

	if (open >= 0)
		statement->columns = velo_lift_columns(reader, open, is_as);
	if (is_as)
		read_query(reader, statement, at + 1);
	else if (velo_lift_is_word(reader, at, "with"))
	{
		statement->kind = LIFT_CREATE_DECLARE;
		velo_lift_with(reader, statement, &at);
		if (velo_lift_is_word(reader, at, "as"))
			velo_lift_syntax_error(reader, at)
				->hint = "Write the query first: CREATE STREAM name AS SELECT ... WITH ( ... ).";
		else
			velo_lift_expect_end(reader, at);
	}
	else if (open < 0 || at < reader->end)
		velo_lift_syntax_error(reader, at)->hint =
			open >= 0 ? "Behind the columns stand AS and a query, or WITH ('key' = 'value', ...)."
					  : "Write CREATE STREAM name (column type, ...), or CREATE STREAM name AS "
						"SELECT ...";
}

bool
velo_lift_create(LiftReader *reader, LiftStatement *statement, int first)
{
	int at = first + 2;
	int open = -1;

	if (velo_lift_is_word(reader, first + 1, "or"))
	{
		if (!velo_lift_is_word(reader, first + 3, "stream"))
			return false;
		statement->kind = LIFT_CREATE_DECLARE;
		velo_lift_syntax_error(reader, first + 1)
			->hint = "A stream cannot be replaced. Use DROP STREAM first.";
		return true;
	}
	statement->is_table = velo_lift_is_word(reader, first + 1, "table");
	if (velo_lift_is_word(reader, at, "if") && velo_lift_is_word(reader, at + 1, "not") &&
		velo_lift_is_word(reader, at + 2, "exists"))
	{
		statement->if_not_exists = true;
		at += 3;
	}
	if (statement->is_table)
	{
		int behind = at + (velo_lift_is(reader, at + 1, ".") ? 3 : 1);

		if (!velo_lift_is_name(reader, at) || !is_our_table(reader, behind))
			return false;
	}

	statement->kind = LIFT_CREATE_DECLARE;
	statement->is_dialect = true;
	statement->name = velo_lift_name(reader, &at);
	if (statement->name == NULL)
		return true;
	if (velo_lift_is(reader, at, "("))
	{
		open = at;
		at = lift_after(reader, at);
	}
	read_rest(reader, statement, open, at);
	return true;
}
