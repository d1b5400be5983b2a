/*
 * job.c
 *	  The worker driver: one process runs one task of a job.
 *
 *		build  ->  batch, commit, wait, batch, commit …  ->  stop, finish or fail
 *		  ^                 |
 *		  +--- an error: everything in memory is thrown away
 *
 * Crash-only: what counts is in the catalog and the state tables as of the last
 * commit; a worker that dies at any point is replaced by one that begins there.
 * A data error that hit half-changed state makes the worker build again and run
 * the next batch in careful mode (operate/operator.h); any other error ends the
 * process, and the database launcher starts it again after a growing delay.
 *
 * Each batch is one transaction as the job's owner.  The role is set after the
 * transaction has begun and given back after it has ended, so that deferred
 * triggers and constraints run as the owner too.
 */
#include "postgres.h"

#include "workers.h"

#include <access/xact.h>
#include <catalog/pg_proc.h>
#include <executor/spi.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <pgstat.h>
#include <storage/ipc.h>
#include <storage/latch.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/inval.h>
#include <utils/memutils.h>
#include <utils/snapmgr.h>
#include <utils/syscache.h>
#include <utils/timestamp.h>

#include <signal.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/setting.h"
#include "base/testpoint.h"
#include "job/control.h"
#include "job/job.h"
#include "meta/meta.h"

#define CAREFUL_BATCH_ROWS 2000
#define LAG_EVERY_US (USECS_PER_SEC)
#define IDLE_POLL_MS 1000 /* behind wake-ups */
#define TIMER_POLL_MS 100 /* while windows wait for the clock */
#define FENCED_DELAY_US (500 * 1000)
/* A source in trouble is opened anew so often: a secret or a certificate in a file may have
 * been replaced, which nobody tells. */
#define TROUBLED_AGE_US (15 * USECS_PER_SEC)
#define COPY_EVERY_US (USECS_PER_SEC) /* positions and counters of a sink that leads */

static int commit_interval_ms = 50;

static const VeloSetting commit_interval = {
	.name = "velo.commit_interval",
	.description = "Least time between two commits of a job that keeps up with its input.",
	.type = VELO_SETTING_INT,
	.variable = &commit_interval_ms,
	.boot = 50,
	.min = 0,
	.max = 10000,
	.context = PGC_SIGHUP,
	.flags = GUC_UNIT_MS,
};
VELO_SETTING(commit_interval);

static const VeloOption max_batch_size = {
	.name = "max_batch_size",
	.aliases = "batch_size",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_INT,
	.standard = "200000",
	.min = 1,
	.max = 1000000,
	.alterable = true,
	.description = "Most records that one commit covers.",
};
VELO_OPTION(max_batch_size);

static const VeloOption batch_timeout = {
	.name = "batch_timeout",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_MS,
	.standard = "100",
	.min = 1,
	.max = 60000,
	.alterable = true,
	.description = "Longest time that one batch reads.",
};
VELO_OPTION(batch_timeout);

/* Everything of one life between two builds. */
typedef struct Life
{
	MemoryContext context;
	VeloJob *job;
	VeloTask *task;
	VeloPipeline *pipeline;
	VeloBatchLimits limits;
	char *signature;  /* of plan and target, to see whether a change matters */
	bool copy_is_due; /* a sink that leads has committed what PostgreSQL does not know */
	TimestampTz copied_at;
	TimestampTz built_at;
} Life;

static VeloJobSlot *slot = NULL;
static bool whole_rows = false; /* a record has failed: read what dead letters shall show */
static bool invalidated = false;
static bool functions_changed = false;
static bool connections_changed = false; /* since the pipeline was built */
static Oid watched[2];					 /* relations whose change may matter */

static void
leave(int code, Datum arg)
{
	VeloJobShared *shared = velo_job_shared();

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (slot->pid == MyProcPid)
	{
		slot->pid = 0;
		slot->latch = NULL;
	}
	for (int i = 0; i < VELO_MAX_DATABASES; i++)
		if (shared->databases[i].database == slot->database && shared->databases[i].latch)
			SetLatch(shared->databases[i].latch);
	LWLockRelease(shared->lock);
}

static void
relation_changed(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == watched[0] || relation == watched[1])
		invalidated = true;
}

static void
function_changed(Datum arg, int cache, uint32 hash)
{
	invalidated = functions_changed = true;
}

