/*
 * native.c
 *	  Result rows into a native stream: append to the storage behind its view.
 *
 * Rights are those of the view, as for any client that inserts into it; the
 * storage belongs to the view's owner and is written with the owner's rights.
 * _timestamp, _xid and _seq take their defaults.
 *
 * Two columns of the storage that the view does not show are filled if they are
 * there: _tombstone (boolean) marks a row that says its key has gone, with only
 * its key columns set; _event_time (timestamptz) is filled by a result column of
 * that name.
 *
 * The storage is partitioned by time and has no peculiarities but those we gave
 * it, so rows go in directly (insert.c).  Should somebody have put a row trigger
 * or the like on it, they go through a statement.
 */
#include "postgres.h"

#include "sink/sink.h"

#include <access/table.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>

#include "base/testpoint.h"
#include "meta/meta.h"
#include "sink/insert.h"
#include "sink/statement.h"
#include "sink/target.h"

#define TOMBSTONE_COLUMN "_tombstone"
#define EVENT_TIME_COLUMN "_event_time"

/* A set of columns to be written. */
typedef struct Shape
{
	TupleDesc desc;
	VeloInsert *direct;
	VeloStatement *statement; /* NULL until needed */
	VeloChunk *copy;		  /* the rows in this shape; NULL: the result's own */
} Shape;

typedef struct NativeSink
{
	VeloSink base;
	MemoryContext context; /* the sink's */
	MemoryContext call;	   /* one write */
	Oid storage;
	int ncolumns; /* of the result that the storage has */
	int *columns; /* their 0-based numbers in the result */
	bool has_tombstone;
	Shape plain;  /* without _tombstone: what almost all chunks need */
	Shape marked; /* with it; made if the storage has the column */
} NativeSink;

static const VeloSinkOps native_sink;

static void
report_stream(void *arg)
{
	NativeSink *sink = arg;

	errcontext("writing to stream \"%s\"", sink->base.spec->name);
}

/* --- shaping rows --------------------------------------------------------- */

static bool
has_tombstones(const VeloChunk *chunk)
{
	for (int i = 0; i < chunk->nrows; i++)
		if (*velo_row_flags(chunk, i) & VELO_ROW_TOMBSTONE)
			return true;
	return false;
}

static const VeloChunk *
shape_rows(NativeSink *sink, Shape *shape, const VeloChunk *chunk)
{
	if (shape->copy == NULL)
		return chunk;
	velo_row_chunk_reset(shape->copy);
	for (int i = 0; i < chunk->nrows; i++)
	{
		int row = velo_row_append(shape->copy);
		Datum *values = velo_row_values(shape->copy, row);
		bool *nulls = velo_row_nulls(shape->copy, row);

		for (int column = 0; column < sink->ncolumns; column++)
		{
			values[column] = velo_row_values(chunk, i)[sink->columns[column]];
			nulls[column] = velo_row_nulls(chunk, i)[sink->columns[column]];
		}
		if (shape == &sink->marked && (chunk->flags[i] & VELO_ROW_TOMBSTONE))
		{
			values[sink->ncolumns] = BoolGetDatum(true);
			nulls[sink->ncolumns] = false;
		}
	}
	return shape->copy;
}

static void
make_shape(NativeSink *sink, Shape *shape, bool with_tombstone)
{
	TupleDesc result = sink->base.spec->desc;
	int natts = sink->ncolumns + (with_tombstone ? 1 : 0);

	shape->desc = result;
	if (natts != result->natts || with_tombstone)
	{
		shape->desc = CreateTemplateTupleDesc(natts);
		for (int i = 0; i < sink->ncolumns; i++)
			TupleDescCopyEntry(shape->desc, i + 1, result, sink->columns[i] + 1);
		if (with_tombstone)
			TupleDescInitEntry(shape->desc, natts, TOMBSTONE_COLUMN, BOOLOID, -1, 0);
		shape->copy = velo_row_chunk_create(shape->desc, natts, sink->context);
	}
	shape->direct = velo_sink_insert_create(sink->storage, shape->desc);
}

/* --- writing -------------------------------------------------------------- */

