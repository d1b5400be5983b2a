/*
 * control.c
 *	  Shared memory of jobs: slots of workers, latches of launchers.
 *
 * What a job shall do stands in its catalog row; shared memory only says who runs
 * at present and wakes whoever has to look.  All of it may vanish in a crash:
 * launchers rebuild it from the catalog.
 */
#include "postgres.h"

#include "job/control.h"

#include <access/xact.h>
#include <miscadmin.h>
#include <storage/ipc.h>
#include <storage/shmem.h>
#include <utils/timestamp.h>

#include <signal.h>

#include "base/module.h"
#include "base/setting.h"

#define TRANCHE "velo jobs"
#define BLOCK_WAIT_MS 10000 /* how long DROP DATABASE waits for our workers */

int velo_job_max = 64;

static const VeloSetting max_jobs = {
	.name = "velo.max_jobs",
	.description = "How many jobs can run at once in the cluster; each needs a background worker.",
	.type = VELO_SETTING_INT,
	.variable = &velo_job_max,
	.boot = 64,
	.min = 1,
	.max = 4096,
	.context = PGC_POSTMASTER,
};
VELO_SETTING(max_jobs);

static VeloJobShared *shared = NULL;
static bool changed = false;

static Size
shared_size(void)
{
	return offsetof(VeloJobShared, slots) + sizeof(VeloJobSlot) * velo_job_max;
}

static void
attach(void *memory, bool is_new)
{
	shared = memory;
	if (!is_new)
		return;
	memset(shared, 0, shared_size());
	shared->lock = &(GetNamedLWLockTranche(TRANCHE))->lock;
	shared->nslots = velo_job_max;
	for (int i = 0; i < shared->nslots; i++)
	{
		VeloJobSlot *slot = &shared->slots[i];

		pg_atomic_init_u64(&slot->records_in, 0);
		pg_atomic_init_u64(&slot->records_out, 0);
		pg_atomic_init_u64(&slot->state_bytes, 0);
		pg_atomic_init_u64(&slot->watermark, (uint64) DT_NOBEGIN);
		pg_atomic_init_u64(&slot->last_commit_at, 0);
		pg_atomic_init_u64(&slot->lag_records, PG_UINT64_MAX);
	}
}

/* Shared memory is requested when all libraries are loaded; so is the lock. */
static Size
request(void)
{
	static bool requested = false;

	if (!requested && !IsUnderPostmaster)
	{
		RequestNamedLWLockTranche(TRANCHE, 1);
		requested = true;
	}
	return shared_size();
}

static const VeloShared jobs_shared = {
	.name = "velo jobs",
	.size = request,
	.attach = attach,
};
VELO_SHARED(jobs_shared);

VeloJobShared *
velo_job_shared(void)
{
	return shared;
}

const char *
velo_job_condition_name(VeloCondition condition)
{
	switch (condition)
	{
		case VELO_CONDITION_OK:
			return "ok";
		case VELO_CONDITION_CATCHING_UP:
			return "catching_up";
		case VELO_CONDITION_BACKPRESSURE:
			return "backpressure";
		case VELO_CONDITION_CIRCUIT_OPEN:
			return "circuit_open";
		case VELO_CONDITION_RETRYING:
			return "retrying";
		case VELO_CONDITION_NO_WORKER_SLOT:
			return "no_worker_slot";
	}
	return "unknown";
}

static void
wake_launchers(void)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (shared->launcher)
		SetLatch(shared->launcher);
	for (int i = 0; i < VELO_MAX_DATABASES; i++)
	{
		VeloDatabaseSlot *slot = &shared->databases[i];

		if (slot->database != MyDatabaseId)
			continue;
		slot->absent = false;
		if (slot->latch)
			SetLatch(slot->latch);
	}
	for (int i = 0; i < shared->nslots; i++)
	{
		VeloJobSlot *slot = &shared->slots[i];

		if (slot->database != MyDatabaseId)
			continue;
		slot->reload = true;
		if (slot->latch)
			SetLatch(slot->latch);
	}
	LWLockRelease(shared->lock);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (!changed)
		return;
	if (event == XACT_EVENT_COMMIT)
		wake_launchers();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		changed = false;
}

void
velo_job_changed(void)
{
	static bool registered = false;

	velo_base_require_preload();
	if (!registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		registered = true;
	}
	changed = true;
}

static VeloJobSlot *
find_slot(int job_id, int task)
{
	for (int i = 0; i < shared->nslots; i++)
	{
		VeloJobSlot *slot = &shared->slots[i];

		if (slot->database == MyDatabaseId && slot->job_id == job_id && slot->task == task)
			return slot;
	}
	return NULL;
}

bool
velo_job_terminate(int job_id)
{
	VeloJobSlot *slot;
	bool running = false;

	if (shared == NULL)
		return false;
	LWLockAcquire(shared->lock, LW_SHARED);
	slot = find_slot(job_id, 0);
	if (slot && slot->pid > 0)
	{
		running = true;
		kill(slot->pid, SIGTERM);
	}
	LWLockRelease(shared->lock);
	return running;
}

bool
velo_job_slot_read(int job_id, int task, VeloJobSlot *copy)
{
	VeloJobSlot *slot;

	if (shared == NULL)
		return false;
	LWLockAcquire(shared->lock, LW_SHARED);
	slot = find_slot(job_id, task);
	if (slot)
		*copy = *slot;
	LWLockRelease(shared->lock);
	return slot != NULL;
}

/* --- databases --------------------------------------------------------------------- */

static bool
signal_database(Oid database)
{
	bool any = false;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < VELO_MAX_DATABASES; i++)
	{
		VeloDatabaseSlot *slot = &shared->databases[i];

		if (slot->database != database)
			continue;
		slot->blocked = true;
		if (slot->pid > 0)
		{
			any = true;
			kill(slot->pid, SIGTERM);
		}
	}
	for (int i = 0; i < shared->nslots; i++)
	{
		VeloJobSlot *slot = &shared->slots[i];

		if (slot->database == database && slot->pid > 0)
		{
			any = true;
			kill(slot->pid, SIGTERM);
		}
	}
	LWLockRelease(shared->lock);
	return any;
}

void
velo_job_block_database(Oid database)
{
	if (shared == NULL)
		return;
	for (int waited = 0; signal_database(database) && waited < BLOCK_WAIT_MS; waited += 50)
	{
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 50, 0);
	}
}

void
velo_job_unblock_database(Oid database)
{
	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < VELO_MAX_DATABASES; i++)
		if (shared->databases[i].database == database)
			shared->databases[i].blocked = false;
	if (shared->launcher)
		SetLatch(shared->launcher);
	LWLockRelease(shared->lock);
}
