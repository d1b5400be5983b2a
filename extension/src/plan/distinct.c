/*
 * distinct.c
 *	  SELECT DISTINCT as a grouping.
 *
 * The rows seen so far are groups, and each is given when it comes first (emits_once), or
 * in a window with EMIT FINAL when that closes.  So DISTINCT needs no state of its own.
 * What is grouped by is the select list, as it stands: by position, which also serves a
 * star and expressions that would be ambiguous if they were repeated.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <nodes/makefuncs.h>

/* How many columns an item becomes. */
static int
columns_of(const VeloAnalysis *a, const ResTarget *item)
{
	int n = 0;

	if (!IsA(item->val, ColumnRef) || velo_plan_last_field((ColumnRef *) item->val) != NULL)
		return 1;
	for (int i = 0; i < a->source->desc->natts; i++)
		n += TupleDescAttr(a->source->desc, i)->attisdropped ? 0 : 1;
	return n;
}

static A_Const *
position(int number)
{
	A_Const *constant = makeNode(A_Const);

	constant->val.ival.type = T_Integer;
	constant->val.ival.ival = number;
	constant->location = -1;
	return constant;
}

void
velo_plan_group_distinct(VeloAnalysis *a)
{
	SelectStmt *select = a->select;
	int n = 0;
	ListCell *cell;

	if (a->is_grouped)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("DISTINCT of grouped rows is not supported in a continuous query yet"),
			 errhint("Leave out DISTINCT: rows of different groups differ if their key is shown."),
			 velo_plan_error_at(a->request->user_text,
								a->request->statement->places.distinct.from)));
	foreach(cell, select->targetList)
		n += columns_of(a, lfirst_node(ResTarget, cell));
	for (int i = 1; i <= n; i++)
		select->groupClause = lappend(select->groupClause, position(i));
	select->distinctClause = NIL;
	a->is_distinct = true;
	a->is_grouped = true;
}
