/*
 * module.c
 *	  Entry point of the library: settings, shared memory, hooks, workers.
 *
 * Nothing here names a feature: they register themselves (registry.h).
 */
#include "postgres.h"

#include "base/module.h"

#include <fmgr.h>
#include <miscadmin.h>
#include <storage/ipc.h>
#include <storage/lwlock.h>
#include <storage/shmem.h>

#include "base/setting.h"

PG_MODULE_MAGIC;

VELO_REGISTRY(start, VeloStart);
VELO_REGISTRY(shared, VeloShared);

static bool preloaded = false;
static shmem_request_hook_type previous_request;
static shmem_startup_hook_type previous_startup;

static void
request_shared(void)
{
	if (previous_request)
		previous_request();
	VELO_FOREACH(shared, VeloShared, segment)
		RequestAddinShmemSpace(MAXALIGN(segment->size()));
}

static void
attach_shared(void)
{
	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	VELO_FOREACH(shared, VeloShared, segment)
	{
		bool found;
		void *memory = ShmemInitStruct(segment->name, segment->size(), &found);

		segment->attach(memory, !found);
	}
	LWLockRelease(AddinShmemInitLock);
}

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	preloaded = process_shared_preload_libraries_in_progress;
	velo_base_settings_define();
	if (preloaded)
	{
		previous_request = shmem_request_hook;
		shmem_request_hook = request_shared;
		previous_startup = shmem_startup_hook;
		shmem_startup_hook = attach_shared;
	}
	VELO_FOREACH(start, VeloStart, module)
		module->start(preloaded);
}

bool
velo_base_is_preloaded(void)
{
	return preloaded;
}

void
velo_base_require_preload(void)
{
	if (!preloaded)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("velostream is not loaded at server start"),
				 errdetail("Streams and jobs need its shared memory and background workers."),
				 errhint("Add velostream to shared_preload_libraries in postgresql.conf and "
						 "restart the server.")));
}
