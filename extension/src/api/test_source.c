/*
 * test_source.c
 *	  Drives a source by hand from SQL, for tests.
 *
 * Only test builds have it.  A test declares what it needs:
 *
 *		CREATE FUNCTION source_open(…) … AS 'velostream', 'velo_test_source_open';
 *
 * A handle lives as long as the session and is used by one statement after the
 * other, each its own transaction, the way a job's worker keeps its sources.
 * tests/native/functions.sql has the declarations.
 */
#include "postgres.h"

#include "source/source.h"

#ifdef VELO_TESTPOINTS

#include <access/htup_details.h>
#include <access/table.h>
#include <catalog/pg_type.h>
#include <executor/spi.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <rewrite/rewriteHandler.h>
#include <storage/latch.h>
#include <utils/array.h>
#include <utils/wait_event.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/ruleutils.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>

#include "base/function.h"
#include "meta/meta.h"
#include "source/generator.h"
#include "source/native_storage.h"
#include "source/writers.h"

#define HANDLES 16

typedef struct Handle
{
	MemoryContext context; /* NULL: free */
	VeloSourceSpec spec;
	VeloSource *source;
	VeloChunk *chunk;
} Handle;

static Handle handles[HANDLES];

static Handle *
get_handle(int number)
{
	if (number < 0 || number >= HANDLES || handles[number].context == NULL)
		elog(ERROR, "no source with handle %d", number);
	return &handles[number];
}

static List *
merge_options(List *base, List *more)
{
	ListCell *cell;

	foreach(cell, more)
	{
		VeloOptionValue *value = lfirst(cell);

		base = velo_base_option_set(base, value->name, value->value);
	}
	return base;
}

/* Columns of a table, as declared ones. */
static List *
template_columns(Oid relation)
{
	Relation template = table_open(relation, AccessShareLock);
	TupleDesc desc = RelationGetDescr(template);
	List *columns = NIL;
	int level = NewGUCNestLevel();

	/* Defaults as the contract wants them: qualified. */
	(void) set_config_option("search_path", "", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		VeloColumn *column = palloc0(sizeof(VeloColumn));

		if (att->attisdropped)
			continue;
		column->name = pstrdup(NameStr(att->attname));
		column->type = att->atttypid;
		column->typmod = att->atttypmod;
		column->collation = att->attcollation;
		column->not_null = att->attnotnull;
		if (att->atthasdef)
			column->default_text = deparse_expression(build_column_default(template, i + 1), NIL,
													  false, false);
		columns = lappend(columns, column);
	}
	AtEOXact_GUC(true, level);
	table_close(template, NoLock);
	return columns;
}

static void
enter_stream(Oid view, const char *type, Oid storage, bool is_derived, List *options)
{
	const char *args[5] = {velo_meta_oid_text(view), type, velo_meta_oid_text(storage),
						   is_derived ? "true" : "false", velo_meta_options_text(options)};

	(void) velo_meta_run(
		"INSERT INTO velo.stream (relation, kind, type, storage, is_derived, options) "
		"VALUES ($1::oid, 'stream', $2, $3::oid, $4::boolean, $5::jsonb)",
		5, args);
}

/*
 * velo_test_native_create(schema, name, template, options, is_derived): a stream
 * with the columns of the table "template".
 */
VELO_FUNCTION(velo_test_native_create)
{
	Oid schema = PG_GETARG_OID(0);
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	List *columns = template_columns(PG_GETARG_OID(2));
	List *options = velo_base_options_from_jsonb(PG_GETARG_JSONB_P(3));
	bool is_derived = PG_GETARG_BOOL(4);
	Oid owner = GetUserId();
	Oid storage;
	Oid view;
	VeloMetaScope scope;

	velo_meta_begin(&scope);
	view = velo_source_native_create(schema, name, columns, options, is_derived, owner, &storage);
	enter_stream(view, "native", storage, is_derived, options);
	velo_meta_end(&scope);
	PG_RETURN_OID(view);
}

/* velo_test_generator_create(schema, name, template, options) */
VELO_FUNCTION(velo_test_generator_create)
{
	Oid schema = PG_GETARG_OID(0);
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	List *columns = template_columns(PG_GETARG_OID(2));
	List *options = velo_base_options_from_jsonb(PG_GETARG_JSONB_P(3));
	Oid owner = GetUserId();
	Oid view;
	VeloMetaScope scope;

	velo_meta_begin(&scope);
	view = velo_source_generator_create(schema, name, columns, options, owner);
	enter_stream(view, "generator", InvalidOid, false, options);
	velo_meta_end(&scope);
	PG_RETURN_OID(view);
}

