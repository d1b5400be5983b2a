/*
 * output.c
 *	  Result columns and keys.
 *
 * Key: PRIMARY KEY items, else what is grouped by (with the window's bounds), else
 * the source's own key if its columns are passed on.  A table needs all of its key
 * among its columns, so parts that are not selected are added to it.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <nodes/makefuncs.h>

static TargetEntry *
find_output(Query *query, const char *name)
{
	ListCell *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (!entry->resjunk && strcmp(entry->resname, name) == 0)
			return entry;
	}
	return NULL;
}

/* A group key as an output column: the one selected, or (tables) one added. */
static TargetEntry *
group_key_output(VeloAnalysis *a, SortGroupClause *clause, int number)
{
	TargetEntry *hidden = NULL;
	ListCell *cell;

	foreach(cell, a->query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (entry->ressortgroupref != clause->tleSortGroupRef)
			continue;
		if (!entry->resjunk)
			return entry;
		hidden = entry;
	}
	if (hidden)
	{
		/* The same expression may be selected without carrying the reference. */
		foreach(cell, a->query->targetList)
		{
			TargetEntry *entry = lfirst_node(TargetEntry, cell);

			if (!entry->resjunk && equal(entry->expr, hidden->expr) && !a->request->for_table)
				return entry;
		}
	}
	if (hidden == NULL || !a->request->for_table)
		return NULL;
	hidden->resjunk = false;
	if (IsA(hidden->expr, Var) && ((Var *) hidden->expr)->varattno > a->source_natts)
		hidden->resname = pstrdup(velo_plan_column_name(a->source,
														((Var *) hidden->expr)->varattno));
	else
		hidden->resname = psprintf("_k%d", number);
	return hidden;
}

/* A table of one group has one row: a constant is its key. */
static TargetEntry *
constant_key(Query *query)
{
	TargetEntry *entry = find_output(query, "_k1");

	if (entry == NULL)
	{
		entry = makeTargetEntry((Expr *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
												   Int32GetDatum(1), false, true),
								list_length(query->targetList) + 1, pstrdup("_k1"), false);
		query->targetList = lappend(query->targetList, entry);
	}
	return entry;
}

static List *
key_entries(VeloPlan *plan, VeloAnalysis *a)
{
	List *entries = NIL;
	ListCell *cell;
	int number = 0;

	if (a->key_names)
	{
		foreach(cell, a->key_names)
		{
			TargetEntry *entry = find_output(a->query, lfirst(cell));

			if (entry)
				entries = list_append_unique_ptr(entries, entry);
		}
		plan->key_is_primary = true;
		return entries;
	}
	/* Rows are told apart by all of their columns; a table has no other key. */
	if (a->is_distinct && !a->request->for_table)
		return NIL;
	if (a->is_grouped)
	{
		foreach(cell, a->query->groupClause)
		{
			TargetEntry *entry = group_key_output(a, lfirst_node(SortGroupClause, cell), ++number);

			if (entry)
				entries = list_append_unique_ptr(entries, entry);
		}
		if (entries == NIL && a->request->for_table)
			entries = list_make1(constant_key(a->query));
		return entries;
	}
	/* Row query: the source's key, if its columns are passed on as they are. */
	foreach(cell, a->source->key_columns)
	{
		ListCell *item;

		foreach(item, a->query->targetList)
		{
			TargetEntry *entry = lfirst_node(TargetEntry, item);

			if (!entry->resjunk && IsA(entry->expr, Var) &&
				((Var *) entry->expr)->varattno <= a->source_natts &&
				strcmp(velo_plan_column_name(a->source, ((Var *) entry->expr)->varattno),
					   lfirst(cell)) == 0)
			{
				entries = lappend(entries, entry);
				break;
			}
		}
	}
	return list_length(entries) == list_length(a->source->key_columns) ? entries : NIL;
}

static bool
is_of_window(const VeloAnalysis *a, const TargetEntry *entry)
{
	int system;

	if (!IsA(entry->expr, Var) || ((Var *) entry->expr)->varattno <= a->source_natts)
		return false;
	system = ((Var *) entry->expr)->varattno - a->source_natts - 1;
	return system == VELO_WINDOW_START || system == VELO_WINDOW_END;
}

/*
 * The window first: rows of one window are written together, and so come to lie together
 * in the index, at its end, instead of one on each of its pages.  It also serves the usual
 * questions, about a time.  A primary key is ordered as the user has written it.
 */
static void
order_for_index(VeloPlan *plan, const VeloAnalysis *a, const List *entries)
{
	int n = 0;
	ListCell *cell;

	plan->index_keys = palloc(sizeof(AttrNumber) * Max(1, plan->nkeys));
	if (!plan->key_is_primary)
		foreach(cell, entries)
			if (is_of_window(a, lfirst(cell)))
				plan->index_keys[n++] = plan->keys[foreach_current_index(cell)];
	foreach(cell, entries)
		if (plan->key_is_primary || !is_of_window(a, lfirst(cell)))
			plan->index_keys[n++] = plan->keys[foreach_current_index(cell)];
}

static void
set_keys(VeloPlan *plan, VeloAnalysis *a)
{
	List *entries = key_entries(plan, a);
	ListCell *cell;

	if (a->request->for_table && entries == NIL && !a->is_grouped)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("table \"%s\" has no key", a->request->statement->name
												   ? a->request->statement->name->name
												   : a->source->name),
			 errdetail("The query does not group, and its source has no key."),
			 errhint(
				 "Mark the key columns in the select list with PRIMARY KEY, or create a STREAM."),
			 velo_plan_error_at(a->request->user_text, a->request->statement->name
														   ? a->request->statement->name->span.from
														   : a->request->statement->span.from)));
	plan->keys = palloc(sizeof(AttrNumber) * Max(1, list_length(entries)));
	foreach(cell, entries)
		plan->keys[plan->nkeys++] = ((TargetEntry *) lfirst(cell))->resno;
	order_for_index(plan, a, entries);
}

static void
set_output(VeloPlan *plan, VeloAnalysis *a)
{
	List *outputs = NIL;
	ListCell *cell;

	foreach(cell, a->query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (!entry->resjunk)
			outputs = lappend(outputs, entry);
	}
	plan->output = ExecTypeFromTL(outputs);
	plan->keeps_event_time = a->request->for_stream;
	plan->keeps_headers = a->keeps_headers;
}

/* Hidden group keys that became outputs must stand before those still hidden. */
static void
order_targets(Query *query)
{
	List *shown = NIL;
	List *hidden = NIL;
	ListCell *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (entry->resjunk)
			hidden = lappend(hidden, entry);
		else
			shown = lappend(shown, entry);
	}
	query->targetList = list_concat(shown, hidden);
	foreach(cell, query->targetList)
		lfirst_node(TargetEntry, cell)->resno = foreach_current_index(cell) + 1;
}

void
velo_plan_output(VeloPlan *plan, VeloAnalysis *a)
{
	/* First of all, because it may make hidden group keys columns of the output. */
	list_free(key_entries(plan, a));
	order_targets(a->query);
	set_keys(plan, a);
	set_output(plan, a);
}
