/*
 * statements.h
 *	  One function per family of statement.
 *
 * Each is called with the statement's first token and fills in the statement.  It
 * returns false, having reported nothing, if the statement is PostgreSQL's after
 * all.
 */
#pragma once

#include "lift/query.h"

typedef bool (*LiftFamily)(LiftReader *reader, LiftStatement *statement, int first);

extern bool velo_lift_select(LiftReader *reader, LiftStatement *statement, int first);
extern bool velo_lift_create(LiftReader *reader, LiftStatement *statement, int first);
extern bool velo_lift_insert(LiftReader *reader, LiftStatement *statement, int first);
extern bool velo_lift_drop(LiftReader *reader, LiftStatement *statement, int first);
extern bool velo_lift_alter(LiftReader *reader, LiftStatement *statement, int first);
extern bool velo_lift_show(LiftReader *reader, LiftStatement *statement, int first);
extern bool velo_lift_describe(LiftReader *reader, LiftStatement *statement, int first);
extern bool velo_lift_explain(LiftReader *reader, LiftStatement *statement, int first);
extern bool velo_lift_job(LiftReader *reader, LiftStatement *statement, int first);

/*
 * Lifts what starts at "first" by the family its first words belong to.  Returns
 * false if it is PostgreSQL's.
 */
extern bool velo_lift_statement(LiftReader *reader, LiftStatement *statement, int first);

/* A SELECT that is the statement, or a part of it: reads it and writes its core. */
extern void velo_lift_select_core(LiftReader *reader, LiftStatement *statement, int first);

/*
 * The statement inside another (START JOB n AS …, EXPLAIN …), which ends where the
 * other ends.  NULL after an error.
 */
extern LiftStatement *velo_lift_body(LiftReader *reader, int first);

/* columns.c: the parentheses at "open".  before_as: types may be missing. */
extern LiftColumn *velo_lift_columns(LiftReader *reader, int open, bool before_as);
/* One column definition up to token "end". */
extern LiftColumn *velo_lift_column(LiftReader *reader, int first, int end, bool before_as);