/* velo_test_generator_alter(stream, options) */
VELO_FUNCTION(velo_test_generator_alter)
{
	Oid stream = PG_GETARG_OID(0);
	List *options = velo_base_options_from_jsonb(PG_GETARG_JSONB_P(1));
	const char *args[2] = {velo_meta_oid_text(stream), velo_meta_options_text(options)};
	VeloMetaScope scope;

	velo_meta_begin(&scope);
	(void) velo_meta_run("UPDATE velo.stream SET options = $2::jsonb "
						 "WHERE relation = $1::oid::regclass",
						 2, args);
	velo_source_generator_alter(stream, options);
	velo_meta_end(&scope);
	PG_RETURN_VOID();
}

/* velo_test_native_add_column(stream, name, type, default_text): '' is no default. */
VELO_FUNCTION(velo_test_native_add_column)
{
	VeloStream *stream = velo_meta_stream(PG_GETARG_OID(0));
	VeloColumn column = {
		.name = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.type = PG_GETARG_OID(2),
		.typmod = -1,
	};
	const char *default_text = text_to_cstring(PG_GETARG_TEXT_PP(3));
	VeloMetaScope scope;

	if (*default_text)
		column.default_text = default_text;
	velo_meta_begin(&scope);
	velo_source_native_add_column(stream->relation, stream->storage, &column);
	velo_meta_end(&scope);
	PG_RETURN_VOID();
}

/*
 * velo_test_source_open(stream, options, bounded, position, start, from_time): a
 * handle.  position or, if it is NULL, start ("earliest", "latest", "timestamp").
 */