static void
connection_changed(Datum arg, int cache, uint32 hash)
{
	connections_changed = true;
}

/* --- transactions as the owner ------------------------------------------------- */

typedef struct Role
{
	Oid user;
	int security;
} Role;

/*
 * Source, target, and only then storage and state: the order in which DROP locks
 * them, so that neither waits for the other with something the other wants.
 */
static void
lock_in_order(const VeloJob *job)
{
	ListCell *cell;

	foreach(cell, job->sources)
		if (OidIsValid(lfirst_oid(cell)))
			LockRelationOid(lfirst_oid(cell), AccessShareLock);
	if (OidIsValid(job->target))
		LockRelationOid(job->target, RowExclusiveLock);
}

/* Begins a transaction as a role; a job's relations are locked before the snapshot is
 * taken, so that waiting for a lock holds nothing back. */
static void
begin_as(Role *role, Oid owner, const VeloJob *job)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	GetUserIdAndSecContext(&role->user, &role->security);
	if (OidIsValid(owner))
		SetUserIdAndSecContext(owner, role->security | SECURITY_LOCAL_USERID_CHANGE);
	if (job)
		lock_in_order(job);
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_as(const Role *role)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	SetUserIdAndSecContext(role->user, role->security);
}

static void
set_status(int job_id, const char *status)
{
	Role role;

	begin_as(&role, InvalidOid, NULL);
	velo_job_set_status(job_id, status);
	commit_as(&role);
}

/* --- building -------------------------------------------------------------------- */

static void
apply_settings(const VeloJob *job)
{
	ListCell *cell;

	foreach(cell, job->settings)
	{
		VeloOptionValue *setting = lfirst(cell);

		SetConfigOption(setting->name, setting->value, PGC_USERSET, PGC_S_SESSION);
	}
	SetConfigOption("TimeZone", velo_base_option_text(job->options, "timezone"), PGC_USERSET,
					PGC_S_SESSION);
}

/*
 * The sink's own word counts, if it has committed anything since the last RESET JOB; what
 * PostgreSQL has is a copy, or where a RESET wants to begin.
 */
static char *
leading_position(VeloSink *sink, char *copy, int partition)
{
	const char *positions = sink->ops->positions(sink);

	return positions ? velo_job_positions_find(positions, partition) : copy;
}

static void
seek(VeloSource *source, const VeloJob *job, const VeloTask *task, const VeloPlan *plan,
	 VeloPipeline *pipeline)
{
	VeloStartFrom from = plan->start_from;
	TimestampTz from_time = 0;
	bool has_begun = false;

	if (strcmp(job->start_from, "earliest") == 0)
		from = VELO_START_EARLIEST;
	else if (strcmp(job->start_from, "latest") == 0)
		from = VELO_START_LATEST;
	else if (strcmp(job->start_from, "default") != 0)
	{
		from = VELO_START_TIMESTAMP;
		from_time = strtoll(job->start_from, NULL, 10);
	}
	for (int partition = 0; partition < source->ops->partitions(source); partition++)
	{
		TimestampTz watermark;
		char *position = velo_job_position(task, 0, partition, &watermark);

		if (pipeline->sink->spec->leads)
			position = leading_position(pipeline->sink, position, partition);
		/* Where others have been read, one without a position is new: all of it counts. */
		has_begun = has_begun || position != NULL;
		source->ops->seek(source, partition, position, has_begun ? VELO_START_EARLIEST : from,
						  from_time);
		if (watermark != DT_NOBEGIN)
			velo_operate_watermark_set(pipeline->watermark, partition, watermark);
	}
}

/* Lag tools show a job's positions under the name of its own. */
static void
name_group(VeloPlan *plan, const VeloJob *job)
{
	if (!velo_base_option_is_set(plan->source.options, "group.id"))
		plan->source.options = velo_base_option_set(plan->source.options, "group.id",
													job->application
														? psprintf("velo-%s-%s", job->application,
																   job->name)
														: psprintf("velo-%s", job->name));
}

