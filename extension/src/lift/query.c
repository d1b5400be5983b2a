/*
 * query.c
 *	  SELECT.
 *
 * A query is one SELECT, or several joined by UNION and its like.  Each is split
 * at the words that start its clauses (clauses.c).
 *
 * The dialect's clauses are read into the statement and blanked.  The others stay
 * where they are when they stand in PostgreSQL's order, which is the rule; only a
 * query whose clauses come in another order is written out of pieces.
 */
#include "lift/query.h"

#include "lift/expressions.h"
#include "lift/properties.h"
#include "lift/window.h"

#include <string.h>

enum
{
	/* No clause may be repeated but FOR UPDATE, whose repetitions are joined. */
	PLACES_MAX = 32
};

typedef struct Place
{
	LiftClause clause;
	int first;
	int end;
} Place;

/* One SELECT being read. */
typedef struct Select
{
	LiftStatement *statement;
	int first;
	int end;	  /* of the query */
	bool in_set;  /* there is another SELECT */
	bool is_last; /* in the set; only the last may have ORDER BY, EMIT … */
	bool is_first;
	Place places[PLACES_MAX];
	int nplaces;
	unsigned int seen; /* 1 << clause */
} Select;

static const char sources_hint[] = "All sources must come before the other clauses.";

static const char *
clause_name(LiftClause clause)
{
	static const char *const names[] = {"",		  "FROM",	  "WHERE", "GROUP BY", "HAVING",
										"WINDOW", "ORDER BY", "LIMIT", "OFFSET",   "FOR UPDATE",
										"WINDOW", "EMIT",	  "INTO",  "WITH",	   "UNION"};

	return names[clause];
}

/* Behind WITH a AS ( … ), b AS ( … ): where the main query starts; -1 if malformed. */
static int
skip_ctes(const LiftReader *reader, int first, int end)
{
	int at = first;

	if (!velo_lift_is_word(reader, at, "with"))
		return first;
	at++;
	if (velo_lift_is_word(reader, at, "recursive"))
		at++;
	for (;;)
	{
		if (!velo_lift_is_name(reader, at))
			return -1;
		at++;
		if (velo_lift_is(reader, at, "("))
			at = lift_after(reader, at);
		if (!velo_lift_is_word(reader, at, "as"))
			return -1;
		at++;
		if (velo_lift_is_word(reader, at, "not"))
			at++;
		if (velo_lift_is_word(reader, at, "materialized"))
			at++;
		if (!velo_lift_is(reader, at, "("))
			return -1;
		at = lift_after(reader, at);

		/* SEARCH and CYCLE hold no parentheses and no reserved statement words. */
		if (velo_lift_is_word(reader, at, "search") || velo_lift_is_word(reader, at, "cycle"))
		{
			static const char *const starts[] = {"select", "insert", "update", "delete",
												 "merge",  "values", "table",  NULL};

			while (at < end && !velo_lift_is(reader, at, "(") &&
				   velo_lift_word_of(reader, at, starts) < 0 &&
				   !(velo_lift_is(reader, at, ",") && velo_lift_is_word(reader, at + 2, "as")))
				at++;
		}
		if (!velo_lift_is(reader, at, ","))
			return at;
		at++;
	}
}

bool
velo_lift_is_query(const LiftReader *reader, int first, int end)
{
	int at = skip_ctes(reader, first, end);
	bool in_parentheses = false;

	while (at >= 0 && velo_lift_is(reader, at, "("))
	{
		in_parentheses = true;
		at++;
	}
	return at >= 0 && (velo_lift_is_word(reader, at, "select") ||
					   (in_parentheses && velo_lift_is_word(reader, at, "with")));
}

/* Does the SELECT have a FROM of its own? */
static int
find_from(const LiftReader *reader, int at, int end)
{
	for (; at < end; at = lift_after(reader, at))
	{
		LiftClause clause = velo_lift_clause_at(reader, at, end);

		if (clause == LIFT_CLAUSE_FROM)
			return at;
		if (clause == LIFT_CLAUSE_SET)
			break;
	}
	return -1;
}

