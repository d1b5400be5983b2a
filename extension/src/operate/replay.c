/*
 * replay.c
 *	  Aggregates that are computed from the kept arguments of their group.
 *
 * DISTINCT, ORDER BY and WITHIN GROUP need all values of a group before the first
 * can be aggregated, and some states cannot be saved.  For these a group keeps its
 * arguments: the state of the aggregate velo._inputs() is a growing array of
 * tuples.  On emission PostgreSQL's own executor runs the real aggregates over
 * them, so sorting, duplicates and hypothetical-set semantics are PostgreSQL's:
 *
 *		SELECT real aggregates FROM velo._replay() AS (kept arguments)
 *
 * velo._replay() returns the tuples of the state that is being replayed.  The
 * state grows with its input: EXPLAIN shows it, and max.memory.mb bounds it.
 */
#include "postgres.h"

#include "operate/replay.h"

#include <access/htup_details.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <executor/nodeAgg.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/snapmgr.h>

#include "base/function.h"
#include "plan/analyse.h"

/* State of velo._inputs. */
typedef struct Inputs
{
	TupleDesc desc; /* NULL after deserialising until the next input */
	int ntuples;
	int capacity;
	MinimalTuple *tuples;
} Inputs;

struct VeloReplay
{
	const VeloGrouping *grouping;
	PlannedStmt *planned;
};

/* What velo._replay() returns at present. */
static Inputs *replayed = NULL;
static TupleDesc replayed_desc = NULL;

static void
add_tuple(Inputs *inputs, MinimalTuple tuple)
{
	if (inputs->ntuples == inputs->capacity)
	{
		inputs->capacity = inputs->capacity ? inputs->capacity * 2 : 8;
		inputs->tuples = inputs->tuples ? repalloc_huge(inputs->tuples,
														sizeof(MinimalTuple) * inputs->capacity)
										: palloc(sizeof(MinimalTuple) * inputs->capacity);
	}
	inputs->tuples[inputs->ntuples++] = tuple;
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("this function is internal to velostream")));
	return context;
}

/* velo._inputs_add(internal, VARIADIC "any") → internal */
VELO_FUNCTION(velo_inputs_add)
{
	MemoryContext old = MemoryContextSwitchTo(aggregate_context(fcinfo));
	Inputs *inputs = PG_ARGISNULL(0) ? palloc0(sizeof(Inputs)) : (Inputs *) PG_GETARG_POINTER(0);
	int n = PG_NARGS() - 1;
	Datum *values;
	bool *nulls;
	TupleDesc desc = fcinfo->flinfo->fn_extra;

	if (desc == NULL)
	{
		MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		desc = CreateTemplateTupleDesc(n);
		for (int i = 0; i < n; i++)
			TupleDescInitEntry(desc, i + 1, NULL, get_fn_expr_argtype(fcinfo->flinfo, i + 1), -1,
							   0);
		fcinfo->flinfo->fn_extra = desc;
		MemoryContextSwitchTo(aggregate_context(fcinfo));
	}
	values = palloc(sizeof(Datum) * n);
	nulls = palloc(sizeof(bool) * n);
	for (int i = 0; i < n; i++)
	{
		values[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = PG_ARGISNULL(i + 1);
		/* Kept across transactions: nothing may point outside the tuple. */
		if (!nulls[i] && TupleDescAttr(desc, i)->attlen == -1)
			values[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(values[i]));
	}
	add_tuple(inputs, heap_form_minimal_tuple(desc, values, nulls));
	pfree(values);
	pfree(nulls);
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(inputs);
}

/* velo._inputs_out(internal) → bytea: the tuples one behind the other, aligned */
VELO_FUNCTION(velo_inputs_out)
{
	Inputs *inputs = (Inputs *) PG_GETARG_POINTER(0);
	Size size = MAXALIGN(VARHDRSZ);
	bytea *result;
	char *at;

	(void) aggregate_context(fcinfo);
	for (int i = 0; i < inputs->ntuples; i++)
		size += MAXALIGN(inputs->tuples[i]->t_len);
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a group keeps more than 1 GB of inputs"),
				 errhint("Use shorter windows, or aggregates without DISTINCT and ORDER BY.")));
	result = palloc0(size);
	SET_VARSIZE(result, size);
	at = (char *) result + MAXALIGN(VARHDRSZ);
	for (int i = 0; i < inputs->ntuples; i++)
	{
		memcpy(at, inputs->tuples[i], inputs->tuples[i]->t_len);
		at += MAXALIGN(inputs->tuples[i]->t_len);
	}
	PG_RETURN_BYTEA_P(result);
}

