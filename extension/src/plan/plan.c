/*
 * plan.c
 *	  From an analysed query to a VeloPlan.
 *
 * WHERE is taken out before planning: it runs before rows are put into windows,
 * and the planner, which knows nothing of windows, would mix it with conditions
 * it moves out of HAVING (those run behind the window).
 */
#include "postgres.h"

#include "plan/plan.h"

#include <catalog/pg_type.h>
#include <common/hashfn.h>
#include <executor/executor.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <optimizer/tlist.h>
#include <parser/parsetree.h>
#include <pgtime.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/ruleutils.h>

#include "plan/analyse.h"

#define MAX_PANES 10000

static List *
clean_condition(Node *condition)
{
	return condition ? make_ands_implicit(expression_planner((Expr *) condition)) : NIL;
}

/* --- window ----------------------------------------------------------------- */

/* Days, weeks and months begin at midnight there. */
static void
plan_zone(VeloWindow *window, const VeloPlanRequest *request, const LiftWindow *lifted)
{
	window->tz = pg_tzset(window->zone);
	if (window->tz == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" not recognized", window->zone),
						errhint("View pg_timezone_names lists the names."),
						velo_plan_error_at(request->user_text, lifted->offset_span.from)));
	if (window->size_us % USECS_PER_DAY != 0 || window->advance_us % USECS_PER_DAY != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("OFFSET with a time zone is for windows of days, weeks and months"),
						errhint("Use a duration, such as OFFSET 2h."),
						velo_plan_error_at(request->user_text, lifted->offset_span.from)));
}

static void
plan_window(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a)
{
	const LiftWindow *lifted = request->statement->window;
	VeloWindow *window = &plan->window;

	if (lifted == NULL)
		return;
	window->kind = lifted->kind == LIFT_WINDOW_TUMBLING ? VELO_WINDOW_TUMBLING
														: VELO_WINDOW_SLIDING;
	window->size_us = a->window_args[0]->micros;
	window->size_months = a->window_args[0]->months;
	window->advance_us = a->window_args[1] ? a->window_args[1]->micros : window->size_us;
	window->offset_us = lifted->offset ? lifted->offset->micros : 0;
	window->zone = lifted->offset_zone;
	if (window->kind == VELO_WINDOW_SLIDING &&
		(window->size_us + window->advance_us - 1) / window->advance_us > MAX_PANES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("each record would belong to %lld windows",
						(long long) ((window->size_us + window->advance_us - 1) /
									 window->advance_us)),
				 errdetail("At most %d are allowed.", MAX_PANES), errhint("Use a larger advance."),
				 velo_plan_error_at(request->user_text, lifted->span.from)));
	if (window->zone)
		plan_zone(window, request, lifted);
	if (a->window_time)
		window->time = expression_planner((Expr *) a->window_time);
}

/* --- emission ---------------------------------------------------------------- */

static void
warn_final(const VeloPlanRequest *request)
{
	ereport(WARNING, (errcode(ERRCODE_WARNING),
					  errmsg("EMIT FINAL has no effect on a query without aggregates"),
					  velo_plan_error_at(request->user_text, request->statement->emit_span.from)));
}

/* DISTINCT without a window: a row comes when it is there for the first time. */
static void
plan_distinct(VeloPlan *plan, const VeloPlanRequest *request, const VeloAnalysis *a)
{
	plan->emit = VELO_EMIT_CHANGES;
	if (!plan->source.bounded && !request->is_pull && plan->limit < 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("DISTINCT keeps every row that it has seen, for ever"),
				 errhint("With a WINDOW it keeps those of open windows only."),
				 velo_plan_error_at(request->user_text, request->statement->places.distinct.from)));
}

static void
plan_emit(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a)
{
	LiftEmit emit = request->statement->emit;

	if (!a->is_grouped)
	{
		if (a->is_windowed && emit != LIFT_EMIT_CHANGES)
			ereport(
				ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rows of a window without aggregates at its close are not supported yet"),
				 errhint(
					 "Add EMIT CHANGES to get each row with its window at arrival, or GROUP BY."),
				 velo_plan_error_at(request->user_text, request->statement->window->span.from)));
		if (emit == LIFT_EMIT_FINAL)
			warn_final(request);
		plan->emit = VELO_EMIT_ROWS;
		return;
	}
	if (a->is_distinct && !a->is_windowed)
	{
		if (emit == LIFT_EMIT_FINAL)
			warn_final(request);
		plan_distinct(plan, request, a);
		return;
	}
	if (emit == LIFT_EMIT_DEFAULT)
		emit = a->is_windowed || request->is_pull ? LIFT_EMIT_FINAL : LIFT_EMIT_CHANGES;
	if (emit == LIFT_EMIT_FINAL && !a->is_windowed && !plan->source.bounded)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("EMIT FINAL without a window never emits: stream \"%s\" has no end",
					plan->source.name),
			 errhint("Add a WINDOW clause, or read to the present end with 'bounded' = 'true'."),
			 velo_plan_error_at(request->user_text, request->statement->emit_span.from)));
	plan->emit = emit == LIFT_EMIT_CHANGES ? VELO_EMIT_CHANGES : VELO_EMIT_FINAL;
	plan->rows_are_new = plan->emit == VELO_EMIT_FINAL && a->is_windowed && !plan->key_is_primary &&
						 plan->late != VELO_LATE_UPDATE;

	if (plan->emit == VELO_EMIT_CHANGES && a->is_windowed && plan->key_is_primary)
	{
		bool has_window = false;

		for (int i = 0; i < plan->nkeys; i++)
		{
			Node *expr = (Node *) list_nth_node(TargetEntry, a->query->targetList,
												plan->keys[i] - 1)
							 ->expr;

			if (IsA(expr, Var) && ((Var *) expr)->varattno > a->source_natts)
				has_window = true;
		}
		if (!has_window)
			ereport(WARNING,
					(errcode(ERRCODE_WARNING), errmsg("the primary key leaves out the window"),
					 errdetail("Each window overwrites the row of the one before."),
					 errhint("Add _window_start PRIMARY KEY to the select list."),
					 velo_plan_error_at(request->user_text,
										request->statement->key_items->span.from)));
	}
}

