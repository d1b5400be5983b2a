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
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/ruleutils.h>

#include "plan/analyse.h"

#define MAX_PANES 10000

static const VeloOption event_time_field = {
	.name = "event.time.field",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_TEXT,
	.description = "Column that holds the event time; without it the append time is used.",
};
VELO_OPTION(event_time_field);

static const VeloOption event_time_format = {
	.name = "event.time.format",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_CHOICE,
	.choices = "epoch_millis epoch_seconds epoch=epoch_seconds iso8601",
	.description = "How a number or text in the event time column is read.",
};
VELO_OPTION(event_time_format);

static const VeloOption watermark_strategy = {
	.name = "watermark.strategy",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_CHOICE,
	.choices = "bounded_out_of_orderness ascending ascending_timestamps=ascending",
	.description = "How the watermark follows the event times that have come.",
};
VELO_OPTION(watermark_strategy);

static const VeloOption watermark_disorder = {
	.name = "watermark.max_out_of_orderness",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_MS,
	.standard = "5000",
	.description = "How far the watermark stays behind the latest event time.",
};
VELO_OPTION(watermark_disorder);

static const VeloOption watermark_idle = {
	.name = "watermark.idle.timeout",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_MS,
	.standard = "30000",
	.description = "A partition without input for so long no longer holds the watermark back; 0: never.",
};
VELO_OPTION(watermark_idle);

static const VeloOption watermark_lateness = {
	.name = "watermark.allowed_lateness",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_MS,
	.standard = "60000",
	.description = "How long a closed window's state is kept for late.data.strategy = update_previous.",
};
VELO_OPTION(watermark_lateness);

static const VeloOption late_strategy = {
	.name = "late.data.strategy",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_CHOICE,
	.standard = "drop",
	.choices = "drop dead_letter update_previous include_in_next_window",
	.description = "What happens to a record whose window has closed.",
};
VELO_OPTION(late_strategy);

static const VeloOption offset_reset = {
	.name = "auto.offset.reset",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_CHOICE,
	.standard = "earliest",
	.choices = "earliest latest",
	.description = "Where a job without a saved position begins.",
};
VELO_OPTION(offset_reset);

static const VeloOption bounded = {
	.name = "bounded",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_BOOL,
	.standard = "false",
	.description = "Stop at the end that the source has when reading begins.",
};
VELO_OPTION(bounded);

static List *
clean_condition(Node *condition)
{
	return condition ? make_ands_implicit(expression_planner((Expr *) condition)) : NIL;
}

/* --- source, event time ---------------------------------------------------- */

static void
plan_event_time(VeloPlan *plan, const VeloPlanRequest *request)
{
	List	   *options = plan->source.options;
	const char *field = velo_base_option_text(options, "event.time.field");
	const char *strategy = velo_base_option_text(options, "watermark.strategy");

	plan->event_time_format = velo_base_option_text(options, "event.time.format");
	plan->idle_timeout_us = velo_base_option_int(options, "watermark.idle.timeout") * 1000;
	plan->allowed_lateness_us = velo_base_option_int(options, "watermark.allowed_lateness") * 1000;
	plan->out_of_order_us = velo_base_option_int(options, "watermark.max_out_of_orderness") * 1000;
	if (strategy && strcmp(strategy, "ascending") == 0)
		plan->out_of_order_us = 0;
	plan->late_strategy = velo_base_option_text(options, "late.data.strategy");
	if (strcmp(plan->late_strategy, "drop") != 0 && strcmp(plan->late_strategy, "dead_letter") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("late.data.strategy \"%s\" is not supported yet", plan->late_strategy),
				 errhint("Use drop or dead_letter.")));
	/* What a job wrote carries the event time of what it was made of. */
	plan->has_event_times = field != NULL || plan->source_object->is_derived;
	if (field == NULL)
		return;
	for (int i = 0; i < plan->source.user_natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(plan->source.desc, i);

		if (strcmp(NameStr(att->attname), field) == 0)
		{
			switch (getBaseType(att->atttypid))
			{
				case TIMESTAMPTZOID:
				case TIMESTAMPOID:
				case DATEOID:
				case INT4OID:
				case INT8OID:
				case NUMERICOID:
				case TEXTOID:
				case VARCHAROID:
					break;
				default:
					ereport(ERROR,
							(errcode(ERRCODE_DATATYPE_MISMATCH),
							 errmsg("event time column \"%s\" cannot be of type %s", field,
									format_type_be(att->atttypid)),
							 errhint("Use timestamptz, timestamp, date, bigint milliseconds, or text.")));
			}
			plan->event_time = i + 1;
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("event time column \"%s\" does not exist in \"%s\"", field, plan->source.name)));
}

