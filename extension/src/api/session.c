/*
 * session.c
 *	  The session driver: a pipeline in the caller's own backend.
 *
 * The caller owns the transactions.  Between batches it commits if it may
 * (DO LANGUAGE velo, velo.next), so that an endless query pins no snapshot.  State
 * is in memory only: a query that ends is gone.  A record that fails is reported
 * as a warning and left out.
 */
#include "postgres.h"

#include "api/session.h"

#include <executor/tuptable.h>
#include <libpq/libpq.h>
#include <miscadmin.h>
#include <storage/latch.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>
#include <utils/wait_event.h>

#include "base/clock.h"
#include "job/job.h"

#define QUERY_BATCH_ROWS 50000
#define QUERY_BATCH_US (100 * 1000)
#define QUERY_POLL_MS 50 /* how often an idle query looks for input */

static const VeloOption memory_option = {
	.name = "max.memory.mb",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_INT,
	.standard = "256",
	.min = 1,
	.max = 1048576,
	.description = "Memory for state; jobs set aside what goes beyond, queries fail.",
};
VELO_OPTION(memory_option);

static const VeloOption spill_option = {
	.name = "spill.to.disk",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_BOOL,
	.standard = "true",
	.description = "Set state beyond max.memory.mb aside in a table; false: the job fails.",
};
VELO_OPTION(spill_option);

static void
query_failure(VeloPipeline *pipeline, const VeloFailure *failure)
{
	ereport(WARNING,
			(errcode(failure->error->sqlerrcode),
			 errmsg("a record of \"%s\" was left out: %s", pipeline->plan->source.name,
					failure->error->message),
			 failure->chunk && failure->chunk->natts > failure->chunk->user_natts
				 ? errdetail_internal("Record: %s", velo_job_row_json(failure->chunk, failure->row))
				 : 0));
}

static void
query_late(VeloPipeline *pipeline, const VeloChunk *chunk, int row)
{
}

VeloQuery *
velo_api_query_start(MemoryContext context, VeloPlan *plan, VeloSink *sink)
{
	VeloQuery *query = palloc0(sizeof(VeloQuery));
	VeloSource *source = velo_job_open_source(plan);

	query->context = context;
	query->plan = plan;
	query->sink = sink;
	for (int i = 0; i < source->ops->partitions(source); i++)
		source->ops->seek(source, i, NULL, plan->start_from, 0);
	query->pipeline = velo_job_pipeline_create(context, plan, source, sink, NULL, DT_NOBEGIN,
											   (Size) velo_base_option_int(plan->options,
																		   "max.memory.mb")
												   << 20);
	query->pipeline->on_failure = query_failure;
	query->pipeline->on_late = query_late;
	return query;
}

void
velo_api_query_batch(VeloQuery *query)
{
	VeloBatchLimits limits = {QUERY_BATCH_ROWS, QUERY_BATCH_US};

	velo_job_pipeline_before_batch(query->pipeline);
	PushActiveSnapshot(GetTransactionSnapshot());
	(void) velo_job_pipeline_batch(query->pipeline, &limits);
	velo_job_pipeline_save(query->pipeline); /* no store: only forgets what changed */
	PopActiveSnapshot();
}

void
velo_api_query_wait(VeloQuery *query, TimestampTz until)
{
	VeloSource *source = query->pipeline->source;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz due = Min(source->ops->next_due(source), until);
	long timeout = QUERY_POLL_MS;

	if (!query->pipeline->drained)
		return;
	if (due <= now)
		timeout = 1;
	else if (due != DT_NOEND)
		timeout = Min(timeout, (due - now) / 1000 + 1);
	if (source->ops->wake_fd)
		(void) WaitLatchOrSocket(MyLatch,
								 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH |
									 WL_SOCKET_READABLE,
								 source->ops->wake_fd(source), timeout, PG_WAIT_EXTENSION);
	else
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout,
						 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	/* Nothing is sent while no rows come, so a client that has gone would not be missed. */
	if (MyProcPort && !pq_check_connection())
	{
		ClientConnectionLost = true;
		InterruptPending = true;
	}
	CHECK_FOR_INTERRUPTS();
}

void
velo_api_query_end(VeloQuery *query)
{
	velo_job_pipeline_close(query->pipeline);
}

Datum
velo_api_row_jsonb(TupleTableSlot *slot, bool is_tombstone)
{
	char *json = TextDatumGetCString(DirectFunctionCall1(row_to_json,
														 ExecFetchSlotHeapTupleDatum(slot)));
	Datum jsonb = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));

	if (is_tombstone)
		jsonb = DirectFunctionCall2(jsonb_concat, jsonb,
									DirectFunctionCall1(jsonb_in,
														CStringGetDatum("{\"_tombstone\": true}")));
	return jsonb;
}