/* PRIMARY KEY behind an item. */
static void
read_key_item(LiftReader *reader, Select *select, int at, int item, LiftKeyItem ***tail)
{
	LiftKeyItem *key;

	if (!select->is_first)
	{
		lift_error(reader, "42601", lift_span(reader, at, at + 1),
				   "PRIMARY KEY must stand in the first SELECT of a UNION");
		return;
	}
	key = velo_lift_alloc(reader, sizeof(LiftKeyItem));
	key->item = item;
	key->span = lift_span(reader, at, at + 1);
	velo_lift_blank(reader, at, at + 2);
	select->statement->is_dialect = true;
	**tail = key;
	*tail = &key->next;
}

/* Can an expression end with this token, so that no column's name may follow? */
static bool
ends_item(const LiftReader *reader, int at)
{
	LiftTokenKind kind = lift_kind(reader, at);

	return velo_lift_is_name(reader, at) || lift_is_string(reader, at) ||
		   kind == LIFT_TOKEN_NUMBER || velo_lift_is(reader, at, ")") ||
		   velo_lift_is(reader, at, "]");
}

/* Reads the select list; returns where the first clause starts, or -1. */
static int
read_items(LiftReader *reader, Select *select, int at)
{
	static const char *const markers[] = {"alert", "metric", NULL};
	LiftKeyItem **tail = &select->statement->key_items;
	int from = find_from(reader, at, select->end);
	int item = 0;
	bool item_starts = true;

	while (at < select->end)
	{
		LiftClause clause = velo_lift_clause_at(reader, at, select->end);

		/* A column called emit with an alias, unless an item ends before it. */
		if (clause == LIFT_CLAUSE_EMIT && at < from && !ends_item(reader, at - 1))
			clause = LIFT_CLAUSE_NONE;
		if (clause == LIFT_CLAUSE_INTO && at < from)
		{
			lift_error(reader, "42601", lift_span(reader, at, at), "INTO must follow FROM")
				->hint = "Write INTO at the end of the query, or use CREATE TABLE ... AS.";
			return -1;
		}
		if (clause != LIFT_CLAUSE_NONE && at < from)
		{
			velo_lift_syntax_error(reader, at)->hint = "FROM must come before this clause.";
			return -1;
		}
		if (clause != LIFT_CLAUSE_NONE)
			return at;

		if (item_starts && velo_lift_is(reader, at, "@") &&
			velo_lift_word_of(reader, at + 1, markers) >= 0 && velo_lift_is(reader, at + 2, "("))
		{
			lift_error(reader, "0A000", lift_span(reader, at, lift_token(reader, at + 2)->match),
					   "%s in the select list is not supported yet",
					   velo_lift_is_word(reader, at + 1, "alert") ? "@alert" : "@metric");
			select->statement->is_dialect = true;
		}
		if (!item_starts && velo_lift_is_word(reader, at, "primary") &&
			velo_lift_is_word(reader, at + 1, "key"))
		{
			read_key_item(reader, select, at, item, &tail);
			at += 2;
			if (at < select->end && !velo_lift_is(reader, at, ",") &&
				velo_lift_clause_at(reader, at, select->end) == LIFT_CLAUSE_NONE)
			{
				velo_lift_syntax_error(reader, at)
					->hint = "PRIMARY KEY is the last part of a select item, behind its alias.";
				return -1;
			}
			continue;
		}
		item_starts = velo_lift_is(reader, at, ",");
		item += item_starts ? 1 : 0;
		at = lift_after(reader, at);
	}
	return at;
}