static void
plan_source(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a)
{
	VeloSourceSpec *source = &plan->source;
	ListCell   *cell;

	plan->source_object = a->source;
	source->name = a->source->name;
	source->type = a->source->type;
	source->relation = a->source->relation;
	source->desc = velo_row_desc_with_system(a->source->desc);
	source->user_natts = a->source_natts;
	source->options = list_copy_deep(NIL);
	foreach(cell, a->source->options)
	{
		VeloOptionValue *value = lfirst(cell);

		source->options = velo_base_option_set(source->options, value->name, value->value);
	}
	foreach(cell, a->bound.source)
	{
		VeloOptionValue *value = lfirst(cell);

		source->options = velo_base_option_set(source->options, value->name, value->value);
	}
	source->bounded = request->is_pull || velo_base_option_bool(source->options, "bounded") ||
		velo_base_option_text(source->options, "record_count") != NULL;
	plan->start_from =
		!source->bounded &&
		strcmp(velo_base_option_text(source->options, "auto.offset.reset"), "latest") == 0
		? VELO_START_LATEST : VELO_START_EARLIEST;
	plan_event_time(plan, request);
}

/* --- window ----------------------------------------------------------------- */

static void
plan_window(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a)
{
	const LiftWindow *lifted = request->statement->window;
	VeloWindow *window = &plan->window;

	if (lifted == NULL)
		return;
	window->kind = lifted->kind == LIFT_WINDOW_TUMBLING ? VELO_WINDOW_TUMBLING : VELO_WINDOW_SLIDING;
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
						(long long) ((window->size_us + window->advance_us - 1) / window->advance_us)),
				 errdetail("At most %d are allowed.", MAX_PANES),
				 errhint("Use a larger advance."),
				 velo_plan_error_at(request->user_text, lifted->span.from)));
	if (window->zone)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("OFFSET with a time zone is not supported yet"),
				 velo_plan_error_at(request->user_text, lifted->span.from)));
	if (a->window_time)
		window->time = expression_planner((Expr *) a->window_time);
}

/* --- keys and output --------------------------------------------------------- */

static TargetEntry *
find_output(Query *query, const char *name)
{
	ListCell   *cell;

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
	ListCell   *cell;

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
		hidden->resname = pstrdup(velo_plan_column_name(a->source, ((Var *) hidden->expr)->varattno));
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
	List	   *entries = NIL;
	ListCell   *cell;
	int			number = 0;

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
		ListCell   *item;

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

static void
plan_keys(VeloPlan *plan, VeloAnalysis *a)
{
	List	   *entries = key_entries(plan, a);
	ListCell   *cell;

	if (a->request->for_table && entries == NIL && !a->is_grouped)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table \"%s\" has no key", a->request->statement->name ?
						a->request->statement->name->name : a->source->name),
				 errdetail("The query does not group, and its source has no key."),
				 errhint("Mark the key columns in the select list with PRIMARY KEY, or create a STREAM."),
				 velo_plan_error_at(a->request->user_text, a->request->statement->span.from)));
	plan->keys = palloc(sizeof(AttrNumber) * Max(1, list_length(entries)));
	foreach(cell, entries)
		plan->keys[plan->nkeys++] = ((TargetEntry *) lfirst(cell))->resno;
}

