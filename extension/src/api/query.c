/*
 * query.c
 *	  velo.query, velo.open, velo.next, velo.close: queries whose rows a function
 *	  gives.
 *
 * velo.query gives rows as they come when it stands in the select list; the whole
 * call is one snapshot, so long queries hold back vacuum.  velo.open starts a
 * pipeline that lives in the session; each velo.next runs it for a short
 * transaction of its own.
 */
#include "postgres.h"

#include <access/xact.h>
#include <executor/executor.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/memutils.h>
#include <utils/resowner.h>
#include <utils/timestamp.h>
#include <utils/uuid.h>

#include "api/session.h"
#include "api/statement.h"
#include "base/function.h"
#include "base/setting.h"
#include "sink/queue.h"

static int max_open_queries = 16;

static const VeloSetting max_open = {
	.name = "velo.max_open_queries",
	.description = "How many queries one session may hold open with velo.open.",
	.type = VELO_SETTING_INT,
	.variable = &max_open_queries,
	.boot = 16,
	.min = 1,
	.max = 1024,
	.context = PGC_USERSET,
};
VELO_SETTING(max_open);

typedef struct OpenQuery
{
	pg_uuid_t handle;
	Oid user; /* who opened it; nobody else may read it */
	VeloQuery *query;
	bool broken; /* an error ended it */
	MemoryContext context;
} OpenQuery;

static List *open_queries = NIL; /* of OpenQuery *, in TopMemoryContext */

/* The one query of a text as a pipeline over a queue, in the current context. */
static VeloQuery *
start_query(const char *text, Jsonb *params)
{
	LiftScript *script = velo_plan_lift(text, params, true);
	LiftStatement *statement = script->statements;
	VeloSinkSpec *spec;
	VeloPlan *plan;

	if (statement == NULL || statement->next || statement->kind != LIFT_QUERY || statement->into)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR), errmsg("the text must be one query over a stream"),
				 errhint("Use velo.execute for other statements.")));
	plan = velo_api_plan(text, statement, NULL);
	spec = palloc0(sizeof(VeloSinkSpec));
	spec->name = "query";
	spec->type = "queue";
	spec->desc = BlessTupleDesc(plan->output);
	spec->nkeys = plan->nkeys;
	spec->keys = plan->keys;
	return velo_api_query_start(CurrentMemoryContext, plan, velo_sink_find("queue")->open(spec));
}

/* --- velo.query --------------------------------------------------------------------- */

/* velo.query(sql text, params jsonb) → setof jsonb, one row a call */
VELO_FUNCTION(velo_query)
{
	FuncCallContext *call;
	VeloQuery *query;
	TupleTableSlot *slot;
	bool is_tombstone;

	if (SRF_IS_FIRSTCALL())
	{
		ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		query = start_query(text_to_cstring(PG_GETARG_TEXT_PP(0)),
							PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1));
		/* In FROM PostgreSQL collects all rows first: an endless query would never answer. */
		if (!query->plan->source.bounded && query->plan->limit < 0)
		{
			if (result && (result->allowedModes & SFRM_Materialize_Preferred))
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("an endless query cannot stand in FROM"),
						 errhint("Write SELECT velo.query(...), or use velo.open and velo.next.")));
			ereport(
				WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg(
					 "this endless query keeps old row versions from being cleaned up while it runs"),
				 errhint("Use DO LANGUAGE velo, or velo.open and velo.next.")));
		}
		call->user_fctx = query;
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	query = call->user_fctx;
	for (;;)
	{
		slot = velo_sink_queue_take(query->sink, &is_tombstone);
		if (slot)
			SRF_RETURN_NEXT(call, velo_api_row_jsonb(slot, is_tombstone));
		if (query->pipeline->ended)
			break;
		velo_api_query_wait(query, DT_NOEND);
		velo_api_query_batch(query);
		query->sink->ops->committed(query->sink);
	}
	velo_api_query_end(query);
	SRF_RETURN_DONE(call);
}

/* --- velo.open, velo.next, velo.close ------------------------------------------------ */

static OpenQuery *
find_open(FunctionCallInfo fcinfo)
{
	pg_uuid_t *handle = PG_GETARG_UUID_P(0);
	ListCell *cell;

	foreach(cell, open_queries)
	{
		OpenQuery *open = lfirst(cell);

		if (memcmp(&open->handle, handle, sizeof(pg_uuid_t)) == 0 && open->user == GetUserId())
			return open;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no such open query in this session"),
			 errhint("A handle of velo.open is good in its own session only, until velo.close.")));
}

static void
close_open(OpenQuery *open)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	open_queries = list_delete_ptr(open_queries, open);
	MemoryContextSwitchTo(old);
	if (!open->broken)
		velo_api_query_end(open->query);
	MemoryContextDelete(open->context);
}

/* velo.open(sql text, params jsonb) → uuid */
VELO_FUNCTION(velo_open)
{
	MemoryContext context;
	MemoryContext old;
	OpenQuery *open;

	if (list_length(open_queries) >= max_open_queries)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("this session has %d open queries already", list_length(open_queries)),
				 errhint("Close one with velo.close, or raise velo.max_open_queries.")));
	context = AllocSetContextCreate(CurrentMemoryContext, "velo open query",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	open = palloc0(sizeof(OpenQuery));
	open->context = context;
	open->user = GetUserId();
	memcpy(&open->handle, DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0)),
		   sizeof(pg_uuid_t));
	open->query = start_query(text_to_cstring(PG_GETARG_TEXT_PP(0)),
							  PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P_COPY(1));
	/* From here on it belongs to the session. */
	MemoryContextSetParent(context, TopMemoryContext);
	MemoryContextSwitchTo(TopMemoryContext);
	open_queries = lappend(open_queries, open);
	MemoryContextSwitchTo(old);
	PG_RETURN_UUID_P(&open->handle);
}

/* velo.next(handle uuid, max_rows int, wait interval) → setof jsonb */
VELO_FUNCTION(velo_next)
{
	OpenQuery *open = find_open(fcinfo);
	int max_rows = PG_GETARG_INT32(1);
	Interval *wait = PG_GETARG_INTERVAL_P(2);
	TimestampTz until = GetCurrentTimestamp() + wait->time +
						(wait->day + wait->month * 30) * USECS_PER_DAY;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int n = 0;

	if (max_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_rows must be at least 1")));
	if (open->broken)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("an error has ended this query"),
						errhint("Close it with velo.close and open it anew.")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	/* After an error the pipeline's memory cannot be trusted. */
	open->broken = true;
	for (;;)
	{
		TupleTableSlot *slot;
		bool is_tombstone;

		while (n < max_rows &&
			   (slot = velo_sink_queue_take(open->query->sink, &is_tombstone)) != NULL)
		{
			Datum jsonb = velo_api_row_jsonb(slot, is_tombstone);
			bool is_null = false;

			tuplestore_putvalues(result->setResult, result->setDesc, &jsonb, &is_null);
			n++;
		}
		if (n > 0 || open->query->pipeline->ended)
			break;
		if (!velo_sink_queue_is_full(open->query->sink))
		{
			velo_api_query_batch(open->query);
			open->query->sink->ops->committed(open->query->sink);
		}
		if (velo_sink_queue_length(open->query->sink) == 0)
		{
			if (GetCurrentTimestamp() >= until)
				break;
			velo_api_query_wait(open->query, until);
		}
	}
	open->broken = false;
	return (Datum) 0;
}

/* velo.close(handle uuid) */
VELO_FUNCTION(velo_close)
{
	close_open(find_open(fcinfo));
	PG_RETURN_VOID();
}
