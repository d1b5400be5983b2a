/*
 * insert.c
 *	  INSERT INTO name [(targets)] VALUES … / query.
 *
 * PostgreSQL's INSERT has more forms than the dialect's.  Those (ON CONFLICT,
 * RETURNING, DEFAULT VALUES, OVERRIDING, an alias) stay PostgreSQL's, which is an
 * error only when a construct of the dialect is in them as well.
 */
#include "lift/statements.h"

#include "lift/expressions.h"

/* Where ON CONFLICT or RETURNING starts, or the end. */
static int
find_tail(const LiftReader *reader, int at)
{
	while (at < reader->end && !velo_lift_is_word(reader, at, "returning") &&
		   !(velo_lift_is_word(reader, at, "on") && velo_lift_is_word(reader, at + 1, "conflict") &&
			 (velo_lift_is(reader, at + 2, "(") || velo_lift_is_word(reader, at + 2, "do") ||
			  velo_lift_is_word(reader, at + 2, "on"))))
		at = lift_after(reader, at);
	return at;
}

/* ( starts the targets unless a query is in it. */
static bool
is_target_list(const LiftReader *reader, int at)
{
	static const char *const starts[] = {"select", "with", "values", "table", NULL};

	if (!velo_lift_is(reader, at, "("))
		return false;
	return velo_lift_word_of(reader, at + 1, starts) < 0 && !velo_lift_is(reader, at + 1, "(");
}

/* VALUES …, then possibly WITH ( … ). */
static void
read_values(LiftReader *reader, LiftStatement *statement, int first, int end)
{
	int at = first;

	if (velo_lift_expressions(reader, first, end))
		statement->is_dialect = true;
	while (at < end && velo_lift_clause_at(reader, at, end) < LIFT_CLAUSE_WINDOW)
		at = lift_after(reader, at);
	if (at < end && velo_lift_clause_at(reader, at, end) != LIFT_CLAUSE_WITH)
		velo_lift_syntax_error(reader, at)->hint = "This clause needs a SELECT.";
	else if (at < end)
	{
		velo_lift_with(reader, statement, &at);
		if (at < end)
			velo_lift_syntax_error(reader, at);
	}
}

bool
velo_lift_insert(LiftReader *reader, LiftStatement *statement, int first)
{
	int at = first + 2;
	int targets = -1;
	int body;
	int tail;
	bool is_values;
	LiftPieces query = {0};

	if (!velo_lift_is_name(reader, at))
		return false;
	at += velo_lift_is(reader, at + 1, ".") ? 3 : 1;
	if (is_target_list(reader, at))
	{
		targets = at;
		at = lift_after(reader, at);
	}
	body = at;
	is_values = velo_lift_is_word(reader, body, "values");
	if (!is_values && !velo_lift_is_query(reader, body, reader->end))
		return false;

	statement->kind = LIFT_INSERT;
	at = first + 2;
	statement->name = velo_lift_name(reader, &at);
	if (statement->name == NULL)
		return true;
	if (targets >= 0)
		statement->insert_targets = velo_lift_text(reader, targets + 1,
												   lift_token(reader, targets)->match);

	tail = find_tail(reader, body);
	if (is_values)
		read_values(reader, statement, body, tail);
	else
		velo_lift_query(reader, statement, body, tail, &query);
	if (statement->into != NULL)
		lift_error(reader, "42601", statement->into->span,
				   "INTO is not allowed in the SELECT of an INSERT");
	if (statement->broken)
		return true;

	if (tail < reader->end)
	{
		if (!statement->is_dialect)
			return false;
		lift_error(reader, "0A000", lift_span(reader, tail, tail),
				   "%s is not supported in an INSERT with stream clauses",
				   velo_lift_is_word(reader, tail, "on") ? "ON CONFLICT" : "RETURNING");
		return true;
	}
	if (is_values)
		statement->core = velo_lift_text(reader, first, reader->end);
	else
	{
		LiftPieces whole = {0};

		velo_lift_piece_add(reader, &whole, first, body);
		for (int i = 0; i < query.nranges; i++)
			velo_lift_piece_add(reader, &whole, query.ranges[i].first, query.ranges[i].end);
		statement->core = velo_lift_text_of_pieces(reader, &whole);
		statement->query = velo_lift_text_of_pieces(reader, &query);
	}
	return true;
}