/* TUMBLE( … ) and the like among the items of GROUP BY. */
static bool
read_group_windows(LiftReader *reader, LiftStatement *statement, int first, int end)
{
	int item = first + 2;
	bool any_kept = false;
	int kept_end = first + 2; /* behind the last item that stays */

	if (velo_lift_is_word(reader, item, "distinct") || velo_lift_is_word(reader, item, "all"))
		item++;
	while (item < end)
	{
		int item_end = item;

		while (item_end < end && !velo_lift_is(reader, item_end, ","))
			item_end = lift_after(reader, item_end);
		if (!velo_lift_is_group_window(reader, item) || lift_after(reader, item + 1) != item_end)
		{
			any_kept = true;
			kept_end = item_end;
		}
		else
		{
			LiftWindow *window = velo_lift_group_window(reader, item);

			statement->is_dialect = true;
			if (window == NULL)
				return false;
			if (statement->window != NULL)
			{
				lift_error(reader, "42P20", window->span, "a query can have only one window");
				return false;
			}
			statement->window = window;

			/* With it goes the comma to its left, or the one to its right. */
			if (any_kept)
				velo_lift_blank(reader, kept_end, item_end);
			else if (item_end < end)
				velo_lift_blank(reader, item, item_end + 1);
			else
				velo_lift_blank(reader, first, end);
		}
		item = item_end + 1;
	}
	return true;
}

static bool
read_window(LiftReader *reader, Select *select, int *at)
{
	LiftStatement *statement = select->statement;
	int first = *at;
	LiftWindow *window;

	statement->is_dialect = true;
	window = velo_lift_window(reader, at);
	if (window == NULL)
		return false;
	if (select->in_set)
	{
		lift_error(reader, "0A000", window->span, "WINDOW in a UNION is not supported yet");
		return false;
	}
	if (statement->window != NULL)
	{
		lift_error(reader, "42P20", window->span, "a query can have only one window");
		return false;
	}
	statement->window = window;
	velo_lift_blank(reader, first, *at);
	return true;
}

static bool
read_emit(LiftReader *reader, LiftStatement *statement, int *at)
{
	int mode = velo_lift_word_of(reader, *at + 1, velo_lift_emit_modes);

	statement->is_dialect = true;
	if (mode < 0)
	{
		velo_lift_syntax_error(reader, *at + 1)->hint = "Use EMIT CHANGES or EMIT FINAL.";
		return false;
	}
	statement->emit = mode == 0 ? LIFT_EMIT_CHANGES : LIFT_EMIT_FINAL;
	statement->emit_span = lift_span(reader, *at, *at + 1);
	velo_lift_blank(reader, *at, *at + 2);
	*at += 2;
	return true;
}

static bool
read_into(LiftReader *reader, LiftStatement *statement, int *at)
{
	int first = (*at)++;

	statement->is_dialect = true;
	statement->into = velo_lift_name(reader, at);
	if (statement->into == NULL)
		return false;
	velo_lift_blank(reader, first, *at);
	return true;
}

void
velo_lift_with(LiftReader *reader, LiftStatement *statement, int *at)
{
	int first = *at;

	statement->is_dialect = true;
	if (!velo_lift_is(reader, first + 1, "("))
	{
		velo_lift_syntax_error(reader, first + 1)->hint = "Write WITH ('key' = 'value', ...).";
		*at = reader->end;
		return;
	}
	velo_lift_properties(reader, first + 1, NULL, &statement->properties);
	*at = lift_after(reader, first + 1);
	velo_lift_blank(reader, first, *at);
}

/* Reads a clause of the dialect at *at; false after an error. */
static bool
read_dialect_clause(LiftReader *reader, Select *select, LiftClause clause, int *at)
{
	int first = *at;

	if (clause == LIFT_CLAUSE_WINDOW)
	{
		if (!read_window(reader, select, at))
			return false;
	}
	else if (!select->is_last)
	{
		lift_error(reader, "42601", lift_span(reader, first, first),
				   "%s must follow the last SELECT of a UNION", clause_name(clause));
		return false;
	}
	else if (clause == LIFT_CLAUSE_EMIT)
	{
		if (!read_emit(reader, select->statement, at))
			return false;
	}
	else if (clause == LIFT_CLAUSE_INTO)
	{
		if (!read_into(reader, select->statement, at))
			return false;
	}
	else
	{
		velo_lift_with(reader, select->statement, at);
		if (*at >= reader->end)
			return true;
	}

	if (*at < select->end && velo_lift_clause_at(reader, *at, select->end) == LIFT_CLAUSE_NONE)
	{
		LiftDiagnostic *error = velo_lift_syntax_error(reader, *at);

		if (velo_lift_is_word(reader, *at, "join") || velo_lift_is(reader, *at, ","))
			error->hint = sources_hint;
		return false;
	}
	return true;
}

