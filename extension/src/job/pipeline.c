/*
 * pipeline.c
 *	  Source, operators and sink in a row.
 *
 * A batch reads until the source has given all it had when the batch began, or a
 * limit is reached.  Each chunk is pushed in a subtransaction that assigns no
 * transaction id (nothing is written in it), so it costs about a microsecond a
 * chunk and isolates a failing record.
 */
#include "postgres.h"

#include "job/pipeline.h"

#include <executor/executor.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/fmgrprotos.h>
#include <utils/memutils.h>
#include <utils/timestamp.h>

#include "base/clock.h"

static void
on_failure(VeloOperate *operate, const VeloFailure *failure)
{
	VeloPipeline *pipeline = operate->driver;

	pipeline->records_failed++;
	pipeline->on_failure(pipeline, failure);
}

static void
on_late(VeloOperate *operate, const VeloChunk *chunk, int row)
{
	VeloPipeline *pipeline = operate->driver;

	operate->records_late++;
	pipeline->on_late(pipeline, chunk, row);
}

/* A record that the source could not make a row of. */
static void
on_undecodable(void *driver, const VeloRawRecord *record, const ErrorData *error)
{
	VeloPipeline *pipeline = driver;
	VeloFailure failure = {.operator_name = "decode",
						   .error = unconstify(ErrorData *, error),
						   .raw = record};

	on_failure(&pipeline->operate, &failure);
}

VeloSource *
velo_job_open_source(const VeloPlan *plan)
{
	const VeloSourceOps *ops = velo_source_find(plan->source.type);

	if (ops == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("sources of type \"%s\" are not supported yet", plan->source.type)));
	return ops->open(&plan->source);
}

static void
append_operator(VeloPipeline *pipeline, VeloOperator *operator)
{
	if (pipeline->tail)
		pipeline->tail->next = operator;
	else
		pipeline->head = operator;
	pipeline->tail = operator;
}

VeloPipeline *
velo_job_pipeline_create(MemoryContext context, VeloPlan *plan, VeloSource *source, VeloSink *sink,
						 VeloStore *store, TimestampTz watermark, Size state_bytes_max)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	VeloPipeline *pipeline = palloc0(sizeof(VeloPipeline));
	VeloOperate *operate = &pipeline->operate;

	pipeline->context = context;
	pipeline->batch = AllocSetContextCreate(context, "velo batch", ALLOCSET_DEFAULT_SIZES);
	pipeline->plan = plan;
	pipeline->source = source;
	source->on_failure = on_undecodable;
	source->driver = pipeline;
	pipeline->sink = sink;
	operate->plan = plan;
	operate->context = context;
	operate->estate = CreateExecutorState();
	/* A compiled expression kept over a commit would point into freed code. */
	operate->estate->es_jit_flags = 0;
	/* Created in the executor's own place; must die with the pipeline. */
	MemoryContextSetParent(operate->estate->es_query_cxt, context);
	operate->store = store;
	operate->watermark = watermark;
	operate->state_bytes_max = state_bytes_max;
	operate->on_failure = on_failure;
	operate->on_late = on_late;
	operate->driver = pipeline;

	pipeline->watermark = velo_operate_watermark_create(plan, source->ops->partitions(source));
	pipeline->chunk = velo_row_chunk_create(plan->source.desc, plan->source.user_natts, context);
	pipeline->single = velo_row_chunk_create(plan->source.desc, plan->source.user_natts, context);
	if (plan->filter)
		append_operator(pipeline, velo_operate_filter(operate, plan->filter));
	if (plan->window.kind != VELO_WINDOW_NONE)
		append_operator(pipeline, velo_operate_window(operate));
	if (plan->window_filter)
		append_operator(pipeline, velo_operate_filter(operate, plan->window_filter));
	append_operator(pipeline, plan->grouping ? velo_operate_aggregate(operate)
											 : velo_operate_project(operate));
	append_operator(pipeline, velo_operate_deliver(operate, sink));
	MemoryContextSwitchTo(old);
	return pipeline;
}