static VeloStatement *
insert_statement(NativeSink *sink, Shape *shape)
{
	StringInfoData columns;
	char *sql;
	MemoryContext old;

	if (shape->statement)
		return shape->statement;
	initStringInfo(&columns);
	for (int i = 0; i < shape->desc->natts; i++)
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(NameStr(TupleDescAttr(shape->desc, i)->attname)));
	sql = psprintf("INSERT INTO %s (%s) SELECT %s FROM " VELO_STATEMENT_ROWS,
				   quote_qualified_identifier(get_namespace_name(get_rel_namespace(sink->storage)),
											  get_rel_name(sink->storage)),
				   columns.data, columns.data);
	old = MemoryContextSwitchTo(sink->context);
	shape->statement = velo_sink_statement_create(sql, shape->desc, false);
	MemoryContextSwitchTo(old);
	return shape->statement;
}

static void
write_as_owner(NativeSink *sink, const VeloChunk *chunk)
{
	Relation storage = table_open(sink->storage, RowExclusiveLock);
	Shape *shape = sink->has_tombstone && has_tombstones(chunk) ? &sink->marked : &sink->plain;
	const VeloChunk *rows = shape_rows(sink, shape, chunk);
	Oid user;
	int security;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(storage->rd_rel->relowner, security | SECURITY_LOCAL_USERID_CHANGE);
	if (velo_sink_insert_is_possible(shape->direct, true))
		velo_sink_insert_rows(shape->direct, rows, NULL, rows->nrows);
	else
		velo_sink_statement_run(insert_statement(sink, shape), rows, NULL, rows->nrows);
	SetUserIdAndSecContext(user, security);
	table_close(storage, NoLock);
}

static void
write_rows(VeloSink *base, VeloChunk *chunk)
{
	NativeSink *sink = (NativeSink *) base;
	ErrorContextCallback callback = {error_context_stack, report_stream, sink};
	MemoryContext old;

	if (chunk->nrows == 0)
		return;
	error_context_stack = &callback;
	MemoryContextReset(sink->call);
	old = MemoryContextSwitchTo(sink->call);
	velo_sink_target_check_insert(sink->base.spec->relation, sink->base.spec->desc);
	write_as_owner(sink, chunk);
	VELO_TESTPOINT("sink_native_written");
	MemoryContextSwitchTo(old);
	error_context_stack = callback.previous;
}

static void
flush_rows(VeloSink *base)
{
}

static void
close_sink(VeloSink *base)
{
	NativeSink *sink = (NativeSink *) base;

	if (sink->plain.statement)
		velo_sink_statement_free(sink->plain.statement);
	if (sink->marked.statement)
		velo_sink_statement_free(sink->marked.statement);
}

static VeloSink *
open_sink(const VeloSinkSpec *spec)
{
	NativeSink *sink = palloc0(sizeof(NativeSink));
	VeloStream *stream = velo_meta_stream(spec->relation);

	if (stream == NULL || !OidIsValid(stream->storage))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a native stream", spec->name)));
	sink->base.ops = &native_sink;
	sink->base.spec = spec;
	sink->context = CurrentMemoryContext;
	sink->call = AllocSetContextCreate(CurrentMemoryContext, "velo native sink call",
									   ALLOCSET_DEFAULT_SIZES);
	sink->storage = stream->storage;
	sink->columns = palloc(sizeof(int) * spec->desc->natts);
	for (int i = 0; i < spec->desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(spec->desc, i)->attname);

		/* Event time is kept where there is a column for it. */
		if (strcmp(name, EVENT_TIME_COLUMN) != 0 ||
			get_attnum(sink->storage, name) != InvalidAttrNumber)
			sink->columns[sink->ncolumns++] = i;
	}
	make_shape(sink, &sink->plain, false);
	sink->has_tombstone = get_attnum(sink->storage, TOMBSTONE_COLUMN) != InvalidAttrNumber;
	if (sink->has_tombstone)
		make_shape(sink, &sink->marked, true);
	return &sink->base;
}

static const VeloSinkOps native_sink = {
	.type = "native",
	.open = open_sink,
	.write = write_rows,
	.flush = flush_rows,
	.close = close_sink,
};

VELO_SINK(native_sink);
