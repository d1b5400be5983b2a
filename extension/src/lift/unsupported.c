/*
 * unsupported.c
 *	  Constructs of the dialect that are not executed yet.
 *
 * They are looked for in one place and at any depth, so that the user reads
 * "… is not supported yet" instead of a syntax error, and so that adding one is
 * taking its lines out of here.
 */
#include "lift/query.h"

#include "lift/duration.h"
#include "lift/window.h"

#include <string.h>

static void
refuse(LiftReader *reader, int first, int last, const char *construct)
{
	lift_error(reader, "0A000", lift_span(reader, first, last), "%s is not supported yet",
			   construct);
}

/* Is the word at "at" itself, not t.word or AS word? */
static bool
stands_alone(const LiftReader *reader, int at)
{
	return !velo_lift_is(reader, at - 1, ".") && !velo_lift_is_word(reader, at - 1, "as");
}

/* Does the token stand directly in the parentheses of a subquery? */
static bool
in_subquery(const LiftReader *reader, int at, int first)
{
	static const char *const starts[] = {"select", "with", NULL};
	int parent = lift_token(reader, at)->parent;

	return parent >= first && velo_lift_word_of(reader, parent + 1, starts) >= 0;
}

/* … or in those of OVER ( ) or WINDOW w AS ( )? */
static bool
in_over(const LiftReader *reader, int at, int first)
{
	int parent = lift_token(reader, at)->parent;

	return parent >= first &&
		   (velo_lift_is_word(reader, parent - 1, "over") ||
			(velo_lift_is_word(reader, parent - 1, "as") && !in_subquery(reader, at, first)));
}

/* Constructs of OVER ( ).  Returns whether one was found. */
static bool
refuse_in_over(LiftReader *reader, int at)
{
	static const char *const buffer_words[] = {"every", "changes", "on", NULL};

	if (velo_lift_is_word(reader, at, "rows") && velo_lift_is_word(reader, at + 1, "window"))
		refuse(reader, at, at + 1, "ROWS WINDOW");
	else if (velo_lift_is_word(reader, at, "emit") && stands_alone(reader, at) &&
			 velo_lift_word_of(reader, at + 1, buffer_words) >= 0)
		refuse(reader, at, at + 1, "EMIT in OVER");
	else if (velo_lift_is_word(reader, at, "expire") && velo_lift_is_word(reader, at + 1, "after"))
		refuse(reader, at, at + 1, "EXPIRE AFTER");
	else
		return false;
	return true;
}

static bool
refuse_in_subquery(LiftReader *reader, int at)
{
	static const char *const modes[] = {"changes", "final", NULL};
	LiftDuration duration;

	if (velo_lift_is_window(reader, at) && velo_lift_is(reader, at + 2, "("))
		refuse(reader, at, at + 1, "WINDOW in a subquery");
	else if (velo_lift_is_word(reader, at, "emit") && stands_alone(reader, at) &&
			 velo_lift_word_of(reader, at + 1, modes) >= 0 &&
			 !velo_lift_is_word(reader, at - 1, "select") && !velo_lift_is(reader, at - 1, ","))
		refuse(reader, at, at + 1, "EMIT in a subquery");
	else if (velo_lift_is_word(reader, at, "with") && velo_lift_is(reader, at + 1, "("))
		refuse(reader, at, lift_token(reader, at + 1)->match, "WITH ( ) in a subquery");
	else if (velo_lift_is_word(reader, at, "within") && stands_alone(reader, at) &&
			 velo_lift_duration_at(reader, at + 1, true, &duration))
		refuse(reader, at, duration.end - 1, "WITHIN");
	else
		return false;
	return true;
}

/* Constructs that may stand in FROM at any depth. */
static bool
refuse_anywhere(LiftReader *reader, int at, int first)
{
	if (velo_lift_is_word(reader, at, "for") && velo_lift_is_word(reader, at + 1, "system_time") &&
		velo_lift_is_word(reader, at + 2, "as") && velo_lift_is_word(reader, at + 3, "of"))
		refuse(reader, at, at + 3, "FOR SYSTEM_TIME AS OF");
	else if (lift_is_string(reader, at) && in_subquery(reader, at, first) &&
			 (velo_lift_is_word(reader, at - 1, "join") ||
			  velo_lift_clause_at(reader, at - 1, at) == LIFT_CLAUSE_FROM))
		refuse(reader, at, at, "a source given as a string");
	else
		return false;
	return true;
}

bool
velo_lift_unsupported(LiftReader *reader, int first, int end)
{
	bool any = false;

	for (int at = first; at < end; at++)
	{
		/* What has been lifted is understood. */
		if (reader->tokens[at].edit_last >= at)
		{
			at = reader->tokens[at].edit_last;
			continue;
		}
		if (in_over(reader, at, first) && refuse_in_over(reader, at))
		{
			/* One message for one OVER. */
			any = true;
			at = reader->tokens[reader->tokens[at].parent].match;
		}
		else if ((in_subquery(reader, at, first) && refuse_in_subquery(reader, at)) ||
				 refuse_anywhere(reader, at, first))
			any = true;
	}
	return any;
}
