/*
 * query_rows.c
 *	  velo.query_rows: one query that only reads, as one JSON object.
 *
 * For doors that ask once and want one answer: HTTP, AI agents, scripts.  The query is
 * bounded in rows, bytes and, where it would never end, in time; the answer says whether
 * there was more.  Plain SQL runs through a cursor, so that rows beyond the bound are not
 * computed, other queries as a pipeline over a queue, as velo.next does it.
 *
 * It reads: whatever the text calls runs in a read-only transaction, also if the caller's
 * is not one, because the doors offer this function as one that changes nothing.
 */
#include "postgres.h"

#include <access/xact.h>
#include <executor/spi.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <nodes/parsenodes.h>
#include <parser/parser.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/json.h>
#include <utils/jsonb.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>

#include "api/progress.h"
#include "api/session.h"
#include "api/statement.h"
#include "base/function.h"
#include "sink/queue.h"

#define QUERY_ROWS_MAX 10000
#define QUERY_ROWS_BYTES_MAX (16 * 1024 * 1024)
#define QUERY_ROWS_WAIT_MAX_US (5 * USECS_PER_MINUTE)
#define QUERY_ROWS_FETCH 20 /* rows a call of the cursor: they may be wide */

typedef struct QueryRows
{
	VeloDoor base;
	TimestampTz until;
	int max_rows;
	StringInfoData columns; /* JSON of the array, without brackets */
	StringInfoData rows;
	int nrows;
	bool truncated;
	bool complete;
} QueryRows;

/* --- the answer -------------------------------------------------------------------------- */

/*
 * A copy of a descriptor, blessed, in which each name is there once: an object would
 * keep the last of two equal keys only.
 */
static TupleDesc
distinct_names(TupleDesc given)
{
	TupleDesc desc = CreateTupleDescCopy(given);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		char *name = pstrdup(NameStr(attribute->attname));
		int number = 1;

		for (int j = 0; j < i; j++)
		{
			if (strcmp(NameStr(TupleDescAttr(desc, j)->attname), NameStr(attribute->attname)) != 0)
				continue;
			number++;
			snprintf(NameStr(attribute->attname), NAMEDATALEN, "%.*s_%d", NAMEDATALEN - 7, name,
					 number);
			j = -1;
		}
	}
	/* Of a table's rows too: its own type would bring its own names back. */
	desc->tdtypeid = RECORDOID;
	desc->tdtypmod = -1;
	return BlessTupleDesc(desc);
}

static void
put_columns(QueryRows *door, TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		appendStringInfoString(&door->columns, i ? ",{\"name\":" : "{\"name\":");
		escape_json(&door->columns, NameStr(attribute->attname));
		appendStringInfoString(&door->columns, ",\"type\":");
		escape_json(&door->columns,
					format_type_with_typemod(attribute->atttypid, attribute->atttypmod));
		appendStringInfoChar(&door->columns, '}');
	}
}

/* Adds a row; false: there is no room for it, and the answer is cut off. */
static bool
put_row(QueryRows *door, Datum record, bool is_tombstone)
{
	char *json;

	if (door->nrows >= door->max_rows || door->rows.len >= QUERY_ROWS_BYTES_MAX)
	{
		door->truncated = true;
		return false;
	}
	json = TextDatumGetCString(DirectFunctionCall1(row_to_json, record));
	if (door->nrows > 0)
		appendStringInfoChar(&door->rows, ',');
	if (is_tombstone)
		appendStringInfo(&door->rows, "%.*s,\"_tombstone\":true}", (int) strlen(json) - 1, json);
	else
		appendStringInfoString(&door->rows, json);
	pfree(json);
	door->nrows++;
	return true;
}

/* --- what runs the query ------------------------------------------------------------------- */

static void
rows_query(VeloDoor *base, const char *sql, const LiftText *core)
{
	QueryRows *door = (QueryRows *) base;
	MemoryContext context = CurrentMemoryContext;
	SPIParseOpenOptions options = {.cursorOptions = CURSOR_OPT_NO_SCROLL, .read_only = false};
	VeloErrorMap map;
	TupleDesc desc;
	Portal portal;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (core)
		velo_plan_error_map_push(&map, base->text, core);
	portal = SPI_cursor_parse_open(NULL, sql, &options);
	desc = distinct_names(portal->tupDesc);
	put_columns(door, desc);
	while (!door->complete && !door->truncated)
	{
		SPI_cursor_fetch(portal, true, QUERY_ROWS_FETCH);
		door->complete = SPI_processed < QUERY_ROWS_FETCH;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTupleData tuple = *SPI_tuptable->vals[i];
			MemoryContext spi = MemoryContextSwitchTo(context);
			Datum record = heap_copy_tuple_as_datum(&tuple, desc);
			bool fits = put_row(door, record, false);

			pfree(DatumGetPointer(record));
			MemoryContextSwitchTo(spi);
			if (!fits)
				break;
		}
		door->complete &= !door->truncated;
		SPI_freetuptable(SPI_tuptable);
		if (!door->complete && GetCurrentTimestamp() >= door->until)
			break;
	}
	SPI_cursor_close(portal);
	if (core)
		velo_plan_error_map_pop(&map);
	SPI_finish();
}

static void
rows_command(VeloDoor *base, const VeloReport *report)
{
	/* check_reads lets only queries through. */
	elog(ERROR, "%s is no query", report->command);
}