/* --- pushing --------------------------------------------------------------------- */

typedef struct Push
{
	VeloPipeline *pipeline;
	VeloChunk *chunk;
} Push;

static void
push(void *arg)
{
	Push *p = arg;

	p->pipeline->operate.touched = false;
	/* A changelog's tombstones go through queries that keep its key; others do not see them. */
	if (p->pipeline->plan->grouping || p->pipeline->plan->nkeys == 0)
		velo_row_drop_tombstones(p->chunk);
	velo_operate_watermark_stamp(p->pipeline->watermark, p->chunk);
	p->pipeline->head->ops->push(p->pipeline->head, p->chunk);
}

static void
undo(VeloPipeline *pipeline)
{
	for (VeloOperator *operator= pipeline->head; operator; operator= operator->next)
		operator->ops->undo(operator);
}

/* One row in a subtransaction of its own; false if it failed. */
static bool
push_single(VeloPipeline *pipeline, VeloChunk *from, int row)
{
	VeloChunk *single = pipeline->single;
	Push p = {pipeline, single};
	ErrorData *error;
	VeloFailure failure;
	int64 late = pipeline->operate.records_late;

	single->nrows = 0;
	velo_row_append(single);
	memcpy(velo_row_values(single, 0), velo_row_values(from, row), sizeof(Datum) * from->natts);
	memcpy(velo_row_nulls(single, 0), velo_row_nulls(from, row), sizeof(bool) * from->natts);
	*velo_row_flags(single, 0) = *velo_row_flags(from, row);
	pipeline->operate.careful_row++;
	error = velo_operate_try(push, &p);
	if (error == NULL)
		return true;
	pipeline->operate.records_late = late;
	if (pipeline->operate.touched)
	{
		if (!pipeline->operate.careful)
			ReThrowError(error);
		undo(pipeline);
	}
	failure = (VeloFailure) {.operator_name = "pipeline",
							 .error = error,
							 .chunk = from,
							 .row = row};
	on_failure(&pipeline->operate, &failure);
	return false;
}

static void
push_chunk(VeloPipeline *pipeline, VeloChunk *chunk)
{
	Push p = {pipeline, chunk};
	int nrows = chunk->nrows;
	int64 late = pipeline->operate.records_late;

	if (!pipeline->operate.careful)
	{
		ErrorData *error = velo_operate_try(push, &p);

		if (error == NULL)
		{
			velo_row_restore(chunk, nrows);
			return;
		}
		if (pipeline->operate.touched)
		{
			/* State is half changed: only the last commit can be trusted. */
			ReThrowError(error);
		}
		if (pipeline->wants_whole_rows)
			ReThrowError(error);
		FreeErrorData(error);
		pipeline->operate.records_late = late;
		velo_row_restore(chunk, nrows);
	}

	{
		int good = 0;

		for (int i = 0; i < nrows; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (push_single(pipeline, chunk, i))
			{
				/* Rows that failed must not move the watermark: their time may be nonsense. */
				velo_row_values(chunk, i)[chunk->user_natts + VELO_EVENT_TIME] =
					velo_row_values(pipeline->single, 0)[chunk->user_natts + VELO_EVENT_TIME];
				velo_row_keep(chunk, good++, i);
			}
		}
		chunk->nrows = good;
	}
}

/* --- a batch ---------------------------------------------------------------------- */

static void
advance_watermark(VeloPipeline *pipeline, TimestampTz limit, bool drained, bool ended)
{
	VeloOperate *operate = &pipeline->operate;
	TimestampTz now = velo_operate_watermark_now(pipeline->watermark, limit, drained, ended);

	if (now <= operate->watermark)
		return;
	operate->watermark = now;
	pipeline->head->ops->watermark(pipeline->head, now);
	pipeline->head->ops->drain(pipeline->head);
}

void
velo_job_pipeline_before_batch(VeloPipeline *pipeline)
{
	if (pipeline->source->ops->before_batch)
		pipeline->source->ops->before_batch(pipeline->source);
}