static char *
signature_of(const VeloPlan *plan, const VeloJob *job)
{
	StringInfoData text;
	VeloObject *target = OidIsValid(job->target) ? velo_plan_object_of(job->target) : NULL;

	initStringInfo(&text);
	appendStringInfo(&text, "%s;%s;%u", plan->hash, plan->layout, job->owner);
	for (int i = 0; i < plan->source.desc->natts; i++)
		appendStringInfo(&text, ";%u", TupleDescAttr(plan->source.desc, i)->atttypid);
	for (int i = 0; target && i < target->desc->natts; i++)
		appendStringInfo(&text, ";%s %u", NameStr(TupleDescAttr(target->desc, i)->attname),
						 TupleDescAttr(target->desc, i)->atttypid);
	return text.data;
}

static Life *
build(int job_id, bool careful)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "velo job",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Life *life = palloc0(sizeof(Life));
	VeloPlan *plan;
	VeloSource *source;
	VeloSink *sink;
	VeloStore *store = NULL;
	VeloSinkSpec *spec;
	Role role;
	bool keeps_rows;

	life->context = context;
	life->built_at = GetCurrentTimestamp();
	connections_changed = false;
	begin_as(&role, InvalidOid, NULL);
	MemoryContextSwitchTo(context);
	life->job = velo_job_load(job_id);
	/* From here on nobody else can commit for this task. */
	if (life->job)
		life->task = velo_job_task_take(job_id, slot->task);
	if (life->task == NULL)
	{
		commit_as(&role);
		MemoryContextSwitchTo(old);
		return NULL;
	}
	SetConfigOption("application_name", psprintf("velo job %s", life->job->name), PGC_USERSET,
					PGC_S_SESSION);
	apply_settings(life->job);
	commit_as(&role);
	VELO_TESTPOINT("worker_lease_taken");

	begin_as(&role, life->job->owner, life->job);
	MemoryContextSwitchTo(context);
	plan = velo_job_plan(life->job);
	keeps_rows = velo_job_keeps_dead_letters(life->job);
	if (whole_rows || (keeps_rows && plan->late == VELO_LATE_DEAD_LETTER))
	{
		velo_plan_read_whole_rows(plan);
		plan->source.keeps_raw = true;
	}
	name_group(plan, life->job);
	source = velo_job_open_source(plan);
	if (plan->layout[0])
		store = velo_state_open(job_id, slot->task, plan->layout);
	spec = velo_job_sink_spec(life->job, plan);
	spec->task = slot->task;
	spec->generation = life->task->generation;
	sink = velo_sink_find(spec->type)->open(spec);
	life->pipeline = velo_job_pipeline_create(context, plan, source, sink, store,
											  life->task->watermark,
											  (Size) velo_base_option_int(plan->options,
																		  "max.memory.mb")
												  << 20);
	commit_as(&role);

	MemoryContextSwitchTo(context);
	if (sink->ops->recover)
		sink->ops->recover(sink);

	begin_as(&role, life->job->owner, life->job);
	MemoryContextSwitchTo(context);
	seek(source, life->job, life->task, plan, life->pipeline);
	life->pipeline->operate.careful = careful;
	life->pipeline->wants_whole_rows = keeps_rows && !whole_rows;
	life->pipeline->operate.records_before = life->task->records_out;
	velo_job_failures(life->pipeline, life->job);
	life->limits.rows = careful ? CAREFUL_BATCH_ROWS
								: velo_base_option_int(life->job->options, "max_batch_size");
	life->limits.time_us = velo_base_option_int(life->job->options, "batch_timeout") * 1000;
	life->signature = signature_of(plan, life->job);
	velo_job_end_restore(life->job);
	watched[0] = plan->source.relation;
	watched[1] = life->job->target;
	invalidated = functions_changed = false;
	commit_as(&role);
	set_status(job_id, "running");
	MemoryContextSwitchTo(old);
	VELO_TESTPOINT("worker_built");
	return life;
}

static void
discard(Life *life)
{
	if (life)
		MemoryContextDelete(life->context);
}

/* After a catalog change: is the pipeline still what the statement means? */
static bool
still_valid(Life *life)
{
	Role role;
	VeloJob *job;
	bool same = false;

	if (functions_changed)
		return false;
	invalidated = false;
	begin_as(&role, InvalidOid, NULL);
	job = velo_job_load(life->job->job_id);
	if (job)
	{
		SetUserIdAndSecContext(job->owner, role.security | SECURITY_LOCAL_USERID_CHANGE);
		same = strcmp(signature_of(velo_job_plan(job), job), life->signature) == 0;
	}
	commit_as(&role);
	return same;
}

/* --- running ------------------------------------------------------------------------ */

