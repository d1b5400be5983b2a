/*
 * pipeline.h
 *	  A plan at work: source, operators, sink.  It knows nothing of who runs it.
 *
 * Drivers: the worker (bgworkers/job.c), the session (api/session.c) and the
 * bounded run (api/run.c).  All do the same: create, seek, then batch after batch
 * inside transactions that they begin and end.
 *
 * After any error a pipeline is thrown away (its memory context deleted) and made
 * anew from the last commit; nothing is ever undone in memory, but for the single
 * row of careful mode.
 */
#pragma once

#include "operate/event_time.h"
#include "operate/operator.h"
#include "plan/plan.h"
#include "sink/sink.h"
#include "source/source.h"

typedef struct VeloBatchLimits
{
	int64 rows;
	int64 time_us; /* 0: none */
} VeloBatchLimits;

typedef struct VeloPipeline
{
	MemoryContext context; /* everything of the pipeline */
	MemoryContext batch;   /* what lives until the next batch */
	VeloPlan *plan;
	VeloSource *source;
	VeloSink *sink;
	VeloOperate operate;
	VeloOperator *head;
	VeloOperator *tail;
	VeloWatermark *watermark;
	VeloChunk *chunk;  /* rows on their way in */
	VeloChunk *single; /* one of them, while rows are pushed one by one */

	int64 records_in;
	int64 records_failed;
	int64 record_bytes;
	bool drained;		   /* the last batch read all there was */
	bool ended;			   /* no more input will come, or LIMIT was reached */
	bool wants_whole_rows; /* failed rows are kept: begin anew, reading all columns,
								 * when the first one fails */

	/* Becomes the operators' on_failure; job/failure.c has the usual ones. */
	void (*on_failure)(struct VeloPipeline *pipeline, const VeloFailure *failure);
	void (*on_late)(struct VeloPipeline *pipeline, const VeloChunk *chunk, int row);
	void *driver;
} VeloPipeline;

/*
 * Opens source and operators around a sink that the caller has opened, in
 * "context".  store: where state is kept, or NULL.  The caller sets on_failure and
 * on_late before the first batch.
 */
extern VeloPipeline *velo_job_pipeline_create(MemoryContext context, VeloPlan *plan,
											  VeloSource *source, VeloSink *sink, VeloStore *store,
											  TimestampTz watermark, Size state_bytes_max);

/* The source of a plan; its type must exist. */
extern VeloSource *velo_job_open_source(const VeloPlan *plan);

/* Before the batch's snapshot is taken: see before_batch in source.h. */
extern void velo_job_pipeline_before_batch(VeloPipeline *pipeline);

/*
 * Reads and processes one batch inside the current transaction (with an active
 * snapshot), emits and flushes.  Returns false if nothing happened that would
 * have to be committed.
 */
extern bool velo_job_pipeline_batch(VeloPipeline *pipeline, const VeloBatchLimits *limits);

/* Writes changed state to the store; after batch, before the commit. */
extern void velo_job_pipeline_save(VeloPipeline *pipeline);

/* Releases what deleting the context does not. */
extern void velo_job_pipeline_close(VeloPipeline *pipeline);

/* JSON of a row's user columns, for dead letters and messages. */
extern char *velo_job_row_json(const VeloChunk *chunk, int row);
