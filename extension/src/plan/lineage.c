/*
 * lineage.c
 *	  Which input column each output column depends on.
 *
 * Direct: the value flows into the output.  Indirect: it decides whether, or into
 * which row, values flow: WHERE, HAVING, GROUP BY and the window's time.  Indirect
 * edges hold for every output column.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <parser/parsetree.h>

typedef struct Collect
{
	const VeloAnalysis *analysis;
	const char *output;
	bool is_direct;
	List *edges;
} Collect;

static void
add_edge(Collect *collect, const char *column)
{
	ListCell *cell;
	VeloEdge *edge;

	foreach(cell, collect->edges)
	{
		edge = lfirst(cell);
		if (edge->is_direct == collect->is_direct && strcmp(edge->output, collect->output) == 0 &&
			strcmp(edge->source_column, column) == 0)
			return;
	}
	edge = palloc(sizeof(VeloEdge));
	edge->output = collect->output;
	edge->source_column = column;
	edge->is_direct = collect->is_direct;
	collect->edges = lappend(collect->edges, edge);
}

static void
add_edges(Collect *collect, Node *node)
{
	const VeloAnalysis *a = collect->analysis;
	ListCell *cell;

	foreach(cell, pull_var_clause(node, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
											PVC_RECURSE_PLACEHOLDERS))
	{
		Var *var = lfirst_node(Var, cell);
		int system = var->varattno - a->source_natts - 1;

		if (var->varattno == InvalidAttrNumber)
		{
			for (int i = 1; i <= a->source_natts; i++)
				add_edge(collect, velo_plan_column_name(a->source, i));
			continue;
		}
		/* A window's bounds come from whatever gives the window its time. */
		if ((system == VELO_WINDOW_START || system == VELO_WINDOW_END) && a->window_time)
			add_edges(collect, a->window_time);
		else if (system == VELO_WINDOW_START || system == VELO_WINDOW_END ||
				 system == VELO_EVENT_TIME)
		{
			const char *field = velo_base_option_text(a->source->options, "event.time.field");

			add_edge(collect, field ? field : "_timestamp");
		}
		else
			add_edge(collect, velo_plan_column_name(a->source, var->varattno));
	}
}

List *
velo_plan_edges(const VeloAnalysis *a)
{
	Collect collect = {.analysis = a};
	Query *query = a->query;
	ListCell *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		ListCell *key;

		if (entry->resjunk)
			continue;
		collect.output = entry->resname;
		collect.is_direct = true;
		add_edges(&collect, (Node *) entry->expr);
		collect.is_direct = false;
		add_edges(&collect, query->jointree->quals);
		add_edges(&collect, query->havingQual);
		if (a->window_time)
			add_edges(&collect, a->window_time);
		foreach(key, query->groupClause)
			add_edges(&collect,
					  (Node *) get_sortgroupclause_tle(lfirst(key), query->targetList)->expr);
	}
	return collect.edges;
}