static void
publish_trouble(VeloSource *source)
{
	const char *trouble = source->ops->trouble ? source->ops->trouble(source) : NULL;

	trouble = trouble ? trouble : "";
	if (strncmp(slot->trouble, trouble, VELO_TROUBLE_BYTES - 1) == 0 &&
		(trouble[0] || !slot->trouble[0]))
		return;
	LWLockAcquire(velo_job_shared()->lock, LW_EXCLUSIVE);
	strlcpy(slot->trouble, trouble, VELO_TROUBLE_BYTES);
	slot->trouble[pg_mbcliplen(slot->trouble, strlen(slot->trouble),
							   VELO_TROUBLE_BYTES - 1)] = '\0';
	LWLockRelease(velo_job_shared()->lock);
}

static void
publish(Life *life, bool committed)
{
	VeloPipeline *pipeline = life->pipeline;

	if (committed)
		pg_atomic_write_u64(&slot->last_commit_at, (uint64) GetCurrentTimestamp());
	pg_atomic_write_u64(&slot->records_in, life->task->records_in);
	pg_atomic_write_u64(&slot->records_out, life->task->records_out);
	pg_atomic_write_u64(&slot->state_bytes, pipeline->operate.state_bytes);
	pg_atomic_write_u64(&slot->watermark, (uint64) pipeline->operate.watermark);
	slot->condition = pipeline->drained ? VELO_CONDITION_OK : VELO_CONDITION_CATCHING_UP;
	slot->failures = 0;
	publish_trouble(pipeline->source);
}

/*
 * The sink makes the batch happen; PostgreSQL is told of it now and then.  Never before:
 * a copy that is behind does no harm, for it only counts where the sink knows nothing.
 */
static void
commit_by_sink(Life *life, bool did)
{
	VeloPipeline *pipeline = life->pipeline;
	TimestampTz now = GetCurrentTimestamp();
	Role role;

	if (did)
	{
		MemoryContext old = MemoryContextSwitchTo(pipeline->batch);

		pipeline->sink->ops->commit(pipeline->sink, velo_job_positions_text(pipeline->source));
		MemoryContextSwitchTo(old);
		life->copy_is_due = true;
		VELO_TESTPOINT("commit_by_sink_done");
	}
	if (!pipeline->ended && (!life->copy_is_due || (did && now - life->copied_at < COPY_EVERY_US)))
		return;
	begin_as(&role, life->job->owner, life->job);
	velo_job_commit(life->task, life->job, pipeline);
	if (pipeline->ended)
		velo_job_set_status(life->job->job_id, "finished");
	commit_as(&role);
	life->copy_is_due = false;
	life->copied_at = now;
}

/* One batch in one transaction; false if there was nothing to do. */
static bool
run_batch(Life *life)
{
	static TimestampTz lag_at = 0;
	Role role;
	bool did;
	TimestampTz now = GetCurrentTimestamp();
	bool leads = life->pipeline->sink->spec->leads;

	velo_job_pipeline_before_batch(life->pipeline);
	begin_as(&role, life->job->owner, life->job);
	did = velo_job_pipeline_batch(life->pipeline, &life->limits);
	VELO_TESTPOINT("batch_processed");
	if (did && !leads)
		velo_job_commit(life->task, life->job, life->pipeline);
	if (life->pipeline->ended && !leads)
		velo_job_set_status(life->job->job_id, "finished");
	if (now - lag_at > LAG_EVERY_US)
	{
		int64 lag = life->pipeline->source->ops->lag(life->pipeline->source);

		pg_atomic_write_u64(&slot->lag_records, lag < 0 ? PG_UINT64_MAX : (uint64) lag);
		lag_at = now;
	}
	if (did)
		VELO_TESTPOINT("commit_about_to");
	commit_as(&role);
	if (did)
		VELO_TESTPOINT("commit_done");
	if (leads)
		commit_by_sink(life, did);
	else if (life->pipeline->sink->ops->committed)
		life->pipeline->sink->ops->committed(life->pipeline->sink);
	if (did && life->pipeline->source->ops->committed)
		life->pipeline->source->ops->committed(life->pipeline->source);
	if (did || life->pipeline->drained)
		publish(life, did);
	return did;
}

