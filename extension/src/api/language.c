/*
 * language.c
 *	  LANGUAGE velo: DO $$ … $$ with live rows, and procedures that are CALLed.
 *
 * Rows of a push query go straight to the client, as typed rows of the simple
 * query protocol, while the DO statement runs.  At top level the transaction is
 * committed after each batch, so that the query holds no snapshot while it waits;
 * inside a transaction block it cannot, and says so.
 */
#include "postgres.h"

#include <access/htup_details.h>
#include <access/printtup.h>
#include <access/xact.h>
#include <catalog/pg_proc.h>
#include <commands/proclang.h>
#include <executor/spi.h>
#include <libpq/libpq.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <nodes/parsenodes.h>
#include <parser/parser.h>
#include <tcop/dest.h>
#include <tcop/pquery.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/guc.h>
#include <utils/memutils.h>
#include <utils/syscache.h>

#include "api/progress.h"
#include "api/session.h"
#include "api/statement.h"
#include "base/function.h"
#include "base/setting.h"
#include "sink/client.h"
#include "sink/lines.h"

typedef struct LanguageDoor
{
	VeloDoor base;
	bool atomic;
} LanguageDoor;

/* --- how live rows are sent ----------------------------------------------------------- */

typedef enum LiveRows
{
	LIVE_ROWS_AUTO,
	LIVE_ROWS_RESULT,
	LIVE_ROWS_LINES
} LiveRows;

static const struct config_enum_entry live_rows_choices[] = {
	{"auto", LIVE_ROWS_AUTO, false},
	{"result", LIVE_ROWS_RESULT, false},
	{"lines", LIVE_ROWS_LINES, false},
	{NULL, 0, false},
};

static int live_rows = LIVE_ROWS_AUTO;

static const VeloSetting live_rows_setting = {
	.name = "velo.live_rows",
	.description =
		"How DO LANGUAGE velo sends the rows of an endless query: as a result set, as lines "
		"of text that psql shows as they come, or auto: lines to psql, a result set to others.",
	.type = VELO_SETTING_ENUM,
	.variable = &live_rows,
	.boot = LIVE_ROWS_AUTO,
	.choices = live_rows_choices,
	.context = PGC_USERSET,
};
VELO_SETTING(live_rows_setting);

/*
 * Lines are messages of COPY: they must be the client's whole answer, so not from
 * inside a function that gives rows of its own, of which we know only when we may
 * commit.  A query that ends has a result that every client can show.
 */
static bool
sends_lines(const VeloPlan *plan, bool atomic)
{
	if (atomic || plan->source.bounded || plan->limit >= 0)
		return false;
	return live_rows == LIVE_ROWS_LINES || (live_rows == LIVE_ROWS_AUTO && application_name &&
											strcmp(application_name, "psql") == 0);
}

/* What a statement that changes rows has done; DO itself has one command tag for all. */
static void
send_count(int result, uint64 rows)
{
	const char *tag = result == SPI_OK_INSERT	? "INSERT 0"
					  : result == SPI_OK_UPDATE ? "UPDATE"
					  : result == SPI_OK_DELETE ? "DELETE"
					  : result == SPI_OK_MERGE	? "MERGE"
												: NULL;

	if (tag)
		ereport(NOTICE, (errmsg("%s " UINT64_FORMAT, tag, rows)));
}

/* May the statement end transactions?  Others get snapshots of their own from SPI. */
static bool
is_call(const char *sql)
{
	List *parsed = raw_parser(sql, RAW_PARSE_DEFAULT);
	Node *statement = parsed ? linitial_node(RawStmt, parsed)->stmt : NULL;

	return statement && (IsA(statement, CallStmt) || IsA(statement, DoStmt));
}

/* Rows of PostgreSQL's own statements go to the client as they come. */
static void
send_query(VeloDoor *door, const char *sql, const LiftText *core)
{
	SPIExecuteOptions options = {0};
	DestReceiver *receiver = CreateDestReceiver(DestRemote);
	VeloErrorMap map;
	int result;

	SetRemoteDestReceiverParams(receiver, ActivePortal);
	options.dest = receiver;
	if (core)
		velo_plan_error_map_push(&map, door->text, core);
	options.allow_nonatomic = !((LanguageDoor *) door)->atomic && is_call(sql);
	result = SPI_execute_extended(sql, &options);
	if (core)
		velo_plan_error_map_pop(&map);
	if (result < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("this statement cannot be run here: %s", SPI_result_code_string(result)),
				 errhint("Run it outside of DO LANGUAGE velo.")));
	receiver->rDestroy(receiver);
	send_count(result, SPI_processed);
	pq_flush();
}

