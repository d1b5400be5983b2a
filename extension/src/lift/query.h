/*
 * query.h
 *	  SELECT: its clauses, and what of them is the dialect's.
 */
#pragma once

#include "lift/edits.h"

/* Clauses in the order PostgreSQL wants them; the dialect's own come last. */
typedef enum LiftClause
{
	LIFT_CLAUSE_NONE,
	LIFT_CLAUSE_FROM,
	LIFT_CLAUSE_WHERE,
	LIFT_CLAUSE_GROUP,
	LIFT_CLAUSE_HAVING,
	LIFT_CLAUSE_DEFINE, /* WINDOW name AS ( … ) */
	LIFT_CLAUSE_ORDER,
	LIFT_CLAUSE_LIMIT, /* or FETCH */
	LIFT_CLAUSE_OFFSET,
	LIFT_CLAUSE_LOCK, /* FOR UPDATE … */
	LIFT_CLAUSE_WINDOW,
	LIFT_CLAUSE_EMIT,
	LIFT_CLAUSE_INTO,
	LIFT_CLAUSE_WITH,
	LIFT_CLAUSE_SET /* UNION, INTERSECT, EXCEPT: the end of this SELECT */
} LiftClause;

/* The modes of EMIT, in the order of LiftEmit from CHANGES on. */
extern const char *const velo_lift_emit_modes[];

/* Which clause starts at this token, which is not in parentheses? */
extern LiftClause velo_lift_clause_at(const LiftReader *reader, int at, int end);

/* Is the query at "first" one: SELECT, WITH … SELECT or one in parentheses? */
extern bool velo_lift_is_query(const LiftReader *reader, int first, int end);

/*
 * Lifts the query in tokens [first, end) into the statement's fields, except for
 * its texts: those are written from the pieces when all edits are made.
 */
extern void velo_lift_query(LiftReader *reader, LiftStatement *statement, int first, int end,
							LiftPieces *pieces);

/*
 * FROM, whose word is at "first": properties of single sources.  Returns where the
 * next clause starts, or -1 after an error.
 */
extern int velo_lift_from(LiftReader *reader, LiftStatement *statement, int first, int end);

/* WITH ( … ) at *at as the statement's own; false after an error. */
extern void velo_lift_with(LiftReader *reader, LiftStatement *statement, int *at);

/*
 * Reports constructs in tokens [first, end) that we know but do not execute yet,
 * wherever they stand.  Returns whether there were any.
 */
extern bool velo_lift_unsupported(LiftReader *reader, int first, int end);
