/*
 * deliver.c
 *	  The end of the chain: counts, limits and hands rows to the sink.
 *
 * Rows may come inside the subtransaction of a push.  They are kept here until it
 * has been released (drain): writing inside it would give
 * every chunk a subtransaction id of its own, and more than 64 of those in one
 * transaction slow down everybody's snapshots.
 *
 * In careful mode writes are guarded, by chunk and then row by row.
 */
#include "postgres.h"

#include "operate/operator.h"

#include <utils/datum.h>
#include <utils/expandeddatum.h>

typedef struct Deliver
{
	VeloOperator base;
	VeloSink *sink;
	List *waiting;	 /* of VeloChunk *; the last one may have room */
	List *spare;	 /* emptied chunks */
	uint64 undo_row; /* careful row that undo_rows belongs to */
	int undo_rows;	 /* rows that waited before it */
	int64 delivered;
} Deliver;

static VeloChunk *
chunk_with_room(Deliver *deliver)
{
	MemoryContext old;
	VeloChunk *chunk;

	if (deliver->waiting)
	{
		chunk = llast(deliver->waiting);
		if (!velo_row_is_full(chunk))
			return chunk;
	}
	old = MemoryContextSwitchTo(deliver->base.operate->context);
	if (deliver->spare)
	{
		chunk = llast(deliver->spare);
		deliver->spare = list_delete_last(deliver->spare);
	}
	else
		chunk = velo_row_chunk_create(deliver->base.operate->plan->output,
									  deliver->base.operate->plan->output->natts,
									  deliver->base.operate->context);
	deliver->waiting = lappend(deliver->waiting, chunk);
	MemoryContextSwitchTo(old);
	return chunk;
}

static void
copy_row(VeloChunk *to, const VeloChunk *from, int row)
{
	int copy = velo_row_append(to);
	Datum *values = velo_row_values(to, copy);
	bool *nulls = velo_row_nulls(to, copy);
	MemoryContext old = MemoryContextSwitchTo(to->context);

	memcpy(values, velo_row_values(from, row), sizeof(Datum) * from->natts);
	memcpy(nulls, velo_row_nulls(from, row), sizeof(bool) * from->natts);
	*velo_row_flags(to, copy) = *velo_row_flags(from, row);
	for (int i = 0; i < from->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(from->desc, i);

		if (!nulls[i] && !att->attbyval)
			values[i] = datumCopy(values[i], false, att->attlen);
	}
	MemoryContextSwitchTo(old);
}

static int
rows_waiting(const Deliver *deliver)
{
	if (deliver->waiting == NIL)
		return 0;
	return (list_length(deliver->waiting) - 1) * VELO_CHUNK_ROWS +
		   ((VeloChunk *) llast(deliver->waiting))->nrows;
}

static void
deliver_push(VeloOperator *self, VeloChunk *chunk)
{
	Deliver *deliver = (Deliver *) self;
	VeloOperate *operate = self->operate;

	self->rows_in += chunk->nrows;
	if (deliver->undo_row != operate->careful_row)
	{
		deliver->undo_row = operate->careful_row;
		deliver->undo_rows = rows_waiting(deliver);
	}
	for (int i = 0; i < chunk->nrows; i++)
	{
		if (operate->plan->limit >= 0 &&
			operate->records_before + deliver->delivered + rows_waiting(deliver) >=
				operate->plan->limit)
			break;
		copy_row(chunk_with_room(deliver), chunk, i);
	}
}

typedef struct Write
{
	Deliver *deliver;
	VeloChunk *chunk;
} Write;

static void
write_chunk(void *arg)
{
	Write *write = arg;

	velo_sink_is_writing = true;
	PG_TRY();
	{
		write->deliver->sink->ops->write(write->deliver->sink, write->chunk);
	}
	PG_FINALLY();
	{
		velo_sink_is_writing = false;
	}
	PG_END_TRY();
}

static void
write_rows_one_by_one(Deliver *deliver, VeloChunk *chunk)
{
	VeloChunk *single = velo_row_chunk_create(chunk->desc, chunk->user_natts,
											  deliver->base.operate->context);

	for (int i = 0; i < chunk->nrows; i++)
	{
		Write write = {deliver, single};
		ErrorData *error;

		velo_row_chunk_reset(single);
		copy_row(single, chunk, i);
		error = velo_operate_try(write_chunk, &write);
		if (error)
		{
			VeloFailure failure = {.operator_name = "sink",
								   .error = error,
								   .chunk = chunk,
								   .row = i};

			deliver->base.operate->on_failure(deliver->base.operate, &failure);
			deliver->delivered--;
			deliver->base.rows_out--;
			deliver->base.operate->records_out--;
		}
	}
	velo_row_chunk_free(single);
}

static void
deliver_drain(VeloOperator *self)
{
	Deliver *deliver = (Deliver *) self;
	VeloOperate *operate = self->operate;
	ListCell *cell;

	foreach(cell, deliver->waiting)
	{
		VeloChunk *chunk = lfirst(cell);
		Write write = {deliver, chunk};

		deliver->delivered += chunk->nrows;
		self->rows_out += chunk->nrows;
		operate->records_out += chunk->nrows;
		if (!operate->careful)
			write_chunk(&write);
		else if (velo_operate_try(write_chunk, &write) != NULL)
			write_rows_one_by_one(deliver, chunk);
		velo_row_chunk_reset(chunk);
	}
	if (deliver->waiting)
	{
		MemoryContext old = MemoryContextSwitchTo(operate->context);

		deliver->spare = list_concat(deliver->spare, deliver->waiting);
		list_free(deliver->waiting);
		deliver->waiting = NIL;
		MemoryContextSwitchTo(old);
	}
	if (operate->plan->limit >= 0 &&
		operate->records_before + deliver->delivered >= operate->plan->limit)
		operate->limit_reached = true;
}

static void
deliver_undo(VeloOperator *self)
{
	Deliver *deliver = (Deliver *) self;

	MemoryContext old;

	if (deliver->undo_row != self->operate->careful_row)
		return;
	old = MemoryContextSwitchTo(self->operate->context);
	while (rows_waiting(deliver) > deliver->undo_rows)
	{
		VeloChunk *chunk = llast(deliver->waiting);

		if (--chunk->nrows == 0)
		{
			velo_row_chunk_reset(chunk);
			deliver->waiting = list_delete_last(deliver->waiting);
			deliver->spare = lappend(deliver->spare, chunk);
		}
	}
	MemoryContextSwitchTo(old);
}

static void
flush_sink(void *arg)
{
	Deliver *deliver = arg;

	velo_sink_is_writing = true;
	PG_TRY();
	{
		deliver->sink->ops->flush(deliver->sink);
	}
	PG_FINALLY();
	{
		velo_sink_is_writing = false;
	}
	PG_END_TRY();
}

static void
deliver_flush(VeloOperator *self, bool at_end)
{
	deliver_drain(self);
	flush_sink(self);
}

static const VeloOperatorOps deliver_ops = {
	.name = "sink",
	.push = deliver_push,
	.watermark = velo_operate_forward_watermark,
	.drain = deliver_drain,
	.flush = deliver_flush,
	.save = velo_operate_nothing,
	.undo = deliver_undo,
	.close = velo_operate_nothing,
};

VeloOperator *
velo_operate_deliver(VeloOperate *operate, VeloSink *sink)
{
	Deliver *deliver = palloc0(sizeof(Deliver));

	deliver->base.ops = &deliver_ops;
	deliver->base.operate = operate;
	deliver->sink = sink;
	return &deliver->base;
}
