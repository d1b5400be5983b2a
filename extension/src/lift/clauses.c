/*
 * clauses.c
 *	  Where the clauses of a SELECT start.
 *
 * All words that start a clause are reserved in PostgreSQL, so outside parentheses
 * they can be nothing else, except behind a dot or AS.  EMIT alone is not
 * reserved, and is a clause only together with its mode.
 */
#include "lift/query.h"

#include "lift/window.h"

#include <stddef.h>

const char *const velo_lift_emit_modes[] = {"changes", "final", NULL};

static const struct
{
	const char *word;
	const char *second; /* or NULL: any */
	LiftClause clause;
} clause_words[] = {
	{"from", NULL, LIFT_CLAUSE_FROM},	  {"where", NULL, LIFT_CLAUSE_WHERE},
	{"group", "by", LIFT_CLAUSE_GROUP},	  {"having", NULL, LIFT_CLAUSE_HAVING},
	{"order", "by", LIFT_CLAUSE_ORDER},	  {"limit", NULL, LIFT_CLAUSE_LIMIT},
	{"fetch", NULL, LIFT_CLAUSE_LIMIT},	  {"offset", NULL, LIFT_CLAUSE_OFFSET},
	{"into", NULL, LIFT_CLAUSE_INTO},	  {"union", NULL, LIFT_CLAUSE_SET},
	{"intersect", NULL, LIFT_CLAUSE_SET}, {"except", NULL, LIFT_CLAUSE_SET},
	{"for", "update", LIFT_CLAUSE_LOCK},  {"for", "no", LIFT_CLAUSE_LOCK},
	{"for", "share", LIFT_CLAUSE_LOCK},	  {"for", "key", LIFT_CLAUSE_LOCK},
	{"for", "read", LIFT_CLAUSE_LOCK},
};

static bool
starts_with(const LiftReader *reader, int at, const char *beginning)
{
	const LiftToken *token = lift_token(reader, at);
	int same = 0;

	while (beginning[same] != '\0' && token->from + same < token->to &&
		   lift_lower((unsigned char) reader->text[token->from + same]) ==
			   (unsigned char) beginning[same])
		same++;
	return beginning[same] == '\0';
}

/*
 * EMIT with a word that is meant as its mode: EMIT CHANGED, or EMIT and one last
 * word.  ORDER BY emit DESC is none, since DESC is reserved.
 */
static bool
is_misspelt_emit(const LiftReader *reader, int at, int end)
{
	static const char *const before[] = {"select", "from",	  "join", "by",		  "where",
										 "and",	   "or",	  "not",  "having",	  "on",
										 "when",   "then",	  "else", "distinct", "limit",
										 "offset", "lateral", "only", NULL};

	if (!lift_is_any_word(reader, at + 1) || velo_lift_word_of(reader, at - 1, before) >= 0 ||
		lift_kind(reader, at - 1) == LIFT_TOKEN_OPERATOR || velo_lift_is(reader, at - 1, ","))
		return false;
	return starts_with(reader, at + 1, "chan") || starts_with(reader, at + 1, "fina") ||
		   (at + 2 >= end && !velo_lift_is_reserved(reader, at + 1));
}

LiftClause
velo_lift_clause_at(const LiftReader *reader, int at, int end)
{
	if (at >= end || !lift_is_any_word(reader, at) || velo_lift_is(reader, at - 1, ".") ||
		velo_lift_is_word(reader, at - 1, "as"))
		return LIFT_CLAUSE_NONE;

	if (velo_lift_is_word(reader, at, "window"))
		return velo_lift_is_window(reader, at) ? LIFT_CLAUSE_WINDOW : LIFT_CLAUSE_DEFINE;
	if (velo_lift_is_word(reader, at, "emit"))
		return velo_lift_word_of(reader, at + 1, velo_lift_emit_modes) >= 0 ||
					   is_misspelt_emit(reader, at, end)
				   ? LIFT_CLAUSE_EMIT
				   : LIFT_CLAUSE_NONE;
	if (velo_lift_is_word(reader, at, "with"))
		return velo_lift_is(reader, at + 1, "(") || lift_is_string(reader, at + 1)
				   ? LIFT_CLAUSE_WITH
				   : LIFT_CLAUSE_NONE;
	/* a IS [NOT] DISTINCT FROM b */
	if (velo_lift_is_word(reader, at, "from") && velo_lift_is_word(reader, at - 1, "distinct") &&
		(velo_lift_is_word(reader, at - 2, "is") || velo_lift_is_word(reader, at - 2, "not")))
		return LIFT_CLAUSE_NONE;

	for (size_t i = 0; i < sizeof(clause_words) / sizeof(clause_words[0]); i++)
	{
		if (velo_lift_is_word(reader, at, clause_words[i].word) &&
			(clause_words[i].second == NULL ||
			 velo_lift_is_word(reader, at + 1, clause_words[i].second)))
			return clause_words[i].clause;
	}
	return LIFT_CLAUSE_NONE;
}