/* Remembers the first of its kind. */
static void
note_place(const LiftReader *reader, LiftSpan *place, int at)
{
	if (place->to == 0)
		*place = lift_span(reader, at, at);
}

/* Notes a clause; reports it if it is repeated or comes too late. */
static bool
note_clause(LiftReader *reader, Select *select, LiftClause clause, int at)
{
	LiftPlaces *places = &select->statement->places;
	unsigned int bit = 1u << clause;

	if (clause == LIFT_CLAUSE_GROUP)
		note_place(reader, &places->group, at);
	else if (clause == LIFT_CLAUSE_HAVING)
		note_place(reader, &places->having, at);
	else if (clause == LIFT_CLAUSE_ORDER)
		note_place(reader, &places->order, at);
	else if (clause == LIFT_CLAUSE_LIMIT)
		note_place(reader, &places->limit, at);
	else if (clause == LIFT_CLAUSE_OFFSET)
		note_place(reader, &places->offset, at);
	else if (clause == LIFT_CLAUSE_LOCK)
		note_place(reader, &places->lock, at);

	if ((select->seen & bit) != 0 && clause != LIFT_CLAUSE_LOCK)
	{
		lift_error(reader, "42601", lift_span(reader, at, at), "multiple %s clauses not allowed",
				   clause_name(clause));
		return false;
	}
	/* FROM comes first and WHERE second; behind them the order is free. */
	if (clause <= LIFT_CLAUSE_WHERE && select->seen >> (clause + 1) != 0)
	{
		velo_lift_syntax_error(reader, at)
			->hint = clause == LIFT_CLAUSE_WHERE ? "WHERE must directly follow FROM."
												 : "FROM must directly follow the select list.";
		return false;
	}
	select->seen |= bit;
	return true;
}

/* Reads the clauses from "at"; returns the end of this SELECT, or -1. */
static int
read_clauses(LiftReader *reader, Select *select, int at)
{
	while (at < select->end)
	{
		LiftClause clause = velo_lift_clause_at(reader, at, select->end);
		int first = at;

		if (clause == LIFT_CLAUSE_SET)
			break;
		if (!note_clause(reader, select, clause, at))
			return -1;
		if (clause >= LIFT_CLAUSE_WINDOW)
		{
			if (!read_dialect_clause(reader, select, clause, &at))
				return -1;
		}
		else if (clause == LIFT_CLAUSE_FROM)
		{
			at = velo_lift_from(reader, select->statement, at, select->end);
			if (at < 0)
			{
				select->statement->is_dialect = true;
				return -1;
			}
		}
		else
		{
			do
			{
				at = lift_after(reader, at);
				/* join(…) is a function. */
				if (at < select->end && velo_lift_is_word(reader, at, "join") &&
					!velo_lift_is(reader, at + 1, "(") && !velo_lift_is(reader, at - 1, ".") &&
					!velo_lift_is_word(reader, at - 1, "as"))
				{
					velo_lift_syntax_error(reader, at)->hint = sources_hint;
					return -1;
				}
			} while (at < select->end &&
					 velo_lift_clause_at(reader, at, select->end) == LIFT_CLAUSE_NONE);
			if (clause == LIFT_CLAUSE_GROUP &&
				!read_group_windows(reader, select->statement, first, at))
				return -1;
		}

		if (select->nplaces > 0 && select->places[select->nplaces - 1].clause == clause)
			select->places[select->nplaces - 1].end = at;
		else if (select->nplaces < PLACES_MAX)
			select->places[select->nplaces++] = (Place) {clause, first, at};
		else
			return -1; /* cannot be: see PLACES_MAX */
	}
	return at;
}

/* LIMIT, OFFSET and FOR UPDATE may come in any order in PostgreSQL too. */
static int
rank(LiftClause clause)
{
	return clause < LIFT_CLAUSE_LIMIT ? (int) clause : LIFT_CLAUSE_LIMIT;
}

