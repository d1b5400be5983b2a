/*
 * drop.c
 *	  DROP STREAM, DROP TABLE, and what follows when a relation is dropped.
 *
 * Objects are relations, so dropping is PostgreSQL's; velo._relations_dropped, called
 * by an event trigger for every way in which relations can vanish, removes jobs
 * and their state.  DROP STREAM adds what a plain DROP VIEW does not know: jobs
 * that read the object.
 */
#include "postgres.h"

#include "api/statement.h"

#include <executor/spi.h>
#include <miscadmin.h>
#include <storage/lmgr.h>
#include <catalog/pg_class.h>
#include <utils/array.h>
#include <utils/fmgroids.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "base/function.h"
#include "job/control.h"
#include "meta/meta.h"
#include "sink/outbox.h"

/* Jobs that read a relation or insert into it: (name, derived relation) of each. */
static List *
dependent_jobs(Oid relation, List **relations)
{
	VeloMetaScope scope;
	List *names = NIL;
	const char *args[1] = {velo_meta_oid_text(relation)};
	uint64 n;
	MemoryContext context = CurrentMemoryContext;

	velo_meta_begin(&scope);
	n = velo_meta_run("SELECT name, coalesce(relation::oid, 0) FROM velo.job "
					  "WHERE ($1::oid::regclass = ANY (sources) OR target = $1::oid::regclass) "
					  "AND relation IS DISTINCT FROM $1::oid::regclass ORDER BY name",
					  1, args);
	for (uint64 i = 0; i < n; i++)
	{
		char *name = velo_meta_value(i, 1);
		char *derived = velo_meta_value(i, 2);
		MemoryContext old = MemoryContextSwitchTo(context);

		names = lappend(names, name);
		*relations = lappend_oid(*relations, atooid(derived));
		MemoryContextSwitchTo(old);
	}
	velo_meta_end(&scope);
	return names;
}

static void
drop_relation(Oid relation, bool cascade)
{
	char *name = velo_api_object_name(relation);
	char kind = get_rel_relkind(relation);

	if (name == NULL)
		return;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute(psprintf("DROP %s %s%s", kind == RELKIND_VIEW ? "VIEW" : "TABLE", name,
							 cascade ? " CASCADE" : ""),
					false, 0) < 0)
		elog(ERROR, "could not drop %s", name);
	SPI_finish();
}

/* Raises 2BP01 if there are jobs and CASCADE was not said. */
static void
require_independent(const char *text, const LiftStatement *statement, Oid relation, List *jobs)
{
	StringInfoData names;
	ListCell *cell;

	if (jobs == NIL || statement->cascade)
		return;
	initStringInfo(&names);
	foreach(cell, jobs)
		appendStringInfo(&names, "%s\"%s\"", names.len ? ", " : "", (char *) lfirst(cell));
	ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					errmsg("cannot drop \"%s\" because other jobs use it", get_rel_name(relation)),
					errdetail("Jobs: %s.", names.data),
					errhint("Use DROP ... CASCADE to drop them and what they write as well."),
					velo_plan_error_at(text, statement->name->span.from)));
}

static void
drop_object(const char *text, const LiftStatement *statement, Oid relation)
{
	List *relations = NIL;
	List *jobs;
	ListCell *cell;
	VeloStream *stream;

	/* The source before what is made of it, as workers lock them (bgworkers/job.c). */
	LockRelationOid(relation, AccessExclusiveLock);
	stream = velo_meta_stream(relation);
	if (stream && OidIsValid(stream->storage))
		LockRelationOid(stream->storage, AccessExclusiveLock);
	jobs = dependent_jobs(relation, &relations);
	require_independent(text, statement, relation, jobs);
	foreach(cell, relations)
		if (OidIsValid(lfirst_oid(cell)))
			drop_object(text, statement, lfirst_oid(cell));
	drop_relation(relation, statement->cascade);
}

VeloObject *
velo_api_check_drop(const char *text, const LiftStatement *statement, const VeloDeclared *declared)
{
	const LiftName *name = statement->name;
	const char *kind = statement->is_table ? "table" : "stream";
	VeloObject *object = velo_plan_object(declared, name->schema, name->name);

	if (object == NULL && statement->if_not_exists)
	{
		ereport(NOTICE, (errmsg("%s \"%s\" does not exist, skipping", kind, name->name),
						 velo_plan_error_at(text, name->span.from)));
		return NULL;
	}
	if (object == NULL)
	{
		const char *hint = velo_plan_object_hint(declared, name->schema, name->name,
												 statement->is_table
													 ? "List the tables with SHOW TABLES."
													 : "List the streams with SHOW STREAMS.");

		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("%s \"%s\" does not exist", kind, name->name), errhint("%s", hint),
						velo_plan_error_at(text, name->span.from)));
	}
	if (statement->is_table == object->is_stream)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a %s", name->name, kind),
				 object->is_stream ? errhint("Use DROP STREAM.")
				 : get_rel_relkind(object->relation) == RELKIND_RELATION
					 ? errhint("Use DROP TABLE.")
					 : 0,
				 velo_plan_error_at(text, name->span.from)));
	if (OidIsValid(object->relation) && !statement->cascade)
	{
		List *relations = NIL;

		require_independent(text, statement, object->relation,
							dependent_jobs(object->relation, &relations));
	}
	return object;
}

VeloReport
velo_api_drop(const char *text, const LiftStatement *statement)
{
	VeloReport report = {statement->is_table ? "DROP TABLE" : "DROP STREAM", NULL, NULL};
	VeloObject *object = velo_api_check_drop(text, statement, NULL);

	if (object)
	{
		report.object = velo_api_object_name(object->relation);
		drop_object(text, statement, object->relation);
	}
	return report;
}

/* velo._jobs_dropped(relids oid[]): from the event trigger, for relations that are gone */
VELO_FUNCTION(velo_jobs_dropped)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	const char *args[1];
	VeloMetaScope scope;
	List *ids = NIL;
	ListCell *cell;
	uint64 n;

	args[0] = OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(array));
	velo_meta_begin(&scope);
	n = velo_meta_run("DELETE FROM velo.job WHERE relation::oid = ANY ($1::oid[]) "
					  "OR (relation IS NULL AND target::oid = ANY ($1::oid[])) "
					  "RETURNING job_id",
					  1, args);
	for (uint64 i = 0; i < n; i++)
		ids = lappend_int(ids, atoi(velo_meta_value(i, 1)));
	foreach(cell, ids)
	{
		const char *id[1] = {psprintf("%d", lfirst_int(cell))};

		velo_meta_run("DELETE FROM velo.task WHERE job_id = $1::int", 1, id);
		velo_meta_run("DELETE FROM velo.position WHERE job_id = $1::int", 1, id);
		velo_meta_run("DELETE FROM velo.job_version WHERE job_id = $1::int", 1, id);
		velo_meta_run("DELETE FROM velo.column_edge WHERE job_id = $1::int", 1, id);
		velo_state_drop(lfirst_int(cell), 0);
		velo_sink_outbox_drop(lfirst_int(cell), 0);
	}
	/* Jobs that read what is gone cannot go on. */
	n = velo_meta_run("UPDATE velo.job SET desired = 'stopped', last_sqlstate = '42P01', "
					  "last_error = 'the source of the job was dropped' "
					  "WHERE sources::oid[] && $1::oid[] RETURNING job_id",
					  1, args);
	velo_meta_end(&scope);
	if (ids || n > 0)
		velo_job_changed();
	PG_RETURN_VOID();
}
