/*
 * table.c
 *	  Tables in schema velo_state.
 *
 * Columns "data" are never compressed or moved out of line (STORAGE PLAIN): rows are made
 * to fill a page.  The column is added in the statement that sets its storage, because a
 * table created with a bytea column of the usual storage gets a TOAST table that it would
 * then never use and always truncate.
 *
 * The tables are members of the extension, so dropping one begins with ending its
 * membership.
 */
#include "postgres.h"

#include "state/table.h"

#include <access/table.h>
#include <access/xact.h>
#include <catalog/dependency.h>
#include <catalog/namespace.h>
#include <catalog/pg_class.h>
#include <catalog/pg_extension.h>
#include <commands/tablecmds.h>
#include <pgstat.h>
#include <storage/lmgr.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "base/compat.h"
#include "meta/meta.h"

#define STATE_SCHEMA "velo_state"

Oid
velo_state_table_find(const char *name)
{
	Oid schema = get_namespace_oid(STATE_SCHEMA, true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

Oid
velo_state_table_create(const char *name, const char *columns, const char *settings)
{
	ObjectAddress member;
	ObjectAddress extension;
	Oid table;

	velo_meta_run_once(psprintf("CREATE TABLE " STATE_SCHEMA ".%s (%s) USING heap WITH (%s)",
								quote_identifier(name), columns, settings));
	velo_meta_run_once(psprintf("ALTER TABLE " STATE_SCHEMA ".%s ADD COLUMN data bytea NOT NULL, "
								"ALTER COLUMN data SET STORAGE PLAIN",
								quote_identifier(name)));
	table = velo_state_table_find(name);
	ObjectAddressSet(member, RelationRelationId, table);
	ObjectAddressSet(extension, ExtensionRelationId, velo_meta_extension());
	recordDependencyOn(&member, &extension, DEPENDENCY_EXTENSION);
	return table;
}

void
velo_state_table_drop(const char *name)
{
	Oid table = velo_state_table_find(name);
	ObjectAddress object;

	if (!OidIsValid(table))
		return;
	LockRelationOid(table, AccessExclusiveLock);
	if (deleteDependencyRecordsForClass(RelationRelationId, table, ExtensionRelationId,
										DEPENDENCY_EXTENSION) > 0)
		CommandCounterIncrement();
	ObjectAddressSet(object, RelationRelationId, table);
	performDeletion(&object, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
}

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
