/*
 * explain.c
 *	  A plan as text and as JSON: source, filter, window, aggregate, emit, sink.
 *
 * Both come from one list of (node, property, value), so that they cannot differ.
 */
#include "postgres.h"

#include "plan/plan.h"

#include <nodes/nodeFuncs.h>
#include <utils/builtins.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>

typedef struct Line
{
	const char *node; /* begins a node if not NULL */
	const char *property;
	const char *value;
} Line;

static List *
add(List *lines, const char *node, const char *property, const char *value)
{
	Line *line = palloc(sizeof(Line));

	line->node = node;
	line->property = property;
	line->value = value;
	return lappend(lines, line);
}

static const char *
duration(int64 us)
{
	if (us % (60 * USECS_PER_SEC) == 0 && us != 0)
		return psprintf("%lldm", (long long) (us / (60 * USECS_PER_SEC)));
	if (us % USECS_PER_SEC == 0)
		return psprintf("%llds", (long long) (us / USECS_PER_SEC));
	if (us % 1000 == 0)
		return psprintf("%lldms", (long long) (us / 1000));
	return psprintf("%lldus", (long long) us);
}

static bool
count_aggregates(Node *node, void *context)
{
	if (node && IsA(node, Aggref))
	{
		Aggref *aggref = (Aggref *) node;
		StringInfo names = context;
		char *name = get_func_name(aggref->aggfnoid);

		if (name && strcmp(name, "_inputs") != 0)
			appendStringInfo(names, "%s%s", names->len ? ", " : "", name);
		return false;
	}
	return node ? expression_tree_walker(node, count_aggregates, context) : false;
}

static List *
explain_lines(const VeloPlan *plan, const char *sink)
{
	List *lines = NIL;
	const char *keys = "none";
	StringInfoData text;

	lines = add(lines, "Source", "name", plan->source.name);
	lines = add(lines, NULL, "type", plan->source.type);
	lines = add(lines, NULL, "bounded", plan->source.bounded ? "true" : "false");
	lines = add(lines, NULL, "event time",
				plan->event_time
					? NameStr(TupleDescAttr(plan->source.desc, plan->event_time - 1)->attname)
				: plan->has_event_times ? "kept with each row"
										: "_timestamp");
	lines = add(lines, NULL, "watermark",
				plan->has_event_times
					? psprintf("latest event time - %s", duration(plan->out_of_order_us))
				: strcmp(plan->source.type, "native") == 0 ? "clock, held back by open writers"
														   : "clock");
	if (plan->filter)
		lines = add(lines, "Filter", "conditions", psprintf("%d", list_length(plan->filter)));
	if (plan->window.kind != VELO_WINDOW_NONE)
	{
		lines = add(lines, "Window", "kind",
					plan->window.kind == VELO_WINDOW_TUMBLING ? "tumbling" : "sliding");
		lines = add(lines, NULL, "size",
					plan->window.size_months ? psprintf("%d months", plan->window.size_months)
											 : duration(plan->window.size_us));
		if (plan->window.kind == VELO_WINDOW_SLIDING)
			lines = add(lines, NULL, "advance", duration(plan->window.advance_us));
		lines = add(lines, NULL, "late records", velo_plan_late_names[plan->late]);
	}
	if (plan->grouping)
	{
		initStringInfo(&text);
		count_aggregates((Node *) plan->grouping->agg->plan.targetlist, &text);
		count_aggregates((Node *) plan->grouping->agg->plan.qual, &text);
		lines = add(lines, "Aggregate", "incremental", text.len ? text.data : "none");
		if (plan->grouping->replay_query)
		{
			StringInfoData replayed;

			initStringInfo(&replayed);
			count_aggregates((Node *) plan->grouping->replay_query->targetList, &replayed);
			lines = add(lines, NULL, "recomputed from kept inputs", replayed.data);
		}
	}
	lines = add(lines, "Emit", "mode",
				plan->emit == VELO_EMIT_ROWS	  ? "each row"
				: plan->emit == VELO_EMIT_CHANGES ? "changes"
												  : "final");
	if (plan->nkeys > 0)
	{
		initStringInfo(&text);
		for (int i = 0; i < plan->nkeys; i++)
			appendStringInfo(&text, "%s%s", i ? ", " : "",
							 NameStr(TupleDescAttr(plan->output, plan->keys[i] - 1)->attname));
		keys = text.data;
	}
	lines = add(lines, NULL, "key", keys);
	if (plan->limit >= 0)
		lines = add(lines, NULL, "limit", psprintf("%lld", (long long) plan->limit));
	lines = add(lines, "Sink", "to", sink);
	lines = add(lines, NULL, "delivery", "exactly once");
	lines = add(lines, "SELECT given to PostgreSQL", NULL, plan->core_sql);
	return lines;
}

List *
velo_plan_explain(const VeloPlan *plan, const char *sink)
{
	List *result = NIL;
	ListCell *cell;

	foreach(cell, explain_lines(plan, sink))
	{
		Line *line = lfirst(cell);

		if (line->node)
			result = lappend(result, pstrdup(line->node));
		result = lappend(result, line->property ? psprintf("  %s: %s", line->property, line->value)
												: psprintf("  %s", line->value));
	}
	return result;
}

static void
push_string(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	pushJsonbValue(state, token, &value);
}

Jsonb *
velo_plan_explain_json(const VeloPlan *plan, const char *sink)
{
	JsonbParseState *state = NULL;
	ListCell *cell;
	bool open = false;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(cell, explain_lines(plan, sink))
	{
		Line *line = lfirst(cell);

		if (line->node)
		{
			if (open)
				pushJsonbValue(&state, WJB_END_OBJECT, NULL);
			pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
			push_string(&state, WJB_KEY, "node");
			push_string(&state, WJB_VALUE, line->node);
			open = true;
		}
		push_string(&state, WJB_KEY, line->property ? line->property : "sql");
		push_string(&state, WJB_VALUE, line->value);
	}
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}
