/*
 * utility.c
 *	  Plain SQL statements that concern jobs.
 *
 *	DROP DATABASE, ALTER DATABASE RENAME/TABLESPACE, CREATE DATABASE TEMPLATE
 *				want nobody connected: our workers leave and come back.
 *	DROP EXTENSION
 *				says what becomes of result tables (they stay) and streams.
 *	REASSIGN OWNED, DROP OWNED
 *				jobs of derived objects follow their object; INSERT jobs, which own
 *				no object, are handled here.
 */
#include "postgres.h"

#include <catalog/pg_database.h>
#include <commands/dbcommands.h>
#include <commands/defrem.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <nodes/parsenodes.h>
#include <tcop/utility.h>
#include <utils/acl.h>
#include <utils/builtins.h>

#include "base/module.h"
#include "job/control.h"
#include "meta/meta.h"
#include "sink/outbox.h"
#include "state/store.h"

static ProcessUtility_hook_type previous_utility;

/* The database that nobody may be connected to, or InvalidOid. */
static Oid
wants_alone(Node *statement)
{
	const char *name = NULL;

	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			name = ((DropdbStmt *) statement)->dbname;
			break;
		case T_RenameStmt:
			if (((RenameStmt *) statement)->renameType == OBJECT_DATABASE)
				name = ((RenameStmt *) statement)->subname;
			break;
		case T_AlterDatabaseStmt:
			name = ((AlterDatabaseStmt *) statement)->dbname;
			break;
		case T_CreatedbStmt:
		{
			ListCell *cell;

			foreach(cell, ((CreatedbStmt *) statement)->options)
			{
				DefElem *option = lfirst_node(DefElem, cell);

				if (strcmp(option->defname, "template") == 0 && option->arg)
					name = defGetString(option);
			}
			break;
		}
		default:
			break;
	}
	return name ? get_database_oid(name, true) : InvalidOid;
}

static bool
drops_extension(Node *statement)
{
	ListCell *cell;

	if (!IsA(statement, DropStmt) || ((DropStmt *) statement)->removeType != OBJECT_EXTENSION)
		return false;
	foreach(cell, ((DropStmt *) statement)->objects)
		if (strcmp(strVal(lfirst(cell)), "velostream") == 0)
			return OidIsValid(velo_meta_extension());
	return false;
}

static void
announce_drop(void)
{
	VeloMetaScope scope;
	char *tables;
	char *streams;

	velo_meta_begin(&scope);
	velo_meta_run("SELECT string_agg(relation::text, ', ' ORDER BY relation::text) "
				  "FILTER (WHERE kind = 'table'), "
				  "string_agg(relation::text, ', ' ORDER BY relation::text) "
				  "FILTER (WHERE kind = 'stream') FROM velo.stream",
				  0, NULL);
	tables = velo_meta_value(0, 1);
	streams = velo_meta_value(0, 2);
	velo_meta_end(&scope);
	if (tables)
		ereport(NOTICE, (errmsg("result tables stay as ordinary tables: %s", tables)));
	if (streams)
		ereport(NOTICE, (errmsg("streams go with all their rows: %s", streams)));
}

static char *
role_oids(List *roles)
{
	List *oids = NIL;
	ListCell *cell;

	foreach(cell, roles)
		oids = lappend_oid(oids, get_rolespec_oid(lfirst_node(RoleSpec, cell), false));
	return velo_meta_oid_array(oids);
}

static void
reassign_jobs(ReassignOwnedStmt *statement)
{
	VeloMetaScope scope;
	const char *args[2] = {
		role_oids(statement->roles),
		velo_meta_oid_text(get_rolespec_oid(statement->newrole, false)),
	};

	velo_meta_begin(&scope);
	velo_meta_run("UPDATE velo.job SET owner = $2::oid::regrole "
				  "WHERE relation IS NULL AND owner::oid = ANY ($1::oid[])",
				  2, args);
	velo_meta_end(&scope);
	if (velo_job_shared())
		velo_job_changed();
}

static void
drop_jobs_of(DropOwnedStmt *statement)
{
	VeloMetaScope scope;
	const char *args[1] = {role_oids(statement->roles)};
	uint64 n;
	List *ids = NIL;
	ListCell *cell;

	velo_meta_begin(&scope);
	n = velo_meta_run("DELETE FROM velo.job WHERE relation IS NULL "
					  "AND owner::oid = ANY ($1::oid[]) RETURNING job_id",
					  1, args);
	for (uint64 i = 0; i < n; i++)
		ids = lappend_int(ids, atoi(velo_meta_value(i, 1)));
	foreach(cell, ids)
	{
		const char *id[1] = {psprintf("%d", lfirst_int(cell))};

		velo_meta_run("DELETE FROM velo.task WHERE job_id = $1::int", 1, id);
		velo_meta_run("DELETE FROM velo.position WHERE job_id = $1::int", 1, id);
		velo_state_drop(lfirst_int(cell), 0);
		velo_sink_outbox_drop(lfirst_int(cell), 0);
	}
	velo_meta_end(&scope);
	if (ids && velo_job_shared())
		velo_job_changed();
}

static void
utility(PlannedStmt *planned, const char *query, bool read_only_tree, ProcessUtilityContext context,
		ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver,
		QueryCompletion *completion)
{
	Node *statement = planned->utilityStmt;
	Oid alone = wants_alone(statement);
	ProcessUtility_hook_type next = previous_utility ? previous_utility : standard_ProcessUtility;

	if (alone == MyDatabaseId)
		alone = InvalidOid; /* PostgreSQL refuses it anyway */
	if (drops_extension(statement))
	{
		announce_drop();
		/* Workers hold locks in an order of their own, and would write into what is dropped. */
		alone = MyDatabaseId;
	}
	if (OidIsValid(alone))
		velo_job_block_database(alone);
	PG_TRY();
	{
		next(planned, query, read_only_tree, context, params, environment, receiver, completion);
	}
	PG_CATCH();
	{
		if (OidIsValid(alone))
			velo_job_unblock_database(alone);
		PG_RE_THROW();
	}
	PG_END_TRY();
	/* A dropped database stays blocked; its slot is freed when the launcher misses it. */
	if (OidIsValid(alone) && !IsA(statement, DropdbStmt))
		velo_job_unblock_database(alone);
	if (IsA(statement, ReassignOwnedStmt) && OidIsValid(velo_meta_extension()))
		reassign_jobs((ReassignOwnedStmt *) statement);
	else if (IsA(statement, DropOwnedStmt) && OidIsValid(velo_meta_extension()))
		drop_jobs_of((DropOwnedStmt *) statement);
}

static void
install_hook(bool preloaded)
{
	if (!preloaded)
		return;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}

static const VeloStart utility_start = {"utility", install_hook};
VELO_START(utility_start);