static void
send_report(VeloDoor *door, const VeloReport *report)
{
	if (report->object && report->job)
		ereport(NOTICE, (errmsg("%s %s, job %s", report->command, report->object, report->job)));
	else if (report->object || report->job)
		ereport(NOTICE,
				(errmsg("%s %s", report->command, report->object ? report->object : report->job)));
}

static void
send_pipeline(VeloDoor *door, VeloPlan *plan, const LiftStatement *statement)
{
	bool atomic = ((LanguageDoor *) door)->atomic;
	bool lines = sends_lines(plan, atomic);
	VeloSinkSpec *spec = palloc0(sizeof(VeloSinkSpec));
	VeloQuery *query;

	if (atomic && !plan->source.bounded)
		ereport(
			WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg(
				 "this endless query keeps old row versions from being cleaned up while it runs"),
			 errhint("Run it outside of a transaction block.")));
	spec->name = "client";
	spec->type = lines ? "lines" : "client";
	spec->desc = plan->output;
	spec->nkeys = plan->nkeys;
	spec->keys = plan->keys;
	query = velo_api_query_start(CurrentMemoryContext, plan,
								 lines ? velo_sink_lines_create(spec)
									   : velo_sink_client_create(spec));
	if (lines)
		velo_sink_lines_describe(query->sink);
	else
		velo_sink_client_describe(query->sink);
	pq_flush();
	for (;;)
	{
		velo_api_query_batch(query);
		velo_api_progress(query);
		if (!atomic)
			SPI_commit();
		query->sink->ops->committed(query->sink);
		if (query->pipeline->ended)
			break;
		velo_api_query_wait(query, DT_NOEND);
	}
	velo_api_query_end(query);
}

/* Turns positions in the code into positions of the client's own statement. */
static void
point_into_statement(void *arg)
{
	const char *code = arg;
	int position = getinternalerrposition();

	if (position <= 0)
		return;
	errposition(position);
	internalerrposition(0);
	if (function_parse_error_transpose(code))
		internalerrquery(NULL);
	else
	{
		errposition(0);
		internalerrposition(position);
	}
}

static void
run_code(const char *code, bool atomic)
{
	LanguageDoor door = {
		.base = {.query = send_query, .command = send_report, .pipeline = send_pipeline},
		.atomic = atomic,
	};
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = point_into_statement,
		.arg = unconstify(char *, code),
	};

	if (SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	error_context_stack = &callback;
	velo_api_run_script(&door.base, code, NULL);
	error_context_stack = callback.previous;
	SPI_finish();
}

/* DO LANGUAGE velo */
VELO_FUNCTION(velo_language_inline)
{
	InlineCodeBlock *block = castNode(InlineCodeBlock, DatumGetPointer(PG_GETARG_DATUM(0)));

	run_code(block->source_text, block->atomic);
	PG_RETURN_VOID();
}

static char *
procedure_code(Oid function, HeapTuple *tuple)
{
	Datum source;
	bool is_null;

	*tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(*tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	source = SysCacheGetAttr(PROCOID, *tuple, Anum_pg_proc_prosrc, &is_null);
	if (is_null)
		elog(ERROR, "null prosrc");
	return TextDatumGetCString(source);
}

/* CALL of a procedure in LANGUAGE velo */
VELO_FUNCTION(velo_language_call)
{
	HeapTuple tuple;
	char *code = procedure_code(fcinfo->flinfo->fn_oid, &tuple);
	bool atomic = !(fcinfo->context && IsA(fcinfo->context, CallContext)) ||
				  castNode(CallContext, fcinfo->context)->atomic;

	ReleaseSysCache(tuple);
	run_code(code, atomic);
	PG_RETURN_VOID();
}

/* CREATE PROCEDURE … LANGUAGE velo: the text must lift; names are looked up when it is called */
VELO_FUNCTION(velo_language_validator)
{
	Oid function = PG_GETARG_OID(0);
	HeapTuple tuple;
	char *code;
	ErrorContextCallback callback;

	if (!CheckFunctionValidatorAccess(fcinfo->flinfo->fn_oid, function))
		PG_RETURN_VOID();
	code = procedure_code(function, &tuple);
	if (((Form_pg_proc) GETSTRUCT(tuple))->prokind != PROKIND_PROCEDURE ||
		((Form_pg_proc) GETSTRUCT(tuple))->pronargs > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
						errmsg("language velo is for procedures without arguments"),
						errhint("Use CREATE PROCEDURE name() LANGUAGE velo.")));
	ReleaseSysCache(tuple);
	callback.previous = error_context_stack;
	callback.callback = point_into_statement;
	callback.arg = code;
	error_context_stack = &callback;
	(void) velo_plan_lift(code, NULL, true);
	error_context_stack = callback.previous;
	PG_RETURN_VOID();
}
