/*
 * from.c
 *	  FROM: sources and the properties that stand behind them.
 *
 * Only as much of FROM is understood as is needed to tell whose a WITH ( … ) is:
 * where a source starts, what it is called, and where it ends.  Everything else
 * is left to PostgreSQL's parser.
 */
#include "lift/query.h"

#include "lift/duration.h"
#include "lift/properties.h"

#include <string.h>

/* The source read last. */
typedef struct Source
{
	int name; /* the token that names it, or -1 (a subquery without alias) */
	int end;  /* the token behind it and its alias */
} Source;

static bool
is_join_word(const LiftReader *reader, int at)
{
	static const char *const words[] = {"join",	 "inner",	"left", "right", "full",
										"cross", "natural", "on",	"using", NULL};

	return velo_lift_word_of(reader, at, words) >= 0;
}

/* Does WITHIN with a duration, a bound of a join, stand here? */
static bool
is_within(LiftReader *reader, int at, LiftDuration *duration)
{
	return velo_lift_is_word(reader, at, "within") && !velo_lift_is(reader, at - 1, ".") &&
		   velo_lift_duration_at(reader, at + 1, true, duration);
}

/* Reads [AS] alias [( columns )] at *at. */
static void
read_alias(LiftReader *reader, int *at, int end, Source *source)
{
	LiftDuration unused;
	int name = *at;

	if (velo_lift_is_word(reader, name, "as"))
		name++;
	else if (velo_lift_clause_at(reader, name, end) != LIFT_CLAUSE_NONE ||
			 is_within(reader, name, &unused))
		return;
	if (name >= end)
		return;
	if (velo_lift_is_name(reader, name))
	{
		source->name = name;
		name++;
	}
	if (velo_lift_is(reader, name, "("))
		name = lift_after(reader, name);
	*at = name;
}

/* Reads a source at *at; returns false after an error. */
static bool
read_source(LiftReader *reader, int *at, int end, Source *source)
{
	source->name = -1;
	while (velo_lift_is_word(reader, *at, "lateral") || velo_lift_is_word(reader, *at, "only"))
		++*at;

	if (lift_is_string(reader, *at))
	{
		const char *value = velo_lift_value(reader, *at);

		if (value != NULL && strstr(value, "://") != NULL)
			lift_error(reader, "0A000", lift_span(reader, *at, *at),
					   "a source given as a string is not supported yet")
				->hint = "Declare it with CREATE STREAM and name it in FROM.";
		else if (value != NULL)
			velo_lift_syntax_error(reader, *at)
				->hint = "A name is written without quotes, or in double quotes.";
		return false;
	}
	if (*at >= end || velo_lift_clause_at(reader, *at, end) != LIFT_CLAUSE_NONE)
	{
		LiftDiagnostic *error = velo_lift_syntax_error(reader, *at);

		if (velo_lift_is_word(reader, *at, "emit"))
			error->hint = "EMIT CHANGES and EMIT FINAL are always the clause. To read from a table "
						  "called emit, write FROM emit AS changes.";
		else
			error->hint = "A stream or table is expected here.";
		return false;
	}

	if (velo_lift_is_word(reader, *at, "rows") && velo_lift_is_word(reader, *at + 1, "from"))
		*at += 2;
	else if (velo_lift_is_name(reader, *at))
	{
		source->name = (*at)++;
		while (velo_lift_is(reader, *at, ".") && *at + 1 < end)
		{
			source->name = *at + 1;
			*at += 2;
		}
		if (velo_lift_is(reader, *at, "*"))
			++*at;
	}
	if (velo_lift_is(reader, *at, "("))
		*at = lift_after(reader, *at);
	if (velo_lift_is_word(reader, *at, "with") && velo_lift_is_word(reader, *at + 1, "ordinality"))
		*at += 2;
	read_alias(reader, at, end, source);
	source->end = *at;
	return true;
}

/*
 * WITH ( … ) inside FROM.  Returns true if it was the source's own, and then goes
 * behind it.
 */
static bool
read_source_with(LiftReader *reader, LiftStatement *statement, int *at, Source *source)
{
	int next = lift_after(reader, *at + 1);
	const char *name;

	if (!velo_lift_is(reader, next, ",") && !velo_lift_is_word(reader, next, "where") &&
		!is_join_word(reader, next))
		return false;
	if (*at != source->end || source->name < 0)
	{
		lift_error(reader, "42601", lift_span(reader, *at, *at), "WITH does not follow a source")
			->hint = "WITH ( ... ) stands directly behind a source and its alias, or at the end of "
					 "the statement.";
		*at = -1;
		return true;
	}
	name = velo_lift_identifier(reader, source->name);
	velo_lift_properties(reader, *at + 1, name, &statement->properties);
	velo_lift_blank(reader, *at, next);
	statement->is_dialect = true;
	*at = next;
	source->end = -1; /* a second one would follow the first, not the source */
	return true;
}

int
velo_lift_from(LiftReader *reader, LiftStatement *statement, int first, int end)
{
	Source source = {-1, -1};
	bool expects_source = true;
	int at = first + 1;

	while (at < end || expects_source)
	{
		LiftDuration duration;

		if (expects_source)
		{
			int before = at;

			if (statement->places.source.to == 0)
				statement->places.source = lift_span(reader, at, at);

			if (!read_source(reader, &at, end, &source))
				return -1;
			expects_source = false;
			if (at == before)
				at++; /* nothing we know: PostgreSQL will say so */
		}
		else if (velo_lift_is(reader, at, ",") || velo_lift_is_word(reader, at, "join"))
		{
			if (statement->places.join.to == 0)
				statement->places.join = lift_span(reader, at, at);
			expects_source = true;
			at++;
		}
		else if (is_within(reader, at, &duration))
		{
			lift_error(reader, "0A000", lift_span(reader, at, duration.end - 1),
					   "WITHIN is not supported yet");
			return -1;
		}
		else if (velo_lift_clause_at(reader, at, end) == LIFT_CLAUSE_WITH)
		{
			if (!read_source_with(reader, statement, &at, &source))
				return at;
			if (at < 0)
				return -1;
		}
		else if (velo_lift_clause_at(reader, at, end) != LIFT_CLAUSE_NONE)
			return at;
		else
			at = lift_after(reader, at);
	}
	return end;
}
