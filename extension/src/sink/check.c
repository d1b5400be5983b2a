/*
 * check.c
 *	  Sinks driven from SQL; test builds only.
 *
 *	velo_sink_check_open(type, relation, columns, keys)	a sink, kept until closed
 *	velo_sink_check_write(sink, rows jsonb)		objects by column name;
 *										"_tombstone": true marks a row
 *	velo_sink_check_fill(sink, rows, distinct)		made rows, for measuring:
 *										key columns count modulo distinct
 *	velo_sink_check_commit(sink)			what a driver does after a commit
 *	velo_sink_check_take(sink)				next row of a queue, as text
 *	velo_sink_check_close(sink)
 *
 * The descriptor has the types of the relation's columns.
 */
#include "postgres.h"

#ifdef VELO_TESTPOINTS

#include "sink/sink.h"

#include <access/table.h>
#include <catalog/pg_type.h>
#include <executor/spi.h>
#include <funcapi.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/timestamp.h>

#include "base/function.h"
#include "sink/queue.h"

#define SINKS_MAX 16

typedef struct Check
{
	MemoryContext context;
	VeloSinkSpec spec;
	VeloSink *sink;
	VeloChunk *chunk;
} Check;

static Check *checks[SINKS_MAX];

static Check *
get_check(int handle)
{
	if (handle < 0 || handle >= SINKS_MAX || checks[handle] == NULL)
		elog(ERROR, "no such sink");
	return checks[handle];
}

static int
find_column(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
		if (namestrcmp(&TupleDescAttr(desc, i)->attname, name) == 0)
			return i;
	elog(ERROR, "no column \"%s\"", name);
}

static TupleDesc
make_desc(Oid relation, ArrayType *columns)
{
	Relation rel = table_open(relation, AccessShareLock);
	Datum *names;
	int n;
	TupleDesc desc;

	deconstruct_array(columns, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	desc = CreateTemplateTupleDesc(n);
	for (int i = 0; i < n; i++)
		TupleDescCopyEntry(desc, i + 1, RelationGetDescr(rel),
						   find_column(RelationGetDescr(rel), TextDatumGetCString(names[i])) + 1);
	table_close(rel, NoLock);
	return desc;
}

VELO_FUNCTION(velo_sink_check_open)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "velo sink check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Check *check = palloc0(sizeof(Check));
	Datum *keys;
	const VeloSinkOps *ops;
	int handle = 0;

	check->context = context;
	check->spec.type = text_to_cstring(PG_GETARG_TEXT_PP(0));
	check->spec.relation = PG_GETARG_OID(1);
	check->spec.name = get_rel_name(check->spec.relation);
	check->spec.desc = make_desc(check->spec.relation, PG_GETARG_ARRAYTYPE_P(2));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT, &keys, NULL,
					  &check->spec.nkeys);
	check->spec.keys = palloc(sizeof(AttrNumber) * Max(1, check->spec.nkeys));
	for (int i = 0; i < check->spec.nkeys; i++)
		check->spec.keys[i] = find_column(check->spec.desc, TextDatumGetCString(keys[i])) + 1;
	ops = velo_sink_find(check->spec.type);
	if (ops == NULL)
		elog(ERROR, "no sink type \"%s\"", check->spec.type);
	check->sink = ops->open(&check->spec);
	check->chunk = velo_row_chunk_create(check->spec.desc, check->spec.desc->natts, context);
	MemoryContextSwitchTo(old);

	while (handle < SINKS_MAX && checks[handle])
		handle++;
	if (handle == SINKS_MAX)
		elog(ERROR, "too many sinks");
	checks[handle] = check;
	PG_RETURN_INT32(handle);
}

static void
flush_chunk(Check *check)
{
	if (check->chunk->nrows == 0)
		return;
	velo_sink_is_writing = true;
	PG_TRY();
	{
		check->sink->ops->write(check->sink, check->chunk);
		check->sink->ops->flush(check->sink);
	}
	PG_FINALLY();
	{
		velo_sink_is_writing = false;
	}
	PG_END_TRY();
	velo_row_chunk_reset(check->chunk);
}

static void
read_row(Check *check, JsonbContainer *object)
{
	int row = velo_row_append(check->chunk);
	MemoryContext old = MemoryContextSwitchTo(check->chunk->context);
	JsonbValue mark;

	for (int i = 0; i < check->spec.desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(check->spec.desc, i);
		JsonbValue buffer;
		JsonbValue *value = getKeyJsonValueFromContainer(object, NameStr(att->attname),
														 strlen(NameStr(att->attname)), &buffer);
		Oid input;
		Oid io_param;

		if (value == NULL || value->type == jbvNull)
			continue;
		if (value->type != jbvString)
			elog(ERROR, "values must be strings");
		getTypeInputInfo(att->atttypid, &input, &io_param);
		velo_row_values(check->chunk,
						row)[i] = OidInputFunctionCall(input,
													   pnstrdup(value->val.string.val,
																value->val.string.len),
													   io_param, att->atttypmod);
		velo_row_nulls(check->chunk, row)[i] = false;
	}
	if (getKeyJsonValueFromContainer(object, "_tombstone", strlen("_tombstone"), &mark))
		*velo_row_flags(check->chunk, row) |= VELO_ROW_TOMBSTONE;
	MemoryContextSwitchTo(old);
}