bool
velo_job_pipeline_batch(VeloPipeline *pipeline, const VeloBatchLimits *limits)
{
	VeloSource *source = pipeline->source;
	VeloOperate *operate = &pipeline->operate;
	TimestampTz start = velo_clock_now();		 /* what time windows count with */
	TimestampTz started = GetCurrentTimestamp(); /* what the batch may cost */
	int64 out = operate->records_out;
	int64 failed = pipeline->records_failed;
	int64 rows = 0;
	bool has_input;
	MemoryContext old;

	MemoryContextReset(pipeline->batch);
	old = MemoryContextSwitchTo(pipeline->batch);
	operate->wants_flush = false;
	pipeline->drained = false;
	has_input = source->ops->begin_batch(source);
	while (has_input && !operate->wants_flush && !operate->limit_reached && rows < limits->rows &&
		   (limits->time_us == 0 || GetCurrentTimestamp() - started < limits->time_us))
	{
		int n;

		CHECK_FOR_INTERRUPTS();
		velo_row_chunk_reset(pipeline->chunk);
		n = source->ops->poll(source, pipeline->chunk, Min(VELO_CHUNK_ROWS, limits->rows - rows));
		if (n == 0)
		{
			pipeline->drained = true;
			break;
		}
		rows += n;
		pipeline->records_in += n;
		pipeline->record_bytes += velo_row_bytes(pipeline->chunk);
		push_chunk(pipeline, pipeline->chunk);
		pipeline->head->ops->drain(pipeline->head);
		velo_operate_watermark_observe(pipeline->watermark, pipeline->chunk);
		advance_watermark(pipeline, source->ops->watermark_limit(source), false, false);
	}
	if (!has_input)
		pipeline->drained = true;
	pipeline->ended = operate->limit_reached ||
					  (pipeline->drained && source->ops->is_ended(source));
	if (pipeline->drained && !operate->limit_reached)
	{
		/* The clock counts from the batch's begin: what came since has not been seen. */
		TimestampTz limit = source->ops->watermark_limit(source);

		advance_watermark(pipeline, Min(limit, pipeline->plan->has_event_times ? limit : start),
						  true, pipeline->ended);
	}
	pipeline->head->ops->flush(pipeline->head, pipeline->ended);
	MemoryContextSwitchTo(old);
	/*
	 * A watermark that moved and closed nothing is not worth a commit: the clock moves
	 * it all the time, so every idle job would commit many times a second for ever.
	 * After a restart it comes back by itself.
	 */
	return rows > 0 || operate->records_out != out || pipeline->records_failed != failed ||
		   pipeline->ended;
}

void
velo_job_pipeline_save(VeloPipeline *pipeline)
{
	MemoryContext old = MemoryContextSwitchTo(pipeline->batch);

	for (VeloOperator *operator= pipeline->head; operator; operator= operator->next)
		operator->ops->save(operator);
	if (pipeline->operate.store)
		velo_state_flush(pipeline->operate.store);
	MemoryContextSwitchTo(old);
}

void
velo_job_pipeline_close(VeloPipeline *pipeline)
{
	for (VeloOperator *operator= pipeline->head; operator; operator= operator->next)
		operator->ops->close(operator);
	if (pipeline->source->ops->close)
		pipeline->source->ops->close(pipeline->source);
	if (pipeline->sink->ops->close)
		pipeline->sink->ops->close(pipeline->sink);
	if (pipeline->operate.store)
		velo_state_close(pipeline->operate.store);
}

char *
velo_job_row_json(const VeloChunk *chunk, int row)
{
	TupleDesc desc = CreateTemplateTupleDesc(chunk->user_natts);
	HeapTuple tuple;
	Datum record;

	for (int i = 1; i <= chunk->user_natts; i++)
		TupleDescCopyEntry(desc, i, chunk->desc, i);
	BlessTupleDesc(desc);
	tuple = heap_form_tuple(desc, velo_row_values(chunk, row), velo_row_nulls(chunk, row));
	record = HeapTupleGetDatum(tuple);
	return TextDatumGetCString(DirectFunctionCall1(row_to_json, record));
}