static void
plan_limit(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a)
{
	const LiftPlaces *places = &request->statement->places;
	Node *limit = a->query->limitCount;

	plan->limit = -1;
	a->query->limitCount = NULL;
	a->query->limitOption = LIMIT_OPTION_COUNT;
	if (a->query->sortClause)
	{
		if (request->is_pull)
			ereport(
				ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("ORDER BY is not supported yet in a query with windows, system columns or "
						"functions of schema velo"),
				 errhint(
					 "Write the rows into a table and order that, or name functions as velo.name."),
				 velo_plan_error_at_place(request->user_text, places->order)));
		ereport(WARNING, (errcode(ERRCODE_WARNING),
						  errmsg("ORDER BY has no effect in a continuous query yet"),
						  velo_plan_error_at_place(request->user_text, places->order)));
		a->query->sortClause = NIL;
	}
	if (limit == NULL)
		return;
	limit = eval_const_expressions(NULL, limit);
	if (!IsA(limit, Const))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("LIMIT of a continuous query must be a constant"),
						velo_plan_error_at_place(request->user_text, places->limit)));
	if (((Const *) limit)->constisnull)
		return; /* LIMIT ALL */
	plan->limit = DatumGetInt64(((Const *) limit)->constvalue);
	if (plan->limit < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
						errmsg("LIMIT must not be negative"),
						velo_plan_error_at_place(request->user_text, places->limit)));
}

static void
plan_needed(VeloPlan *plan)
{
	Bitmapset *used = NULL;
	int member = -1;

	pull_varattnos((Node *) plan->filter, 1, &used);
	pull_varattnos((Node *) plan->window_filter, 1, &used);
	pull_varattnos((Node *) plan->window.time, 1, &used);
	pull_varattnos((Node *) plan->project, 1, &used);
	if (plan->grouping)
		pull_varattnos((Node *) plan->grouping->input, 1, &used);
	while ((member = bms_next_member(used, member)) >= 0)
	{
		AttrNumber number = member + FirstLowInvalidHeapAttributeNumber;

		if (number == InvalidAttrNumber) /* whole row */
		{
			plan->source.needed = bms_add_range(plan->source.needed, 0,
												plan->source.user_natts - 1);
			continue;
		}
		plan->source.needed = bms_add_member(plan->source.needed, number - 1);
	}
	if (plan->event_time)
		plan->source.needed = bms_add_member(plan->source.needed, plan->event_time - 1);
}

VeloPlan *
velo_plan_query(const VeloPlanRequest *request)
{
	VeloPlan *plan = palloc0(sizeof(VeloPlan));
	VeloAnalysis *a = velo_plan_analyse(request);
	Query *query = a->query;
	ListCell *cell;

	velo_plan_source(plan, request, a);
	plan->options = a->bound.job;
	plan->sink_options = a->bound.sink;
	plan->edges = velo_plan_edges(a);
	if (OidIsValid(a->source->relation))
		plan->depends = list_make1_oid(a->source->relation);
	plan_window(plan, request, a);
	plan_limit(plan, request, a);
	plan->filter = clean_condition(query->jointree->quals);
	plan->core_sql = pg_get_querydef(copyObject(query), false);
	query->jointree->quals = NULL;

	velo_plan_output(plan, a);
	plan->emits_once = a->is_distinct;
	plan_emit(plan, request, a);
	if (a->is_grouped)
		velo_plan_grouping(plan, a);
	else
	{
		foreach(cell, query->targetList)
		{
			TargetEntry *entry = flatCopyTargetEntry(lfirst_node(TargetEntry, cell));

			entry->expr = expression_planner(entry->expr);
			if (!entry->resjunk)
				plan->project = lappend(plan->project, entry);
		}
	}
	plan_needed(plan);
	velo_plan_fingerprint(plan);
	return plan;
}

List *
velo_plan_source_relations(const VeloPlan *plan)
{
	return plan->depends;
}

void
velo_plan_read_whole_rows(VeloPlan *plan)
{
	if (plan->source.user_natts > 0)
		plan->source.needed = bms_add_range(plan->source.needed, 0, plan->source.user_natts - 1);
}