static void
plan_output(VeloPlan *plan, VeloAnalysis *a)
{
	List	   *outputs = NIL;
	ListCell   *cell;

	foreach(cell, a->query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (!entry->resjunk)
			outputs = lappend(outputs, entry);
	}
	plan->output = ExecTypeFromTL(outputs);
	plan->keeps_event_time = a->request->for_stream;
}

/* Hidden group keys that became outputs must stand before those still hidden. */
static void
order_targets(Query *query)
{
	List	   *shown = NIL;
	List	   *hidden = NIL;
	ListCell   *cell;

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

/* --- emission ---------------------------------------------------------------- */

static void
plan_emit(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a)
{
	LiftEmit	emit = request->statement->emit;

	if (!a->is_grouped)
	{
		if (a->is_windowed && emit != LIFT_EMIT_CHANGES)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("rows of a window without aggregates at its close are not supported yet"),
					 errhint("Add EMIT CHANGES to get each row with its window at arrival, or GROUP BY."),
					 velo_plan_error_at(request->user_text, request->statement->window->span.from)));
		if (emit == LIFT_EMIT_FINAL)
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("EMIT FINAL has no effect on a query without aggregates"),
					 velo_plan_error_at(request->user_text, request->statement->emit_span.from)));
		plan->emit = VELO_EMIT_ROWS;
		return;
	}
	if (emit == LIFT_EMIT_DEFAULT)
		emit = a->is_windowed || request->is_pull ? LIFT_EMIT_FINAL : LIFT_EMIT_CHANGES;
	if (emit == LIFT_EMIT_FINAL && !a->is_windowed && !plan->source.bounded)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("EMIT FINAL without a window never emits: stream \"%s\" has no end",
						plan->source.name),
				 errhint("Add a WINDOW clause, or read to the present end with 'bounded' = 'true'."),
				 velo_plan_error_at(request->user_text, request->statement->emit_span.from)));
	plan->emit = emit == LIFT_EMIT_CHANGES ? VELO_EMIT_CHANGES : VELO_EMIT_FINAL;

	if (plan->emit == VELO_EMIT_CHANGES && a->is_windowed && plan->key_is_primary)
	{
		bool		has_window = false;

		for (int i = 0; i < plan->nkeys; i++)
		{
			Node	   *expr = (Node *) list_nth_node(TargetEntry, a->query->targetList,
													  plan->keys[i] - 1)->expr;

			if (IsA(expr, Var) && ((Var *) expr)->varattno > a->source_natts)
				has_window = true;
		}
		if (!has_window)
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("the primary key leaves out the window"),
					 errdetail("Each window overwrites the row of the one before."),
					 velo_plan_error_at(request->user_text,
										request->statement->key_items->span.from)));
	}
}

static void
plan_limit(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a)
{
	Node	   *limit = a->query->limitCount;

	plan->limit = -1;
	a->query->limitCount = NULL;
	a->query->limitOption = LIMIT_OPTION_COUNT;
	if (a->query->sortClause)
	{
		if (request->is_pull)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("ORDER BY is not supported yet in a query with windows, system columns or "
							"functions of schema velo"),
					 errhint("Write the rows into a table and order that, or name functions as velo.….")));
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("ORDER BY has no effect in a continuous query yet")));
		a->query->sortClause = NIL;
	}
	if (limit == NULL)
		return;
	limit = eval_const_expressions(NULL, limit);
	if (!IsA(limit, Const))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("LIMIT of a continuous query must be a constant")));
	if (!((Const *) limit)->constisnull)
		plan->limit = DatumGetInt64(((Const *) limit)->constvalue);
	if (plan->limit < -1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
				 errmsg("LIMIT must not be negative")));
}

/* --- what decides results, and the shape of state ----------------------------- */

