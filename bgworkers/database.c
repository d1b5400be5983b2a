/*
 * database.c
 *	  One process a database with the extension: keeps running what shall run.
 *
 * It compares what the catalog wants (velo.job.desired) with what shared memory
 * shows, starts workers that are missing and settles the status of jobs whose
 * worker is gone.  Workers end by themselves when they are asked to.  It also
 * looks after the partitions of native streams.
 */
#include "postgres.h"

#include "workers.h"

#include <access/xact.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <pgstat.h>
#include <storage/ipc.h>
#include <storage/latch.h>
#include <utils/builtins.h>
#include <utils/memutils.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>

#include <signal.h>

#include "job/control.h"
#include "job/job.h"
#include "meta/meta.h"
#include "source/native_storage.h"

#define LOOK_EVERY_MS 5000
#define LOOK_AGAIN_MS 500 /* while something is on its way */
#define MAINTAIN_EVERY_US (60 * USECS_PER_SEC)

typedef struct WantedJob
{
	int job_id;
	char *name;
	char *desired;
	char *status;
} WantedJob;

static VeloDatabaseSlot *self = NULL;

static void
leave(int code, Datum arg)
{
	VeloJobShared *shared = velo_job_shared();

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (self->pid == MyProcPid)
	{
		self->pid = 0;
		self->latch = NULL;
	}
	if (shared->launcher)
		SetLatch(shared->launcher);
	LWLockRelease(shared->lock);
}

static List *
list_jobs(void)
{
	VeloMetaScope scope;
	List *jobs = NIL;
	uint64 n;

	velo_meta_begin(&scope);
	n = velo_meta_run("SELECT job_id, name, desired, status FROM velo.job "
					  "WHERE status NOT IN ('stopped', 'finished', 'failed')",
					  0, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		WantedJob *job = SPI_palloc(sizeof(WantedJob));
		MemoryContext old;

		job->job_id = atoi(velo_meta_value(i, 1));
		job->name = velo_meta_value(i, 2);
		job->desired = velo_meta_value(i, 3);
		job->status = velo_meta_value(i, 4);
		old = MemoryContextSwitchTo(GetMemoryChunkContext(job));
		jobs = lappend(jobs, job);
		MemoryContextSwitchTo(old);
	}
	velo_meta_end(&scope);
	return jobs;
}

/* The job's slot; a free one becomes it.  NULL: velo.max_jobs are taken. */
static VeloJobSlot *
slot_of(VeloJobShared *shared, int job_id)
{
	VeloJobSlot *free_slot = NULL;

	for (int i = 0; i < shared->nslots; i++)
	{
		VeloJobSlot *slot = &shared->slots[i];

		if (slot->database == MyDatabaseId && slot->job_id == job_id)
			return slot;
		if (free_slot == NULL && !OidIsValid(slot->database))
			free_slot = slot;
	}
	if (free_slot)
	{
		free_slot->database = MyDatabaseId;
		free_slot->job_id = job_id;
		free_slot->task = 0;
		free_slot->pid = 0;
		free_slot->latch = NULL;
		free_slot->failures = 0;
		free_slot->retry_at = 0;
		free_slot->condition = VELO_CONDITION_OK;
		pg_atomic_write_u64(&free_slot->lag_records, PG_UINT64_MAX);
		pg_atomic_write_u64(&free_slot->watermark, (uint64) DT_NOBEGIN);
		pg_atomic_write_u64(&free_slot->state_bytes, 0);
		pg_atomic_write_u64(&free_slot->last_commit_at, 0);
	}
	return free_slot;
}

static bool
start_worker(VeloJobShared *shared, VeloJobSlot *slot, const char *name)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "velostream", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "velo_job_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "velostream job: %s", name);
	strlcpy(worker.bgw_type, "velostream job", BGW_MAXLEN);
	worker.bgw_main_arg = Int32GetDatum(slot - shared->slots);
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, &handle);
}