VELO_FUNCTION(velo_test_source_open)
{
	Oid relation = PG_GETARG_OID(0);
	bool bounded = PG_GETARG_BOOL(2);
	char *position = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	char *start = PG_ARGISNULL(4) ? "earliest" : text_to_cstring(PG_GETARG_TEXT_PP(4));
	TimestampTz from_time = PG_ARGISNULL(5) ? 0 : PG_GETARG_TIMESTAMPTZ(5);
	VeloStream *stream = velo_meta_stream(relation);
	const VeloSourceOps *ops;
	MemoryContext context;
	MemoryContext old;
	Relation view;
	Handle *handle;
	int number = 0;

	while (number < HANDLES && handles[number].context)
		number++;
	if (number == HANDLES)
		elog(ERROR, "no free handle");
	if (stream == NULL || (ops = velo_source_find(stream->type)) == NULL)
		elog(ERROR, "not a stream with a source");

	context = AllocSetContextCreate(TopMemoryContext, "velo test source", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	handle = &handles[number];
	memset(handle, 0, sizeof(*handle));
	view = table_open(relation, AccessShareLock);
	handle->spec.name = pstrdup(RelationGetRelationName(view));
	handle->spec.type = pstrdup(stream->type);
	handle->spec.relation = relation;
	handle->spec.user_natts = RelationGetDescr(view)->natts;
	handle->spec.desc = velo_row_desc_with_system(RelationGetDescr(view));
	handle->spec.bounded = bounded;
	handle->spec.needed = bms_add_range(NULL, 0, handle->spec.desc->natts - 1);
	handle->spec.options = merge_options(NIL, stream->options);
	handle->spec.options = merge_options(handle->spec.options,
										 velo_base_options_from_jsonb(PG_GETARG_JSONB_P(1)));
	table_close(view, NoLock);

	handle->source = ops->open(&handle->spec);
	ops->seek(handle->source, 0, position,
			  strcmp(start, "latest") == 0		? VELO_START_LATEST
			  : strcmp(start, "timestamp") == 0 ? VELO_START_TIMESTAMP
												: VELO_START_EARLIEST,
			  from_time);
	handle->chunk = velo_row_chunk_create(handle->spec.desc, handle->spec.user_natts, context);
	MemoryContextSwitchTo(old);
	handle->context = context;
	PG_RETURN_INT32(number);
}

static Datum
values_array(const VeloChunk *chunk, int row)
{
	Datum *texts = palloc(sizeof(Datum) * Max(chunk->user_natts, 1));
	bool *nulls = palloc(sizeof(bool) * Max(chunk->user_natts, 1));
	int lower = 1;
	int n = chunk->user_natts;

	for (int i = 0; i < chunk->user_natts; i++)
	{
		Oid output;
		bool is_varlena;

		nulls[i] = velo_row_nulls(chunk, row)[i];
		if (nulls[i])
			continue;
		getTypeOutputInfo(TupleDescAttr(chunk->desc, i)->atttypid, &output, &is_varlena);
		texts[i] = CStringGetTextDatum(OidOutputFunctionCall(output,
															 velo_row_values(chunk, row)[i]));
	}
	return PointerGetDatum(construct_md_array(texts, nulls, 1, &n, &lower, TEXTOID, -1, false,
											  TYPALIGN_INT));
}

static void
put_row(ReturnSetInfo *result, const VeloChunk *chunk, int row)
{
	Datum *from = velo_row_values(chunk, row) + chunk->user_natts;
	bool *from_nulls = velo_row_nulls(chunk, row) + chunk->user_natts;
	Datum values[6] = {from[VELO_OFFSET],
					   from[VELO_TIMESTAMP],
					   from[VELO_EVENT_TIME],
					   BoolGetDatum((*velo_row_flags(chunk, row) & VELO_ROW_TOMBSTONE) != 0),
					   from[VELO_KEY],
					   values_array(chunk, row)};
	bool nulls[6] = {from_nulls[VELO_OFFSET],	  from_nulls[VELO_TIMESTAMP],
					 from_nulls[VELO_EVENT_TIME], false,
					 from_nulls[VELO_KEY],		  false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * velo_test_source_batch(handle, max_rows, pause_ms): the rows of one batch, with
 * number, append and event time, mark of a tombstone, key, and user columns as
 * texts; pause_ms passes between the snapshot and the reading.
 */
VELO_FUNCTION(velo_test_source_batch)
{
	Handle *handle = get_handle(PG_GETARG_INT32(0));
	int64 left = PG_GETARG_INT32(1);
	int pause_ms = PG_GETARG_INT32(2);
	const VeloSourceOps *ops = handle->source->ops;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (ops->before_batch)
		ops->before_batch(handle->source);
	PushActiveSnapshot(GetLatestSnapshot());
	pg_usleep(pause_ms * 1000L);
	if (ops->begin_batch(handle->source))
	{
		while (left > 0)
		{
			velo_row_chunk_reset(handle->chunk);
			if (ops->poll(handle->source, handle->chunk, Min(left, VELO_CHUNK_ROWS)) == 0)
				break;
			left -= handle->chunk->nrows;
			for (int i = 0; i < handle->chunk->nrows; i++)
				put_row(result, handle->chunk, i);
		}
	}
	PopActiveSnapshot();
	return (Datum) 0;
}

/* velo_test_source_state(handle): position, watermark limit, is_ended, lag, next_due. */
VELO_FUNCTION(velo_test_source_state)
{
	Handle *handle = get_handle(PG_GETARG_INT32(0));
	const VeloSourceOps *ops = handle->source->ops;
	TupleDesc desc;
	Datum values[5];
	bool nulls[5] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(ops->tell(handle->source, 0));
	values[1] = TimestampTzGetDatum(ops->watermark_limit(handle->source));
	values[2] = BoolGetDatum(ops->is_ended(handle->source));
	PushActiveSnapshot(GetLatestSnapshot());
	values[3] = Int64GetDatum(ops->lag(handle->source));
	PopActiveSnapshot();
	values[4] = TimestampTzGetDatum(ops->next_due(handle->source));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

VELO_FUNCTION(velo_test_source_close)
{
	Handle *handle = get_handle(PG_GETARG_INT32(0));

	handle->source->ops->close(handle->source);
	MemoryContextDelete(handle->context);
	handle->context = NULL;
	PG_RETURN_VOID();
}

/* velo_test_source_drain(handle): reads to the end in one call; rows read. */
VELO_FUNCTION(velo_test_source_drain)
{
	Handle *handle = get_handle(PG_GETARG_INT32(0));
	const VeloSourceOps *ops = handle->source->ops;
	int64 n = 0;

	if (ops->before_batch)
		ops->before_batch(handle->source);
	PushActiveSnapshot(GetLatestSnapshot());
	if (ops->begin_batch(handle->source))
	{
		int got;

		do
		{
			velo_row_chunk_reset(handle->chunk);
			got = ops->poll(handle->source, handle->chunk, VELO_CHUNK_ROWS);
			n += got;
		} while (got > 0);
	}
	PopActiveSnapshot();
	PG_RETURN_INT64(n);
}

/* velo_test_wake_wait(stream, timeout_ms): waits for a commit to the stream; false on time-out. */
VELO_FUNCTION(velo_test_wake_wait)
{
	VeloStream *stream = velo_meta_stream(PG_GETARG_OID(0));
	int timeout_ms = PG_GETARG_INT32(1);
	int events;

	ResetLatch(MyLatch);
	velo_source_wake_register(1, &stream->storage);
	events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout_ms,
					   PG_WAIT_EXTENSION);
	velo_source_wake_unregister();
	CHECK_FOR_INTERRUPTS();
	PG_RETURN_BOOL((events & WL_LATCH_SET) != 0);
}

#endif