static void
rows_pipeline(VeloDoor *base, VeloPlan *plan, const LiftStatement *statement)
{
	QueryRows *door = (QueryRows *) base;
	VeloSinkSpec *spec = palloc0(sizeof(VeloSinkSpec));
	VeloQuery *query;

	spec->name = "query";
	spec->type = "queue";
	spec->desc = distinct_names(plan->output);
	spec->nkeys = plan->nkeys;
	spec->keys = plan->keys;
	put_columns(door, spec->desc);
	query = velo_api_query_start(CurrentMemoryContext, plan, velo_sink_find("queue")->open(spec));
	for (;;)
	{
		TupleTableSlot *slot;
		bool is_tombstone;

		velo_api_query_batch(query);
		velo_api_progress(query);
		query->sink->ops->committed(query->sink);
		while (!door->truncated &&
			   (slot = velo_sink_queue_take(query->sink, &is_tombstone)) != NULL)
			(void) put_row(door, ExecFetchSlotHeapTupleDatum(slot), is_tombstone);
		if (query->pipeline->ended)
			door->complete = !door->truncated;
		/* An endless query that has given all we want: nobody knows of more, so we do not wait. */
		else if (door->nrows >= door->max_rows)
			door->truncated = true;
		if (door->complete || door->truncated || GetCurrentTimestamp() >= door->until)
			break;
		velo_api_query_wait(query, door->until);
	}
	velo_api_query_end(query);
}

/* --- what may be asked ---------------------------------------------------------------------- */

static bool
is_reading(const Node *statement)
{
	if (IsA(statement, SelectStmt))
	{
		const SelectStmt *select = (const SelectStmt *) statement;

		return select->intoClause == NULL;
	}
	if (IsA(statement, ExplainStmt))
		return is_reading(((const ExplainStmt *) statement)->query);
	return IsA(statement, VariableShowStmt);
}

/* Raises an error unless the text is one statement that gives rows and changes nothing. */
static const LiftStatement *
check_reads(const char *text, const LiftScript *script)
{
	const LiftStatement *statement = script->statements;
	VeloErrorMap map;
	List *parsed;

	if (statement == NULL)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the text has no query")));
	if (statement->next)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("the text must be one query, but it has several statements"),
						errhint("Use velo.execute to run several statements."),
						velo_plan_error_at(text, statement->next->span.from)));
	switch (statement->kind)
	{
		case LIFT_SHOW:
		case LIFT_DESCRIBE:
			return statement;
		case LIFT_QUERY:
			if (statement->into == NULL)
				return statement;
			break;
		case LIFT_EXPLAIN:
			/* EXPLAIN ANALYZE runs what it explains. */
			if (statement->explain_job || statement->body == NULL ||
				statement->body->kind == LIFT_QUERY)
				return statement;
			break;
		case LIFT_PG:
			velo_api_check_setting(text, statement);
			velo_plan_error_map_push(&map, text, statement->core);
			parsed = raw_parser(statement->core->text, RAW_PARSE_DEFAULT);
			velo_plan_error_map_pop(&map);
			if (list_length(parsed) == 1 && is_reading(linitial_node(RawStmt, parsed)->stmt))
				return statement;
			break;
		default:
			break;
	}
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("only a query can be run here, and this statement is none"),
					errhint("Use velo.execute to run other statements."),
					velo_plan_error_at(text, statement->span.from)));
}

static TimestampTz
end_of_wait(const Interval *wait, TimestampTz now)
{
	int64 wait_us = wait->month != 0 || wait->day != 0 ? -1 : wait->time;

	if (wait_us < 0 || wait_us > QUERY_ROWS_WAIT_MAX_US)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("wait must be between 0 and 5 minutes")));
	return now + wait_us;
}

/*
 * Runs the statement in a read-only transaction.  What is behind the setting
 * transaction_read_only is set, because from 17 on a function may not save that one.
 */
static void
run_reading(QueryRows *door, const LiftStatement *statement)
{
	bool before = XactReadOnly;

	XactReadOnly = true;
	PG_TRY();
	{
		velo_api_run(&door->base, statement);
	}
	PG_FINALLY();
	{
		XactReadOnly = before;
	}
	PG_END_TRY();
}

/* velo.query_rows(sql text, max_rows int, wait interval, params jsonb) → jsonb */
VELO_FUNCTION(velo_query_rows)
{
	TimestampTz start = GetCurrentTimestamp();
	QueryRows door = {
		.base = {.query = rows_query, .command = rows_command, .pipeline = rows_pipeline},
	};
	StringInfoData answer;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("sql, max_rows and wait must not be null")));
	door.base.text = text_to_cstring(PG_GETARG_TEXT_PP(0));
	door.base.is_last = true;
	door.max_rows = PG_GETARG_INT32(1);
	if (door.max_rows < 1 || door.max_rows > QUERY_ROWS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("max_rows must be between 1 and %d", QUERY_ROWS_MAX)));
	door.until = end_of_wait(PG_GETARG_INTERVAL_P(2), start);
	initStringInfo(&door.columns);
	initStringInfo(&door.rows);
	run_reading(&door,
				check_reads(door.base.text,
							velo_plan_lift(door.base.text,
										   PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3), true)));
	initStringInfo(&answer);
	appendStringInfo(&answer,
					 "{\"columns\":[%s],\"rows\":[%s],\"row_count\":%d,\"truncated\":%s,"
					 "\"complete\":%s,\"elapsed_ms\":" INT64_FORMAT "}",
					 door.columns.data, door.rows.data, door.nrows,
					 door.truncated ? "true" : "false", door.complete ? "true" : "false",
					 (GetCurrentTimestamp() - start) / 1000);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(answer.data)));
}
