/*
 * commit.c
 *	  One transaction for everything a batch did.
 *
 * PostgreSQL leads: output rows, state, positions, counters and usage are rows of
 * one transaction, so a reader sees all of a batch or nothing, and a restart finds
 * state and positions that belong together.
 *
 * The lease.  A worker takes its task by raising velo.task.epoch.  Every commit
 * updates that row "WHERE epoch = mine"; the row's lock serialises an old worker's
 * last commit with a new worker's take-over, and whoever comes second sees that it
 * has been replaced (VE004) and rolls back.  The check comes first, so that a
 * fenced worker does not wait for anything else.
 */
#include "postgres.h"

#include "job/job.h"

#include <executor/spi.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/memutils.h>
#include <utils/timestamp.h>

#include "base/errors.h"
#include "base/function.h"
#include "base/testpoint.h"
#include "meta/meta.h"

static char *
number(int64 value)
{
	return psprintf("%lld", (long long) value);
}

/* Timestamps travel as text with microseconds and zone, whatever DateStyle says. */
static char *
time_text(TimestampTz time)
{
	if (time == DT_NOBEGIN)
		return NULL;
	if (time == DT_NOEND)
		return pstrdup("infinity");
	return psprintf("%lld", (long long) time);
}

static TimestampTz
text_time(const char *text)
{
	if (text == NULL)
		return DT_NOBEGIN;
	if (strcmp(text, "infinity") == 0)
		return DT_NOEND;
	return strtoll(text, NULL, 10);
}

VeloTask *
velo_job_task_take(int job_id, int task)
{
	VeloTask *self = palloc0(sizeof(VeloTask));
	VeloMetaScope scope;
	const char *args[2] = {number(job_id), number(task)};

	self->job_id = job_id;
	self->task = task;
	velo_meta_begin(&scope);
	/* Not for a job that is just being dropped: nobody would remove the row again. */
	if (velo_meta_run("INSERT INTO velo.task AS t (job_id, task, epoch) "
					  "SELECT j.job_id, $2::int, 1 FROM velo.job j WHERE j.job_id = $1::int "
					  "FOR KEY SHARE SKIP LOCKED "
					  "ON CONFLICT (job_id, task) DO UPDATE SET epoch = t.epoch + 1 "
					  "RETURNING epoch, CASE WHEN watermark = 'infinity' THEN 'infinity' "
					  "ELSE velo._micros(watermark)::text END, records_in, records_out, "
					  "records_failed, records_late, generation",
					  2, args) == 0)
	{
		velo_meta_end(&scope);
		return NULL;
	}
	self->epoch = strtoll(velo_meta_value(0, 1), NULL, 10);
	self->watermark = text_time(velo_meta_value(0, 2));
	self->records_in = strtoll(velo_meta_value(0, 3), NULL, 10);
	self->records_out = strtoll(velo_meta_value(0, 4), NULL, 10);
	self->records_failed = strtoll(velo_meta_value(0, 5), NULL, 10);
	self->records_late = strtoll(velo_meta_value(0, 6), NULL, 10);
	self->generation = strtoll(velo_meta_value(0, 7), NULL, 10);
	velo_meta_end(&scope);
	return self;
}

char *
velo_job_position(const VeloTask *task, int source, int partition, TimestampTz *watermark)
{
	VeloMetaScope scope;
	char *position = NULL;
	const char *args[4] = {number(task->job_id), number(task->task), number(source),
						   number(partition)};

	*watermark = DT_NOBEGIN;
	velo_meta_begin(&scope);
	if (velo_meta_run("SELECT position, velo._micros(watermark)::text FROM velo.position "
					  "WHERE job_id = $1::int AND task = $2::int AND source = $3::int "
					  "AND partition = $4::int",
					  4, args) > 0)
	{
		position = velo_meta_value(0, 1);
		*watermark = text_time(velo_meta_value(0, 2));
	}
	velo_meta_end(&scope);
	return position;
}

static void
write_lease(VeloTask *task, VeloPipeline *pipeline)
{
	const char *args[8] = {
		number(task->job_id),
		number(task->task),
		number(task->epoch),
		time_text(pipeline->operate.watermark),
		number(task->records_in + pipeline->records_in),
		number(task->records_out + pipeline->operate.records_out),
		number(task->records_failed + pipeline->records_failed),
		number(task->records_late + pipeline->operate.records_late),
	};

	if (velo_meta_run("UPDATE velo.task SET watermark = CASE WHEN $4 = 'infinity' THEN 'infinity' "
					  "ELSE velo._timestamp($4::bigint) END, commits = commits + 1, "
					  "records_in = $5::bigint, records_out = $6::bigint, "
					  "records_failed = $7::bigint, records_late = $8::bigint, "
					  "last_commit_at = clock_timestamp() "
					  "WHERE job_id = $1::int AND task = $2::int AND epoch = $3::bigint",
					  8, args) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_VELO_WORKER_FENCED), errmsg("this worker has been replaced"),
				 errdetail("Another worker has taken task %d of job %d.", task->task,
						   task->job_id)));
}