static long
idle_time_ms(Life *life, TimestampTz batch_begin)
{
	VeloPipeline *pipeline = life->pipeline;
	TimestampTz now = velo_clock_now();
	TimestampTz due = pipeline->source->ops->next_due(pipeline->source);
	bool waits_for_clock = pipeline->plan->window.kind != VELO_WINDOW_NONE &&
						   pipeline->operate.state_bytes > 0;
	long timeout = waits_for_clock ? TIMER_POLL_MS : IDLE_POLL_MS;

	if (due != DT_NOEND)
		timeout = due <= now ? 0 : Min(timeout, (due - now) / 1000 + 1);
	return timeout;
}

typedef enum Next
{
	NEXT_RUN,
	NEXT_PAUSED,
	NEXT_STOP
} Next;

/* What the catalog wants now. */
static Next
look(Life *life)
{
	VeloJobShared *shared = velo_job_shared();
	Role role;
	VeloJob *job;
	Next next = NEXT_RUN;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot->reload = false;
	LWLockRelease(shared->lock);
	begin_as(&role, InvalidOid, NULL);
	job = velo_job_load(life->job->job_id);
	if (job == NULL)
		next = NEXT_STOP;
	else if (strcmp(job->desired, "stopped") == 0)
	{
		velo_job_set_status(job->job_id, "stopped");
		next = NEXT_STOP;
	}
	else if (strcmp(job->desired, "paused") == 0)
	{
		velo_job_set_status(job->job_id, "paused");
		next = NEXT_PAUSED;
	}
	else
		velo_job_set_status(job->job_id, "running");
	if (job && job->owner != life->job->owner)
		invalidated = functions_changed = true;
	commit_as(&role);
	return next;
}

static bool
is_stale(Life *life)
{
	VeloSource *source = life->pipeline->source;

	if (source->ops->is_stale && source->ops->is_stale(source))
		return true;
	/* A client keeps its password; one that gets in with it needs no other. */
	return source->ops->trouble && source->ops->trouble(source) &&
		   (connections_changed || GetCurrentTimestamp() - life->built_at > TROUBLED_AGE_US);
}

/* Until there may be something to do, or the time-out. */
static void
wait_for_input(Life *life, long timeout_ms)
{
	VeloSource *source = life->pipeline->source;

	velo_worker_wait_for(source->ops->wake_fd ? source->ops->wake_fd(source) : -1, timeout_ms);
}

/*
 * Runs until the job stops or finishes; errors are raised.  "careful" counts the rows
 * still to be read in careful mode: as many as the batch had read that failed, for the
 * bad one may be its last, and each return to full speed before that would fail again.
 */
static void
live(Life **life, int job_id, int64 *careful)
{
	Next next = NEXT_RUN;

	*life = build(job_id, *careful > 0);
	if (*life == NULL)
		return;
	for (;;)
	{
		TimestampTz begin = GetCurrentTimestamp();
		int64 records_in;
		bool did;

		CHECK_FOR_INTERRUPTS();
		if (slot->reload)
			next = look(*life);
		if (next == NEXT_STOP)
			return;
		if (next == NEXT_PAUSED)
		{
			pgstat_report_activity(STATE_IDLE, "paused");
			velo_worker_wait(IDLE_POLL_MS);
			continue;
		}
		AcceptInvalidationMessages();
		if (is_stale(*life) || (invalidated && !still_valid(*life)))
		{
			discard(*life);
			*life = NULL;
			*life = build(job_id, *careful > 0);
			if (*life == NULL)
				return;
		}
		pgstat_report_activity(STATE_RUNNING, (*life)->job->sql);
		records_in = (*life)->task->records_in;
		did = run_batch(*life);
		if ((*life)->pipeline->ended)
			return;
		if (*careful > 0 && did)
			*careful -= Max(1, (*life)->task->records_in - records_in);
		if (*careful <= 0 && (*life)->pipeline->operate.careful)
		{
			/* The batch that failed has been got over; go on at full speed. */
			(*life)->pipeline->operate.careful = false;
			(*life)->limits.rows = velo_base_option_int((*life)->job->options, "max_batch_size");
		}
		pgstat_report_activity(STATE_IDLE, (*life)->job->sql);
		if ((*life)->pipeline->drained)
		{
			long rest = commit_interval_ms - (GetCurrentTimestamp() - begin) / 1000;

			/* Not more often than the commit interval, however fast input trickles in. */
			while (did && rest > 0 && !slot->reload)
			{
				velo_worker_wait(rest);
				rest = commit_interval_ms - (GetCurrentTimestamp() - begin) / 1000;
			}
			if (!did)
			{
				long timeout = idle_time_ms(*life, begin);

				if (timeout > 0)
					wait_for_input(*life, timeout);
			}
		}
	}
}