/* Returns true if it has to be looked at again soon. */
static bool
settle_job(const WantedJob *job, List **stopped)
{
	VeloJobShared *shared = velo_job_shared();
	VeloJobSlot *slot;
	bool again = false;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot = slot_of(shared, job->job_id);
	if (strcmp(job->desired, "stopped") == 0)
	{
		if (slot == NULL || slot->pid == 0)
			*stopped = lappend_int(*stopped, job->job_id);
		else
			again = true;
	}
	else if (slot == NULL)
		again = true; /* shown as no_worker_slot: starting, without a slot */
	else if (slot->pid == 0 && !self->blocked)
	{
		if (slot->retry_at > GetCurrentTimestamp())
			again = true;
		else if (start_worker(shared, slot, job->name))
		{
			slot->pid = -1; /* on its way */
			slot->started_at = GetCurrentTimestamp();
			if (slot->condition == VELO_CONDITION_NO_WORKER_SLOT)
				slot->condition = VELO_CONDITION_OK;
		}
		else
		{
			if (slot->condition != VELO_CONDITION_NO_WORKER_SLOT)
				ereport(LOG, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
							  errmsg("job \"%s\" waits for a free background worker", job->name),
							  errhint("Raise max_worker_processes (needs a restart).")));
			slot->condition = VELO_CONDITION_NO_WORKER_SLOT;
			again = true;
		}
	}
	else if (slot->pid == -1 &&
			 TimestampDifferenceExceeds(slot->started_at, GetCurrentTimestamp(), 10000))
	{
		/* It never came up (the postmaster could not fork); try anew. */
		slot->pid = 0;
		again = true;
	}
	LWLockRelease(shared->lock);
	return again;
}

/* Slots of jobs that are gone or have ended. */
static void
free_slots(List *jobs)
{
	VeloJobShared *shared = velo_job_shared();

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < shared->nslots; i++)
	{
		VeloJobSlot *slot = &shared->slots[i];
		bool wanted = false;
		ListCell *cell;

		if (slot->database != MyDatabaseId || slot->pid != 0)
			continue;
		foreach(cell, jobs)
			wanted = wanted || ((WantedJob *) lfirst(cell))->job_id == slot->job_id;
		if (!wanted)
			slot->database = InvalidOid;
	}
	LWLockRelease(shared->lock);
}

static bool
settle(void)
{
	List *jobs;
	List *stopped = NIL;
	ListCell *cell;
	bool again = false;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (!OidIsValid(velo_meta_extension()))
	{
		VeloJobShared *shared = velo_job_shared();

		LWLockAcquire(shared->lock, LW_EXCLUSIVE);
		self->absent = true;
		LWLockRelease(shared->lock);
		PopActiveSnapshot();
		CommitTransactionCommand();
		proc_exit(0);
	}
	jobs = list_jobs();
	free_slots(jobs);
	foreach(cell, jobs)
		again |= settle_job(lfirst(cell), &stopped);
	foreach(cell, stopped)
		velo_job_set_status(lfirst_int(cell), "stopped");
	PopActiveSnapshot();
	CommitTransactionCommand();
	return again;
}

/* Partitions of every native stream, each in a transaction of its own. */
static void
maintain(MemoryContext context)
{
	VeloMetaScope scope;
	List *streams = NIL;
	ListCell *cell;
	uint64 n;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	velo_meta_begin(&scope);
	n = velo_meta_run("SELECT relation::oid FROM velo.stream WHERE type = 'native' "
					  "AND kind = 'stream'",
					  0, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		Oid oid = atooid(velo_meta_value(i, 1));
		MemoryContext old = MemoryContextSwitchTo(context);

		streams = lappend_oid(streams, oid);
		MemoryContextSwitchTo(old);
	}
	velo_meta_end(&scope);
	PopActiveSnapshot();
	CommitTransactionCommand();
	foreach(cell, streams)
	{
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		(void) velo_source_native_maintain(lfirst_oid(cell));
		PopActiveSnapshot();
		CommitTransactionCommand();
		CHECK_FOR_INTERRUPTS();
	}
}

void
velo_database_main(Datum arg)
{
	VeloJobShared *shared = velo_job_shared();
	MemoryContext context;
	TimestampTz maintained = 0;

	velo_worker_setup();
	self = &shared->databases[DatumGetInt32(arg)];
	before_shmem_exit(leave, (Datum) 0);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (self->pid > 0 && kill(self->pid, 0) == 0)
	{
		/* Started twice, by two launchers; one is enough. */
		LWLockRelease(shared->lock);
		proc_exit(0);
	}
	self->pid = MyProcPid;
	self->latch = MyLatch;
	LWLockRelease(shared->lock);
	BackgroundWorkerInitializeConnectionByOid(self->database, InvalidOid, 0);
	context = AllocSetContextCreate(TopMemoryContext, "velo database launcher",
									ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		bool again;

		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
		again = settle();
		if (GetCurrentTimestamp() - maintained > MAINTAIN_EVERY_US)
		{
			pgstat_report_activity(STATE_RUNNING, "looking after partitions");
			maintain(context);
			maintained = GetCurrentTimestamp();
		}
		pgstat_report_activity(STATE_IDLE, NULL);
		velo_worker_wait(again ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
	}
}
