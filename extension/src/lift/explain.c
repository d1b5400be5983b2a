/*
 * explain.c
 *	  EXPLAIN [(FORMAT TEXT | JSON)] of the dialect's statements, and EXPLAIN JOB.
 *
 * Everything else is PostgreSQL's EXPLAIN.  A plain SELECT is read all the same,
 * because it may turn out to concern streams; its whole text is the core, so that
 * the caller can hand it on if it does not.
 */
#include "lift/statements.h"

/* (FORMAT x) at *at: returns false if it is another list of options. */
static bool
read_format(LiftReader *reader, LiftStatement *statement, int *at)
{
	if (!velo_lift_is_word(reader, *at + 1, "format") || !velo_lift_is(reader, *at + 3, ")"))
		return false;
	if (velo_lift_is_word(reader, *at + 2, "json"))
		statement->format_json = true;
	else if (!velo_lift_is_word(reader, *at + 2, "text"))
		return false;
	*at += 4;
	return true;
}

/* Is ( at "at" a list of options rather than a query in parentheses? */
static bool
is_options(const LiftReader *reader, int at)
{
	return velo_lift_is(reader, at, "(") && !velo_lift_is_query(reader, at, reader->end);
}

static bool
starts_body(const LiftReader *reader, int at)
{
	return velo_lift_is_query(reader, at, reader->end) || velo_lift_is_word(reader, at, "create") ||
		   velo_lift_is_word(reader, at, "insert");
}

/*
 * EXPLAIN with options of PostgreSQL.  It stays PostgreSQL's, which has no way to
 * explain a stream; saying so is better than its syntax error.
 */
static bool
refuse_options(LiftReader *reader, LiftStatement *statement, int first)
{
	static const char *const words[] = {"analyze", "analyse", "verbose", NULL};
	int at = first + 1;
	LiftStatement *body;

	if (is_options(reader, at))
		at = lift_after(reader, at);
	while (velo_lift_word_of(reader, at, words) >= 0)
		at++;
	if (at == first + 1)
		return false;
	body = velo_lift_body(reader, at);
	if (body == NULL ||
		(!body->broken && (!body->is_dialect || (body->kind == LIFT_CREATE_AS && body->is_table))))
		return false;

	statement->kind = LIFT_EXPLAIN;
	statement->body = body;
	if (!statement->broken)
		lift_error(reader, "0A000", lift_span(reader, first + 1, at - 1),
				   "EXPLAIN of a stream takes no option but FORMAT TEXT or FORMAT JSON");
	return true;
}

bool
velo_lift_explain(LiftReader *reader, LiftStatement *statement, int first)
{
	int at = first + 1;

	if (is_options(reader, at) && !read_format(reader, statement, &at))
	{
		statement->format_json = false;
		return refuse_options(reader, statement, first);
	}
	statement->kind = LIFT_EXPLAIN;
	if (velo_lift_is_word(reader, at, "job") && velo_lift_is_name(reader, at + 1))
	{
		at++;
		statement->explain_job = true;
		statement->name = velo_lift_name(reader, &at);
		if (statement->name != NULL)
			velo_lift_expect_end(reader, at);
		return true;
	}
	if (!starts_body(reader, at))
		return refuse_options(reader, statement, first);

	statement->body = velo_lift_body(reader, at);
	if (statement->body == NULL)
		return statement->broken;
	if (statement->body->kind == LIFT_INSERT && !statement->body->is_dialect &&
		!statement->body->broken)
	{
		statement->body = NULL;
		return false;
	}
	statement->is_dialect = statement->body->is_dialect;
	if (statement->body->kind == LIFT_QUERY && !statement->body->is_dialect &&
		!statement->body->broken)
		statement->core = velo_lift_text_exact(reader, first, reader->end);
	return true;
}
