/*
 * store.c
 *	  A task's tables: made, dropped, emptied, opened.
 *
 * Three tables for each task, in schema velo_state and owned by the extension's
 * owner:
 *
 *	job_<job>_<task>_a, _b	the two segments of the log (log.c)
 *	job_<job>_<task>_cells	cells set aside (cells.c)
 *
 * They are members of the extension: pg_dump leaves members out, and state that
 * came back without the positions it belongs to would be wrong; DROP EXTENSION
 * takes them along.  Dropping one therefore begins with ending its membership.
 *
 * Columns "data" are never compressed or moved out of line (STORAGE PLAIN):
 * rows are made to fill a page.  The column is added in the statement that sets
 * its storage, because a table created with a bytea column of the usual storage
 * gets a TOAST table that it would then never use and always truncate.
 *
 * Rows are written and read directly, without the executor: one process writes
 * them (the task's worker), nobody else reads them, and nobody has rights on them.
 * Readers use SnapshotSelf, which sees the own transaction's rows at once; with a
 * single writer that is all a snapshot could say.
 */
#include "postgres.h"

#include "state/internal.h"

#include <access/table.h>
#include <catalog/dependency.h>
#include <catalog/namespace.h>
#include <catalog/pg_class.h>
#include <catalog/pg_extension.h>
#include <commands/tablecmds.h>
#include <common/hashfn.h>
#include <pgstat.h>
#include <storage/lmgr.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>

#include "base/compat.h"
#include "meta/meta.h"

#define STATE_SCHEMA "velo_state"

static const char *const table_kinds[] = {"a", "b", "cells"};

static char *
table_name(int job_id, int task, const char *kind)
{
	return psprintf("job_%d_%d_%s", job_id, task, kind);
}

static Oid
find_table(int job_id, int task, const char *kind)
{
	Oid schema = get_namespace_oid(STATE_SCHEMA, true);

	if (!OidIsValid(schema))
		return InvalidOid;
	return get_relname_relid(table_name(job_id, task, kind), schema);
}

static void
create_table(int job_id, int task, const char *kind, const char *columns, const char *settings)
{
	char *name = table_name(job_id, task, kind);

	velo_meta_run_once(psprintf("CREATE TABLE " STATE_SCHEMA ".%s (%s) USING heap WITH (%s)", name,
								columns, settings));
	velo_meta_run_once(psprintf("ALTER TABLE " STATE_SCHEMA ".%s ADD COLUMN data bytea NOT NULL, "
								"ALTER COLUMN data SET STORAGE PLAIN",
								name));
}

static void
set_member(Oid table)
{
	ObjectAddress member;
	ObjectAddress extension;

	ObjectAddressSet(member, RelationRelationId, table);
	ObjectAddressSet(extension, ExtensionRelationId, velo_meta_extension());
	recordDependencyOn(&member, &extension, DEPENDENCY_EXTENSION);
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
		create_table(job_id, task, table_kinds[i], "seq bigint NOT NULL",
					 "autovacuum_enabled = off");

	/* Cells come and go: vacuum early, so that the space of dead ones is used again. */
	create_table(job_id, task, "cells",
				 "cell bigint NOT NULL, piece integer NOT NULL, seq bigint NOT NULL",
				 "autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0.1, "
				 "autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0");
	velo_meta_run_once(psprintf("CREATE INDEX %s_cell ON " STATE_SCHEMA ".%s (cell, piece)", cells,
								cells));
	for (int i = 0; i < lengthof(table_kinds); i++)
		set_member(find_table(job_id, task, table_kinds[i]));
	velo_meta_end(&scope);
}

void
velo_state_drop(int job_id, int task)
{
	for (int i = 0; i < lengthof(table_kinds); i++)
	{
		Oid table = find_table(job_id, task, table_kinds[i]);
		ObjectAddress object;

		if (!OidIsValid(table))
			continue;
		LockRelationOid(table, AccessExclusiveLock);
		if (deleteDependencyRecordsForClass(RelationRelationId, table, ExtensionRelationId,
											DEPENDENCY_EXTENSION) > 0)
			CommandCounterIncrement();
		ObjectAddressSet(object, RelationRelationId, table);
		performDeletion(&object, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
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

/*
 * Empties a table in a way that an abort undoes.  Returns false, having done
 * nothing, if it is not to wait and somebody holds a lock (pg_dump, vacuum).
 */
bool
velo_state_truncate(Oid table, bool wait)
{
	Relation relation;
	bool has_index;

	if (wait)
		LockRelationOid(table, AccessExclusiveLock);
	else if (!ConditionalLockRelationOid(table, AccessExclusiveLock))
		return false;
	relation = table_open(table, NoLock);
	CheckTableNotInUse(relation, "TRUNCATE");
	velo_compat_new_storage(relation);
	pgstat_count_truncate(relation);
	has_index = relation->rd_rel->relhasindex;
	table_close(relation, NoLock);
	if (has_index)
		velo_compat_reindex(table);
	return true;
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
