/*
 * launcher.c
 *	  One process a cluster: starts a launcher in every database that has the
 *	  extension.
 *
 * It is connected to no database, so it stands in nobody's way, and reads
 * pg_database as autovacuum's launcher does.  Whether a database has the extension
 * can only be seen from inside: a database launcher that does not find it marks
 * the database "absent" and ends; CREATE EXTENSION takes the mark away.
 */
#include "postgres.h"

#include "workers.h"

#include <access/heapam.h>
#include <access/htup_details.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/pg_database.h>
#include <miscadmin.h>
#include <pgstat.h>
#include <storage/ipc.h>
#include <storage/latch.h>
#include <utils/memutils.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>

#include <signal.h>

#include "base/module.h"
#include "job/control.h"

#define LOOK_EVERY_MS 10000

static BackgroundWorkerHandle *handles[VELO_MAX_DATABASES];

static void
register_launcher(bool preloaded)
{
	BackgroundWorker worker = {0};

	/* Not while pg_upgrade runs the server: nobody may write then. */
	if (!preloaded || IsBinaryUpgrade)
		return;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	/* On a standby nothing runs; after promotion jobs go on. */
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "velostream", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "velo_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "velostream launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "velostream launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

static const VeloStart launcher_start = {"launcher", register_launcher};
VELO_START(launcher_start);

static void
leave(int code, Datum arg)
{
	VeloJobShared *shared = velo_job_shared();

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = NULL;
	shared->launcher_pid = 0;
	LWLockRelease(shared->lock);
}

/* Oids of the databases that can be connected to, in the caller's context. */
static List *
list_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List *databases = NIL;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (!database->datallowconn || database->datistemplate)
			continue;
		old = MemoryContextSwitchTo(context);
		databases = lappend_oid(databases, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return databases;
}

static bool
start_database(int index, Oid database)
{
	BackgroundWorker worker = {0};
	MemoryContext old;
	bool started;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "velostream", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "velo_database_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "velostream database launcher");
	strlcpy(worker.bgw_type, "velostream database launcher", BGW_MAXLEN);
	worker.bgw_main_arg = Int32GetDatum(index);
	worker.bgw_notify_pid = MyProcPid;
	/* The handle outlives this look: in a context that is reset it became another's. */
	if (handles[index])
		pfree(handles[index]);
	handles[index] = NULL;
	old = MemoryContextSwitchTo(TopMemoryContext);
	started = RegisterDynamicBackgroundWorker(&worker, &handles[index]);
	MemoryContextSwitchTo(old);
	return started;
}

/* A worker that ended before it could say so (it could not connect). */
static bool
has_ended(int index)
{
	pid_t pid = velo_job_shared()->databases[index].pid;

	/* Started by a launcher before this one: only its process id is known. */
	if (handles[index] == NULL)
		return pid <= 0 || kill(pid, 0) != 0;
	return GetBackgroundWorkerPid(handles[index], &pid) == BGWH_STOPPED;
}

/*
 * Slots of jobs are freed by the launcher of their database, which for a dropped
 * database nobody is any more.  One whose worker is on its way (pid -1) gets the
 * time to fail.
 */
static void
free_job_slots(VeloJobShared *shared, List *databases)
{
	for (int i = 0; i < shared->nslots; i++)
	{
		VeloJobSlot *slot = &shared->slots[i];

		if (!OidIsValid(slot->database) || list_member_oid(databases, slot->database))
			continue;
		if (slot->pid == 0 ||
			(slot->pid == -1 &&
			 TimestampDifferenceExceeds(slot->started_at, GetCurrentTimestamp(), LOOK_EVERY_MS)))
			slot->database = InvalidOid;
	}
}

static void
look(List *databases)
{
	VeloJobShared *shared = velo_job_shared();
	ListCell *cell;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < VELO_MAX_DATABASES; i++)
	{
		VeloDatabaseSlot *slot = &shared->databases[i];

		if (!OidIsValid(slot->database))
			continue;
		if (slot->pid != 0 && has_ended(i))
		{
			slot->pid = 0;
			slot->latch = NULL;
		}
		if (slot->pid == 0 && !list_member_oid(databases, slot->database))
			memset(slot, 0, sizeof(*slot));
	}
	free_job_slots(shared, databases);
	foreach(cell, databases)
	{
		int index = -1;

		for (int i = 0; i < VELO_MAX_DATABASES && index < 0; i++)
			if (shared->databases[i].database == lfirst_oid(cell))
				index = i;
		for (int i = 0; i < VELO_MAX_DATABASES && index < 0; i++)
			if (!OidIsValid(shared->databases[i].database))
			{
				index = i;
				shared->databases[i].database = lfirst_oid(cell);
			}
		if (index < 0)
		{
			ereport(
				LOG,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("jobs of database %u cannot run: velostream serves at most %d databases",
						lfirst_oid(cell), VELO_MAX_DATABASES)));
			continue;
		}
		if (shared->databases[index].pid == 0 && !shared->databases[index].absent &&
			!shared->databases[index].blocked && start_database(index, lfirst_oid(cell)))
			shared->databases[index].pid = -1; /* on its way */
	}
	LWLockRelease(shared->lock);
}

void
velo_launcher_main(Datum arg)
{
	VeloJobShared *shared = velo_job_shared();
	MemoryContext context;

	velo_worker_setup();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(leave, (Datum) 0);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = MyLatch;
	shared->launcher_pid = MyProcPid;
	for (int i = 0; i < VELO_MAX_DATABASES; i++)
	{
		/* Launched by a predecessor; their handles are lost, but they tell when they end. */
		handles[i] = NULL;
	}
	LWLockRelease(shared->lock);
	context = AllocSetContextCreate(TopMemoryContext, "velo launcher", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		MemoryContextSwitchTo(context);
		look(list_databases());
		MemoryContextReset(context);
		velo_worker_wait(LOOK_EVERY_MS);
	}
}
