/*
 * store.c
 *	  A task's tables: made, dropped, emptied, opened.
 *
 * Three tables for each task, in schema velo_state and owned by the extension's
 * owner (table.c):
 *
 *	job_<job>_<task>_a, _b	the two segments of the log (log.c)
 *	job_<job>_<task>_cells	cells set aside (cells.c)
 *
 * Rows are written and read directly, without the executor: one process writes
 * them (the task's worker), nobody else reads them, and nobody has rights on them.
 * Readers use SnapshotSelf, which sees the own transaction's rows at once; with a
 * single writer that is all a snapshot could say.
 */
#include "postgres.h"

#include "state/internal.h"

#include <access/xact.h>
#include <common/hashfn.h>
#include <utils/memutils.h>

#include "meta/meta.h"

static const char *const table_kinds[] = {"a", "b", "cells"};

static char *
table_name(int job_id, int task, const char *kind)
{
	return psprintf("job_%d_%d_%s", job_id, task, kind);
}

static Oid
find_table(int job_id, int task, const char *kind)
{
	return velo_state_table_find(table_name(job_id, task, kind));
}

void
velo_state_create(int job_id, int task)
{
	VeloMetaScope scope;
	char *cells = table_name(job_id, task, "cells");

	velo_meta_begin(&scope);

	/*
	 * Segments are only appended to and truncated.  Vacuum would find nothing to do
	 * and would stand in the way of a truncation; against wraparound it comes even
	 * when switched off.
	 */
	for (int i = 0; i < 2; i++)
		(void) velo_state_table_create(table_name(job_id, task, table_kinds[i]),
									   "seq bigint NOT NULL", "autovacuum_enabled = off");

	/* Cells come and go: vacuum early, so that the space of dead ones is used again. */
	(void) velo_state_table_create(
		cells, "cell bigint NOT NULL, piece integer NOT NULL, seq bigint NOT NULL",
		"autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0.1, "
		"autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0");
	velo_meta_run_once(psprintf("CREATE INDEX %s_cell ON velo_state.%s (cell, piece)", cells,
								cells));
	velo_meta_end(&scope);
}

void
velo_state_drop(int job_id, int task)
{
	for (int i = 0; i < lengthof(table_kinds); i++)
		velo_state_table_drop(table_name(job_id, task, table_kinds[i]));
	CommandCounterIncrement();
}

void
velo_state_discard(int job_id, int task)
{
	for (int i = 0; i < lengthof(table_kinds); i++)
	{
		Oid table = find_table(job_id, task, table_kinds[i]);

		if (OidIsValid(table))
			(void) velo_state_truncate(table, true);
	}
	CommandCounterIncrement();
}

VeloStore *
velo_state_open(int job_id, int task, const char *layout)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "velo state",
												  ALLOCSET_DEFAULT_SIZES);
	VeloStore *store = MemoryContextAllocZero(context, sizeof(VeloStore));

	store->context = context;
	store->job_id = job_id;
	store->task = task;
	store->layout = hash_bytes((const unsigned char *) layout, strlen(layout));
	return store;
}

/* Finds the tables and which cells they hold; at the first call inside a transaction. */
void
velo_state_attach(VeloStore *store)
{
	MemoryContext old;
	Oid tables[lengthof(table_kinds)];

	if (store->is_attached)
		return;
	old = MemoryContextSwitchTo(store->context);
	for (int i = 0; i < lengthof(table_kinds); i++)
	{
		tables[i] = find_table(store->job_id, store->task, table_kinds[i]);
		if (!OidIsValid(tables[i]))
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
							errmsg("state table \"%s\" does not exist",
								   table_name(store->job_id, store->task, table_kinds[i])),
							errhint("RESET JOB starts the job over with empty state.")));
	}
	store->segments[0] = tables[0];
	store->segments[1] = tables[1];
	store->cells = tables[2];
	velo_state_cells_attach(store);
	store->is_attached = true;
	MemoryContextSwitchTo(old);
}

void
velo_state_close(VeloStore *store)
{
	MemoryContextDelete(store->context);
}
