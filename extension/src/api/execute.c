/*
 * execute.c
 *	  velo.execute(text) and velo.query(text): the dialect for drivers.
 *
 * execute runs any statements in the caller's transaction and gives the rows of
 * the last one as jsonb; query runs one query as a pipeline and gives its rows.
 */
#include "postgres.h"

#include <access/htup_details.h>
#include <executor/spi.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/snapmgr.h>

#include "api/notices.h"
#include "api/session.h"
#include "api/statement.h"
#include "base/function.h"
#include "sink/queue.h"

typedef struct RowsDoor
{
	VeloDoor base;
	Tuplestorestate *rows;
	TupleDesc desc;
	VeloNotices notices;
	int nreported; /* notices that earlier commands have taken */
} RowsDoor;

static void
put_jsonb(RowsDoor *door, Datum jsonb)
{
	bool is_null = false;

	tuplestore_putvalues(door->rows, door->desc, &jsonb, &is_null);
}

static Datum
record_to_jsonb(Datum record)
{
	char *json = TextDatumGetCString(DirectFunctionCall1(row_to_json, record));

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

static void
rows_query(VeloDoor *base, const char *sql, const LiftText *core)
{
	RowsDoor *door = (RowsDoor *) base;
	VeloErrorMap map;
	int result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (core)
		velo_plan_error_map_push(&map, base->text, core);
	result = SPI_execute(sql, false, 0);
	if (core)
		velo_plan_error_map_pop(&map);
	if (result < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
						errmsg("this statement cannot be run in a function: %s",
							   SPI_result_code_string(result))));
	if (base->is_last && SPI_tuptable)
	{
		BlessTupleDesc(SPI_tuptable->tupdesc);
		for (uint64 i = 0; i < SPI_processed; i++)
			put_jsonb(door, record_to_jsonb(heap_copy_tuple_as_datum(SPI_tuptable->vals[i],
																	 SPI_tuptable->tupdesc)));
	}
	SPI_finish();
}

static void
push_text(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue value;

	if (text == NULL)
		value.type = jbvNull;
	else
	{
		value.type = jbvString;
		value.val.string.val = unconstify(char *, text);
		value.val.string.len = strlen(text);
	}
	pushJsonbValue(state, token, &value);
}

static void
rows_command(VeloDoor *base, const VeloReport *report)
{
	RowsDoor *door = (RowsDoor *) base;
	JsonbParseState *state = NULL;
	JsonbValue *value;

	if (!base->is_last)
		return;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_text(&state, WJB_KEY, "command");
	push_text(&state, WJB_VALUE, report->command);
	push_text(&state, WJB_KEY, "object");
	push_text(&state, WJB_VALUE, report->object);
	push_text(&state, WJB_KEY, "job");
	push_text(&state, WJB_VALUE, report->job);
	push_text(&state, WJB_KEY, "notices");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (; door->nreported < list_length(door->notices.list); door->nreported++)
		push_text(&state, WJB_ELEM,
				  ((ErrorData *) list_nth(door->notices.list, door->nreported))->message);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	value = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	put_jsonb(door, JsonbPGetDatum(JsonbValueToJsonb(value)));
}

static void
rows_pipeline(VeloDoor *base, VeloPlan *plan, const LiftStatement *statement)
{
	RowsDoor *door = (RowsDoor *) base;
	VeloSinkSpec *spec = palloc0(sizeof(VeloSinkSpec));
	VeloQuery *query;
	TupleTableSlot *slot;
	bool is_tombstone;

	if (!plan->source.bounded && plan->limit < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an endless query cannot be run by this function"),
				 errhint("Use DO LANGUAGE velo $$ ... $$ for live rows in psql, velo.open and "
						 "velo.next from a driver, or add LIMIT or 'bounded' = 'true'."),
				 velo_plan_error_at(base->text, statement->span.from)));
	spec->name = "query";
	spec->type = "queue";
	spec->desc = plan->output;
	BlessTupleDesc(spec->desc);
	query = velo_api_query_start(CurrentMemoryContext, plan, velo_sink_find("queue")->open(spec));
	for (;;)
	{
		velo_api_query_batch(query);
		query->sink->ops->committed(query->sink);
		while ((slot = velo_sink_queue_take(query->sink, &is_tombstone)) != NULL)
		{
			if (base->is_last)
				put_jsonb(door, velo_api_row_jsonb(slot, is_tombstone));
		}
		if (query->pipeline->ended)
			break;
		velo_api_query_wait(query, DT_NOEND);
	}
	velo_api_query_end(query);
}

static void
open_door(RowsDoor *door, FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	memset(door, 0, sizeof(RowsDoor));
	door->rows = ((ReturnSetInfo *) fcinfo->resultinfo)->setResult;
	door->desc = ((ReturnSetInfo *) fcinfo->resultinfo)->setDesc;
	door->base.query = rows_query;
	door->base.command = rows_command;
	door->base.pipeline = rows_pipeline;
}

/* velo.execute(sql text, params jsonb) → setof jsonb */
VELO_FUNCTION(velo_execute)
{
	RowsDoor door;

	open_door(&door, fcinfo);
	velo_api_notices_begin(&door.notices, false);
	PG_TRY();
	{
		velo_api_run_script(&door.base, text_to_cstring(PG_GETARG_TEXT_PP(0)),
							PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1));
	}
	PG_CATCH();
	{
		velo_api_notices_abandon(&door.notices);
		PG_RE_THROW();
	}
	PG_END_TRY();
	velo_api_notices_end(&door.notices);
	return (Datum) 0;
}
