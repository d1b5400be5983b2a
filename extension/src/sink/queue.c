/*
 * queue.c
 *	  A bounded queue of rows in the session's memory.
 *
 * Rows are copied as minimal tuples into a ring of pointers.  Each is allocated
 * and freed alone, because the oldest go while new ones come; an aset context
 * reuses the space of freed ones.
 */
#include "postgres.h"

#include "sink/queue.h"

#include <access/htup_details.h>
#include <utils/memutils.h>

#include "base/setting.h"

static int buffer_rows;

static const VeloSetting open_query_buffer_rows = {
	.name = "velo.open_query_buffer_rows",
	.description = "Result rows that an open query keeps until velo.next takes them; "
				   "when so many wait, it reads no more input.",
	.type = VELO_SETTING_INT,
	.variable = &buffer_rows,
	.boot = 8192,
	.min = 1,
	.max = 10 * 1000 * 1000,
	.context = PGC_USERSET,
};

VELO_SETTING(open_query_buffer_rows);

typedef struct QueuedRow
{
	MinimalTuple tuple;
	bool is_tombstone;
} QueuedRow;

typedef struct QueueSink
{
	VeloSink base;
	MemoryContext rows; /* owns the tuples */
	QueuedRow *ring;
	uint64 space; /* of the ring; a power of two */
	uint64 taken; /* counters that only grow: taken <= committed <= written */
	uint64 committed;
	uint64 written;
	MinimalTuple last; /* in the slot */
	TupleTableSlot *slot;
} QueueSink;

static const VeloSinkOps queue_sink;

static VeloSink *
open_sink(const VeloSinkSpec *spec)
{
	QueueSink *sink = palloc0(sizeof(QueueSink));

	sink->base.ops = &queue_sink;
	sink->base.spec = spec;
	sink->rows = AllocSetContextCreate(CurrentMemoryContext, "velo row queue",
									   ALLOCSET_DEFAULT_SIZES);
	sink->space = VELO_CHUNK_ROWS;
	sink->ring = palloc(sizeof(QueuedRow) * sink->space);
	sink->slot = MakeSingleTupleTableSlot(spec->desc, &TTSOpsMinimalTuple);
	return &sink->base;
}

static QueuedRow *
place(QueueSink *sink, uint64 number)
{
	return &sink->ring[number & (sink->space - 1)];
}

static void
make_room(QueueSink *sink, int nrows)
{
	uint64 old_space = sink->space;
	QueuedRow *old_ring = sink->ring;

	while (sink->written - sink->taken + nrows > sink->space)
		sink->space *= 2;
	if (sink->space == old_space)
		return;
	sink->ring = MemoryContextAllocHuge(GetMemoryChunkContext(old_ring),
										sizeof(QueuedRow) * sink->space);
	for (uint64 i = sink->taken; i < sink->written; i++)
		*place(sink, i) = old_ring[i & (old_space - 1)];
	pfree(old_ring);
}

static void
write_rows(VeloSink *base, VeloChunk *chunk)
{
	QueueSink *sink = (QueueSink *) base;
	MemoryContext old = MemoryContextSwitchTo(sink->rows);

	make_room(sink, chunk->nrows);
	for (int row = 0; row < chunk->nrows; row++)
	{
		QueuedRow *queued = place(sink, sink->written);

		queued->tuple = heap_form_minimal_tuple(sink->base.spec->desc, velo_row_values(chunk, row),
												velo_row_nulls(chunk, row));
		queued->is_tombstone = (chunk->flags[row] & VELO_ROW_TOMBSTONE) != 0;
		sink->written++;
	}
	MemoryContextSwitchTo(old);
}

static void
flush_rows(VeloSink *base)
{
}

static void
committed(VeloSink *base)
{
	QueueSink *sink = (QueueSink *) base;

	sink->committed = sink->written;
}

bool
velo_sink_queue_is_full(VeloSink *base)
{
	QueueSink *sink = (QueueSink *) base;

	return sink->written - sink->taken >= buffer_rows;
}

int64
velo_sink_queue_length(VeloSink *base)
{
	QueueSink *sink = (QueueSink *) base;

	return sink->committed - sink->taken;
}

TupleTableSlot *
velo_sink_queue_take(VeloSink *base, bool *is_tombstone)
{
	QueueSink *sink = (QueueSink *) base;
	QueuedRow *queued;

	if (sink->last)
	{
		ExecClearTuple(sink->slot);
		pfree(sink->last);
		sink->last = NULL;
	}
	if (sink->taken == sink->committed)
		return NULL;
	queued = place(sink, sink->taken++);
	sink->last = queued->tuple;
	if (is_tombstone)
		*is_tombstone = queued->is_tombstone;
	return ExecStoreMinimalTuple(queued->tuple, sink->slot, false);
}

static const VeloSinkOps queue_sink = {
	.type = "queue",
	.open = open_sink,
	.write = write_rows,
	.flush = flush_rows,
	.committed = committed,
};

VELO_SINK(queue_sink);