/* velo._inputs_in(bytea, internal) → internal */
VELO_FUNCTION(velo_inputs_in)
{
	bytea *bytes = PG_GETARG_BYTEA_P(0);
	char *at = (char *) bytes + MAXALIGN(VARHDRSZ);
	char *end = (char *) bytes + VARSIZE(bytes);
	Inputs *inputs;

	(void) aggregate_context(fcinfo);
	inputs = palloc0(sizeof(Inputs));
	while (at < end)
	{
		MinimalTuple tuple = (MinimalTuple) at;
		MinimalTuple copy = palloc(tuple->t_len);

		memcpy(copy, tuple, tuple->t_len);
		add_tuple(inputs, copy);
		at += MAXALIGN(tuple->t_len);
	}
	PG_RETURN_POINTER(inputs);
}

/* velo._replay() → setof record: the kept arguments of the group that is being emitted */
VELO_FUNCTION(velo_replay)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;
	Tuplestorestate *store;
	TupleTableSlot *slot;

	if (replayed_desc == NULL || result == NULL || !IsA(result, ReturnSetInfo) ||
		!(result->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("this function is internal to velostream")));
	old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	store = tuplestore_begin_heap(false, false, work_mem);
	slot = MakeSingleTupleTableSlot(replayed_desc, &TTSOpsMinimalTuple);
	for (int i = 0; replayed && i < replayed->ntuples; i++)
	{
		ExecStoreMinimalTuple(replayed->tuples[i], slot, false);
		tuplestore_puttupleslot(store, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	result->returnMode = SFRM_Materialize;
	result->setResult = store;
	result->setDesc = CreateTupleDescCopy(replayed_desc);
	MemoryContextSwitchTo(old);
	PG_RETURN_NULL();
}

VeloReplay *
velo_operate_replay_create(const VeloGrouping *grouping)
{
	VeloReplay *self = palloc0(sizeof(VeloReplay));

	self->grouping = grouping;
	self->planned = velo_plan_with_planner(copyObject(grouping->replay_query), "");
	self->planned->jitFlags = 0;
	return self;
}

void
velo_operate_replay_run(VeloReplay *self, Datum state, bool is_null, TupleTableSlot *slot)
{
	MemoryContext caller = CurrentMemoryContext;
	QueryDesc *query;
	TupleTableSlot *result;
	ListCell *cell;
	Inputs *outer = replayed;
	TupleDesc outer_desc = replayed_desc;

	PG_TRY();
	{
		replayed = is_null ? NULL : (Inputs *) DatumGetPointer(state);
		replayed_desc = self->grouping->replay_desc;
		query = CreateQueryDesc(self->planned, "", GetActiveSnapshot(), InvalidSnapshot,
								None_Receiver, NULL, NULL, 0);
		ExecutorStart(query, 0);
		result = ExecProcNode(query->planstate);
		slot_getallattrs(result);
		foreach(cell, self->grouping->replay_columns)
		{
			int from = foreach_current_index(cell);
			int to = lfirst_int(cell) - 1;
			Form_pg_attribute att = TupleDescAttr(result->tts_tupleDescriptor, from);

			if (lfirst_int(cell) == 0)
				continue;
			slot->tts_isnull[to] = result->tts_isnull[from];
			slot->tts_values[to] = (Datum) 0;
			if (!result->tts_isnull[from])
			{
				MemoryContextSwitchTo(caller);
				slot->tts_values[to] = datumCopy(result->tts_values[from], att->attbyval,
												 att->attlen);
			}
		}
		MemoryContextSwitchTo(caller);
		ExecutorFinish(query);
		ExecutorEnd(query);
		FreeQueryDesc(query);
	}
	PG_FINALLY();
	{
		replayed = outer;
		replayed_desc = outer_desc;
	}
	PG_END_TRY();
}
