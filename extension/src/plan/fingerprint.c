/*
 * fingerprint.c
 *	  Two hashes of a plan: "layout" says whether saved state still fits, "hash"
 *	  whether the plan still means the same.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <common/hashfn.h>
#include <nodes/nodeFuncs.h>

static char *
hash_text(const char *text)
{
	return psprintf("%016llx", (unsigned long long)
								   DatumGetUInt64(hash_any_extended((const unsigned char *) text,
																	strlen(text), 0)));
}

static bool
describe_aggregates(Node *node, void *context)
{
	StringInfo text = context;

	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		Aggref *aggref = (Aggref *) node;
		ListCell *cell;

		appendStringInfo(text, "%u/%d:%u(", aggref->aggfnoid, aggref->aggtransno,
						 aggref->aggtranstype);
		foreach(cell, aggref->aggargtypes)
			appendStringInfo(text, "%u,", lfirst_oid(cell));
		appendStringInfoString(text, ")");
		return false;
	}
	return expression_tree_walker(node, describe_aggregates, context);
}

void
velo_plan_fingerprint(VeloPlan *plan)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	if (plan->grouping)
	{
		Agg *agg = plan->grouping->agg;

		appendStringInfo(&text, "pg%d;", PG_VERSION_NUM / 10000);
		for (int i = 0; i < agg->numCols; i++)
		{
			TargetEntry *entry = list_nth_node(TargetEntry, plan->grouping->input,
											   agg->grpColIdx[i] - 1);

			appendStringInfo(&text, "%u,", exprType((Node *) entry->expr));
		}
		describe_aggregates((Node *) agg->plan.targetlist, &text);
		describe_aggregates((Node *) agg->plan.qual, &text);
		if (plan->grouping->replay_desc)
			for (int i = 0; i < plan->grouping->replay_desc->natts; i++)
				appendStringInfo(&text, "r%u,",
								 TupleDescAttr(plan->grouping->replay_desc, i)->atttypid);
		appendStringInfo(&text, "w%d:%lld:%lld:%d:%lld", plan->window.kind,
						 (long long) plan->window.size_us, (long long) plan->window.advance_us,
						 plan->window.size_months, (long long) plan->window.offset_us);
		if (plan->window.zone)
			appendStringInfoString(&text, plan->window.zone);
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