static char *
hash_text(const char *text)
{
	return psprintf("%016llx", (unsigned long long)
					DatumGetUInt64(hash_any_extended((const unsigned char *) text, strlen(text), 0)));
}

static bool
describe_aggregates(Node *node, void *context)
{
	StringInfo	text = context;

	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		Aggref	   *aggref = (Aggref *) node;
		ListCell   *cell;

		appendStringInfo(text, "%u/%d:%u(", aggref->aggfnoid, aggref->aggtransno, aggref->aggtranstype);
		foreach(cell, aggref->aggargtypes)
			appendStringInfo(text, "%u,", lfirst_oid(cell));
		appendStringInfoString(text, ")");
		return false;
	}
	return expression_tree_walker(node, describe_aggregates, context);
}

static void
plan_fingerprints(VeloPlan *plan)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	if (plan->grouping)
	{
		Agg		   *agg = plan->grouping->agg;

		appendStringInfo(&text, "pg%d;", PG_VERSION_NUM / 10000);
		for (int i = 0; i < agg->numCols; i++)
		{
			TargetEntry *entry = list_nth_node(TargetEntry, plan->grouping->input, agg->grpColIdx[i] - 1);

			appendStringInfo(&text, "%u,", exprType((Node *) entry->expr));
		}
		describe_aggregates((Node *) agg->plan.targetlist, &text);
		describe_aggregates((Node *) agg->plan.qual, &text);
		if (plan->grouping->replay_desc)
			for (int i = 0; i < plan->grouping->replay_desc->natts; i++)
				appendStringInfo(&text, "r%u,", TupleDescAttr(plan->grouping->replay_desc, i)->atttypid);
		appendStringInfo(&text, "w%d:%lld:%lld:%d:%lld", plan->window.kind,
						 (long long) plan->window.size_us, (long long) plan->window.advance_us,
						 plan->window.size_months, (long long) plan->window.offset_us);
		plan->layout = hash_text(text.data);
	}
	else
		plan->layout = "";

	appendStringInfoString(&text, plan->core_sql);
	appendStringInfo(&text, ";%d;%lld;%d", plan->emit, (long long) plan->limit, plan->event_time);
	if (plan->window.time)
		appendStringInfoString(&text, nodeToString(plan->window.time));
	foreach(cell, plan->source.options)
	{
		VeloOptionValue *value = lfirst(cell);

		appendStringInfo(&text, ";%s=%s", value->name, value->value);
	}
	plan->hash = hash_text(text.data);
}

static void
plan_needed(VeloPlan *plan)
{
	Bitmapset  *used = NULL;
	int			member = -1;

	pull_varattnos((Node *) plan->filter, 1, &used);
	pull_varattnos((Node *) plan->window_filter, 1, &used);
	pull_varattnos((Node *) plan->window.time, 1, &used);
	pull_varattnos((Node *) plan->project, 1, &used);
	if (plan->grouping)
		pull_varattnos((Node *) plan->grouping->input, 1, &used);
	while ((member = bms_next_member(used, member)) >= 0)
	{
		AttrNumber	number = member + FirstLowInvalidHeapAttributeNumber;

		if (number == InvalidAttrNumber)	/* whole row */
		{
			plan->source.needed = bms_add_range(plan->source.needed, 0, plan->source.user_natts - 1);
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
	VeloPlan   *plan = palloc0(sizeof(VeloPlan));
	VeloAnalysis *a = velo_plan_analyse(request);
	Query	   *query = a->query;
	ListCell   *cell;

	plan_source(plan, request, a);
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

	{
		List	   *group_keys = key_entries(plan, a);	/* may make hidden keys outputs */

		list_free(group_keys);
		order_targets(query);
	}
	plan_keys(plan, a);
	plan_emit(plan, request, a);
	plan_output(plan, a);
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
	plan_fingerprints(plan);
	return plan;
}

List *
velo_plan_source_relations(const VeloPlan *plan)
{
	return plan->depends;
}