VELO_FUNCTION(velo_sink_check_write)
{
	Check *check = get_check(PG_GETARG_INT32(0));
	Jsonb *rows = PG_GETARG_JSONB_P(1);
	int n = JB_ROOT_COUNT(rows);

	velo_row_chunk_reset(check->chunk);
	for (int i = 0; i < n; i++)
	{
		JsonbValue *row = getIthJsonbValueFromContainer(&rows->root, i);

		if (row->type != jbvBinary)
			elog(ERROR, "rows must be objects");
		read_row(check, row->val.binary.data);
		if (velo_row_is_full(check->chunk))
			flush_chunk(check);
	}
	flush_chunk(check);
	PG_RETURN_VOID();
}

static Datum
made_value(Oid type, int64 number)
{
	switch (type)
	{
		case INT8OID:
			return Int64GetDatum(number);
		case INT4OID:
			return Int32GetDatum((int32) number);
		case FLOAT8OID:
			return Float8GetDatum(number);
		case TIMESTAMPTZOID:
			return TimestampTzGetDatum(number * USECS_PER_SEC);
		case TEXTOID:
			return CStringGetTextDatum(psprintf("row " INT64_FORMAT, number));
		default:
			elog(ERROR, "no made values of type %s", format_type_be(type));
	}
}

VELO_FUNCTION(velo_sink_check_fill)
{
	Check *check = get_check(PG_GETARG_INT32(0));
	int64 nrows = PG_GETARG_INT32(1);
	int64 distinct = PG_GETARG_INT32(2);

	velo_row_chunk_reset(check->chunk);
	for (int64 i = 0; i < nrows; i++)
	{
		int row = velo_row_append(check->chunk);
		MemoryContext old = MemoryContextSwitchTo(check->chunk->context);

		for (int column = 0; column < check->spec.desc->natts; column++)
		{
			bool is_key = false;

			for (int key = 0; key < check->spec.nkeys; key++)
				is_key |= check->spec.keys[key] == column + 1;
			velo_row_values(check->chunk,
							row)[column] = made_value(TupleDescAttr(check->spec.desc, column)
														  ->atttypid,
													  is_key ? i % distinct : i);
			velo_row_nulls(check->chunk, row)[column] = false;
		}
		MemoryContextSwitchTo(old);
		if (velo_row_is_full(check->chunk))
			flush_chunk(check);
	}
	flush_chunk(check);
	PG_RETURN_VOID();
}

VELO_FUNCTION(velo_sink_check_commit)
{
	Check *check = get_check(PG_GETARG_INT32(0));

	if (check->sink->ops->committed)
		check->sink->ops->committed(check->sink);
	PG_RETURN_VOID();
}

VELO_FUNCTION(velo_sink_check_take)
{
	Check *check = get_check(PG_GETARG_INT32(0));
	bool is_tombstone;
	TupleTableSlot *slot = velo_sink_queue_take(check->sink, &is_tombstone);
	StringInfoData text;

	if (slot == NULL)
		PG_RETURN_NULL();
	initStringInfo(&text);
	for (int i = 0; i < check->spec.desc->natts; i++)
	{
		bool is_null;
		Datum value = slot_getattr(slot, i + 1, &is_null);
		Oid output;
		bool is_varlena;

		getTypeOutputInfo(TupleDescAttr(check->spec.desc, i)->atttypid, &output, &is_varlena);
		appendStringInfo(&text, "%s%s", i > 0 ? "|" : "",
						 is_null ? "null" : OidOutputFunctionCall(output, value));
	}
	if (is_tombstone)
		appendStringInfoString(&text, " (tombstone)");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text.data, text.len));
}

VELO_FUNCTION(velo_sink_check_is_full)
{
	PG_RETURN_BOOL(velo_sink_queue_is_full(get_check(PG_GETARG_INT32(0))->sink));
}

VELO_FUNCTION(velo_sink_check_close)
{
	int handle = PG_GETARG_INT32(0);
	Check *check = get_check(handle);

	if (check->sink->ops->close)
		check->sink->ops->close(check->sink);
	MemoryContextDelete(check->context);
	checks[handle] = NULL;
	PG_RETURN_VOID();
}

#endif