/* Most partitions of a topic have nothing new in most batches. */
static bool
is_written(VeloTask *task, int partition, int npartitions, const char *position)
{
	MemoryContext context = GetMemoryChunkContext(task);

	if (task->nwritten < npartitions)
	{
		char **written = MemoryContextAllocZero(context, sizeof(char *) * npartitions);

		if (task->nwritten > 0)
			memcpy(written, task->written, sizeof(char *) * task->nwritten);
		task->written = written;
		task->nwritten = npartitions;
	}
	if (task->written[partition] && strcmp(task->written[partition], position) == 0)
		return true;
	if (task->written[partition])
		pfree(task->written[partition]);
	task->written[partition] = MemoryContextStrdup(context, position);
	return false;
}

static void
write_positions(VeloTask *task, VeloPipeline *pipeline)
{
	VeloSource *source = pipeline->source;
	int npartitions = source->ops->partitions(source);

	for (int partition = 0; partition < npartitions; partition++)
	{
		const char *args[6] = {
			number(task->job_id),
			number(task->task),
			"0",
			number(partition),
			source->ops->tell(source, partition),
			time_text(velo_operate_watermark_get(pipeline->watermark, partition)),
		};

		if (is_written(task, partition, npartitions, args[4]))
			continue;
		velo_meta_run("INSERT INTO velo.position AS p VALUES ($1::int, $2::int, $3::int, $4::int, "
					  "$5, velo._timestamp($6::bigint)) "
					  "ON CONFLICT (job_id, task, source, partition) DO UPDATE "
					  "SET position = excluded.position, watermark = excluded.watermark",
					  6, args);
	}
}

static void
write_usage(VeloTask *task, const VeloJob *job, VeloPipeline *pipeline, int64 records, int64 bytes)
{
	const char *args[6] = {
		number(job->owner), number(task->job_id), number(task->task),
		number(records),	number(bytes),		  pipeline->source->ops->tell(pipeline->source, 0),
	};

	if (records == 0)
		return;
	velo_meta_run("INSERT INTO velo.usage AS u (tenant, meter, job_id, task, hour, records, "
				  "record_bytes, wire_bytes, first_position, last_position) "
				  "VALUES ($1::oid::regrole, 'records_in', $2::int, $3::int, "
				  "date_trunc('hour', now(), 'UTC'), $4::bigint, $5::bigint, 0, $6, $6) "
				  "ON CONFLICT (tenant, meter, job_id, task, hour) DO UPDATE "
				  "SET records = u.records + excluded.records, "
				  "record_bytes = u.record_bytes + excluded.record_bytes, "
				  "last_position = excluded.last_position",
				  6, args);
}

char *
velo_job_positions_text(VeloSource *source)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int partition = 0; partition < source->ops->partitions(source); partition++)
		appendStringInfo(&text, "%d=%s\n", partition, source->ops->tell(source, partition));
	return text.data;
}

char *
velo_job_positions_find(const char *text, int partition)
{
	char *name = psprintf("%d=", partition);

	while (text && *text)
	{
		size_t length = strcspn(text, "\n");

		if (strncmp(text, name, strlen(name)) == 0)
			return pnstrdup(text + strlen(name), length - strlen(name));
		text += length + (text[length] == '\n');
	}
	return NULL;
}

void
velo_job_commit(VeloTask *task, const VeloJob *job, VeloPipeline *pipeline)
{
	VeloMetaScope scope;

	velo_meta_begin(&scope);
	write_lease(task, pipeline);
	VELO_TESTPOINT("commit_lease_checked");
	velo_meta_end(&scope);

	velo_job_pipeline_save(pipeline);
	VELO_TESTPOINT("commit_state_written");

	velo_meta_begin(&scope);
	write_positions(task, pipeline);
	VELO_TESTPOINT("commit_positions_written");
	write_usage(task, job, pipeline, pipeline->records_in, pipeline->record_bytes);
	velo_meta_end(&scope);
	VELO_TESTPOINT("commit_ready");

	task->watermark = pipeline->operate.watermark;
	task->records_in += pipeline->records_in;
	task->records_out += pipeline->operate.records_out;
	task->records_failed += pipeline->records_failed;
	task->records_late += pipeline->operate.records_late;
	pipeline->records_in = 0;
	pipeline->record_bytes = 0;
	pipeline->operate.records_out = 0;
	pipeline->records_failed = 0;
	pipeline->operate.records_late = 0;
}

/* velo._micros(timestamptz) → bigint, and back: PostgreSQL's own microseconds */
VELO_FUNCTION(velo_micros)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_INT64(PG_GETARG_TIMESTAMPTZ(0));
}

VELO_FUNCTION(velo_timestamp_of)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(PG_GETARG_INT64(0));
}
