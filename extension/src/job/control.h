/*
 * control.h
 *	  Telling launcher and workers that something changed; shared memory of jobs.
 */
#pragma once

#include <datatype/timestamp.h>
#include <port/atomics.h>
#include <storage/latch.h>
#include <storage/lwlock.h>

#define VELO_MAX_DATABASES 64
#define VELO_TROUBLE_BYTES 256 /* longer texts are cut */

typedef enum VeloCondition
{
	VELO_CONDITION_OK,
	VELO_CONDITION_CATCHING_UP,
	VELO_CONDITION_BACKPRESSURE,
	VELO_CONDITION_CIRCUIT_OPEN,
	VELO_CONDITION_RETRYING,
	VELO_CONDITION_NO_WORKER_SLOT
} VeloCondition;

extern const char *velo_job_condition_name(VeloCondition condition);

/* A running (or wanted) task, as its worker and its launcher see it. */
typedef struct VeloJobSlot
{
	Oid database; /* InvalidOid: free */
	int job_id;
	int task;
	int pid;	  /* of the worker; 0: not running */
	Latch *latch; /* of the worker, while it runs */
	bool reload;  /* the catalog has changed: the worker shall look */
	VeloCondition condition;
	int failures;		  /* starts that ended in an error, in a row */
	TimestampTz retry_at; /* not to be started before */
	TimestampTz started_at;
	pg_atomic_uint64 records_in; /* since the worker started */
	pg_atomic_uint64 records_out;
	pg_atomic_uint64 state_bytes;
	pg_atomic_uint64 watermark; /* TimestampTz */
	pg_atomic_uint64 last_commit_at;
	pg_atomic_uint64 lag_records;	  /* PG_UINT64_MAX: unknown */
	char trouble[VELO_TROUBLE_BYTES]; /* why there is no input: no broker …; else "" */
} VeloJobSlot;

/* One database with the extension in it. */
typedef struct VeloDatabaseSlot
{
	Oid database; /* InvalidOid: free */
	int pid;	  /* of its launcher, 0: not running */
	Latch *latch;
	bool absent;  /* the extension is not there; cleared when jobs change */
	bool blocked; /* being dropped: start nothing */
} VeloDatabaseSlot;

typedef struct VeloJobShared
{
	LWLock *lock;	 /* of everything here but the atomics */
	Latch *launcher; /* of the cluster's launcher */
	int launcher_pid;
	VeloDatabaseSlot databases[VELO_MAX_DATABASES];
	int nslots;
	VeloJobSlot slots[FLEXIBLE_ARRAY_MEMBER];
} VeloJobShared;

/* NULL if the library is not preloaded. */
extern VeloJobShared *velo_job_shared(void);

/* velo.max_jobs: how many tasks can run at once in the cluster. */
extern int velo_job_max;

/*
 * Jobs of this database changed: when the transaction commits, launchers look at
 * them.  Raises 55000 if the library is not preloaded.
 */
extern void velo_job_changed(void);

/* Ends the worker of a job without waiting for its batch; false if none runs. */
extern bool velo_job_terminate(int job_id);

/* A copy of the slot; false if there is none. */
extern bool velo_job_slot_read(int job_id, int task, VeloJobSlot *copy);

/* Ends all workers of a database and keeps new ones from starting, until unblocked. */
extern void velo_job_block_database(Oid database);
extern void velo_job_unblock_database(Oid database);