/* --- failing ------------------------------------------------------------------------- */

static void
record_failure(int job_id, const ErrorData *error)
{
	Role role;
	VeloJob *job;

	begin_as(&role, InvalidOid, NULL);
	/* DROP EXTENSION takes the ground from under a worker; there is nothing to record then. */
	job = OidIsValid(velo_meta_extension()) ? velo_job_load(job_id) : NULL;
	if (job)
	{
		VeloRestart restart = velo_job_restart(job, error->sqlerrcode, ++slot->failures);

		slot->condition = VELO_CONDITION_RETRYING;
		slot->retry_at = GetCurrentTimestamp() + restart.delay_us;
		velo_job_set_error(job_id, restart.is_final ? "failed" : "starting",
						   unpack_sql_state(error->sqlerrcode), velo_job_error_text(error));
	}
	commit_as(&role);
}

/* True if the worker shall build again (careful is set); else it ends. */
static bool
handle_error(Life *life, int job_id, int64 *careful, ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_VELO_WORKER_FENCED)
	{
		ereport(LOG, (errmsg("worker of job %d ends: it has been replaced", job_id),
					  error->detail ? errdetail_internal("%s", error->detail) : 0));
		/* By a copy of this database perhaps: they must not replace each other for ever. */
		slot->failures++;
		slot->retry_at = GetCurrentTimestamp() + FENCED_DELAY_US * Min(slot->failures, 10);
		return false;
	}
	if (life && life->pipeline && life->pipeline->wants_whole_rows &&
		velo_operate_is_data_error(error->sqlerrcode))
	{
		/* The first failed record: read whole rows from now on, then it fails again. */
		whole_rows = true;
		return true;
	}
	if (life && life->pipeline && *careful <= 0 && velo_operate_is_data_error(error->sqlerrcode) &&
		strcmp(velo_base_option_text(life->job->options, "failure_strategy"), "FailBatch") != 0 &&
		strcmp(velo_base_option_text(life->job->options, "failure_strategy"), "RetryWithBackoff") !=
			0)
	{
		*careful = Max(1, life->pipeline->records_in);
		return true;
	}
	ereport(LOG, (errcode(error->sqlerrcode),
				  errmsg("job %d ends with an error: %s", job_id, error->message),
				  error->detail ? errdetail_internal("%s", error->detail) : 0,
				  error->context ? errcontext("%s", error->context) : 0));
	record_failure(job_id, error);
	return false;
}

void
velo_job_main(Datum arg)
{
	VeloJobShared *shared = velo_job_shared();
	Life *volatile life = NULL;
	int64 careful = 0;
	volatile bool again = true;
	int job_id;

	slot = &shared->slots[DatumGetInt32(arg)];
	velo_worker_setup();
	before_shmem_exit(leave, (Datum) 0);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (slot->pid > 0 && kill(slot->pid, 0) == 0)
	{
		/* It came up so late that another one has been started. */
		LWLockRelease(shared->lock);
		proc_exit(0);
	}
	slot->pid = MyProcPid;
	slot->latch = MyLatch;
	slot->trouble[0] = '\0';
	slot->reload = true;
	job_id = slot->job_id;
	LWLockRelease(shared->lock);
	BackgroundWorkerInitializeConnectionByOid(slot->database, InvalidOid, 0);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, function_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, connection_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, connection_changed, (Datum) 0);
	while (again)
	{
		again = false;
		PG_TRY();
		{
			live((Life **) &life, job_id, &careful);
		}
		PG_CATCH();
		{
			ErrorData *error;

			MemoryContextSwitchTo(TopMemoryContext);
			error = CopyErrorData();
			FlushErrorState();
			AbortCurrentTransaction();
			again = handle_error(life, job_id, &careful, error);
			if (life && life->pipeline && life->pipeline->source->ops->close)
				life->pipeline->source->ops->close(life->pipeline->source);
			discard(life);
			life = NULL;
			FreeErrorData(error);
		}
		PG_END_TRY();
	}
	proc_exit(0);
}