/* Adds the SELECT [first, end) to the pieces, its clauses in PostgreSQL's order. */
static void
add_pieces(LiftReader *reader, Select *select, int end, LiftPieces *pieces)
{
	int last_rank = 0;
	bool in_order = true;

	for (int i = 0; i < select->nplaces; i++)
	{
		if (select->places[i].clause >= LIFT_CLAUSE_WINDOW)
			continue;
		in_order = in_order && rank(select->places[i].clause) >= last_rank;
		last_rank = rank(select->places[i].clause);
	}
	if (in_order)
	{
		velo_lift_piece_add(reader, pieces, select->first, end);
		return;
	}

	select->statement->is_dialect = true; /* PostgreSQL would refuse it */
	velo_lift_piece_add(reader, pieces, select->first, select->places[0].first);
	for (int r = 0; r <= LIFT_CLAUSE_LIMIT; r++)
	{
		for (int i = 0; i < select->nplaces; i++)
		{
			const Place *place = &select->places[i];

			if (place->clause < LIFT_CLAUSE_WINDOW && rank(place->clause) == r)
				velo_lift_piece_add(reader, pieces, place->first, place->end);
		}
	}
}

/* Where the set operation behind the SELECT at "at" is, or "end". */
static int
find_set(const LiftReader *reader, int at, int end)
{
	while (at < end && velo_lift_clause_at(reader, at, end) != LIFT_CLAUSE_SET)
		at = lift_after(reader, at);
	return at;
}

/* Reads one SELECT at *at; false after an error. */
static bool
read_select(LiftReader *reader, Select *select, int *at)
{
	if (velo_lift_is_word(reader, *at, "select"))
	{
		if (velo_lift_is_word(reader, *at + 1, "distinct"))
			note_place(reader, &select->statement->places.distinct, *at + 1);
		*at = read_items(reader, select, *at + 1);
	}
	else
	{
		/* ( … ), VALUES, TABLE: nothing of ours before its clauses. */
		while (*at < select->end &&
			   velo_lift_clause_at(reader, *at, select->end) == LIFT_CLAUSE_NONE)
			*at = lift_after(reader, *at);
	}
	if (*at >= 0)
		*at = read_clauses(reader, select, *at);
	return *at >= 0;
}

/* A duration that stands where only an interval may. */
static void
refuse_durations(LiftReader *reader, int first, int end)
{
	for (int at = first; at < end; at++)
	{
		if (reader->tokens[at].edit_last >= at)
			at = reader->tokens[at].edit_last;
		else if (lift_kind(reader, at) == LIFT_TOKEN_DURATION)
			velo_lift_syntax_error(reader, at)->hint =
				"A bare duration stands only in WINDOW and WITHIN; elsewhere write INTERVAL '5 "
				"minutes'.";
	}
}

void
velo_lift_query(LiftReader *reader, LiftStatement *statement, int first, int end,
				LiftPieces *pieces)
{
	int at = skip_ctes(reader, first, end);
	bool is_first = true;
	bool in_set;
	bool failed = false;
	int start = first; /* the WITH part belongs to the first SELECT's piece */

	if (velo_lift_expressions(reader, first, end))
		statement->is_dialect = true;
	in_set = find_set(reader, at, end) < end;
	while (at < end && !failed)
	{
		int set = find_set(reader, at, end);
		Select select = {.statement = statement,
						 .first = start,
						 .end = set,
						 .in_set = in_set,
						 .is_last = set >= end,
						 .is_first = is_first};

		if (!read_select(reader, &select, &at))
		{
			failed = true;
			break;
		}
		add_pieces(reader, &select, at, pieces);
		is_first = false;
		start = at;
		if (at < end)
		{
			note_place(reader, &statement->places.set, at);
			at++;
			if (velo_lift_is_word(reader, at, "all") || velo_lift_is_word(reader, at, "distinct"))
				at++;
			if (at >= end)
			{
				velo_lift_syntax_error(reader, at);
				failed = true;
			}
			/* An unbroken row of pieces: the word belongs to the next one. */
		}
	}
	if (!failed)
	{
		if (velo_lift_unsupported(reader, first, end))
			statement->is_dialect = true;
		else
			refuse_durations(reader, first, end);
	}
}
