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
#include <utils/array.h>
#include <utils/fmgroids.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "base/function.h"
#include "job/control.h"
#include "meta/meta.h"

/* Jobs that read a relation or insert into it: (name, derived relation) of each. */
static List *
dependent_jobs(Oid relation, List **relations)
{
	VeloMetaScope scope;
	List	   *names = NIL;
	const char *args[1] = {velo_meta_oid_text(relation)};
	uint64		n;
	MemoryContext context = CurrentMemoryContext;

	velo_meta_begin(&scope);
	n = velo_meta_run("SELECT name, coalesce(relation::oid, 0) FROM velo.job "
					  "WHERE ($1::oid::regclass = ANY (sources) OR target = $1::oid::regclass) "
					  "AND relation IS DISTINCT FROM $1::oid::regclass ORDER BY name", 1, args);
	for (uint64 i = 0; i < n; i++)
	{
		char	   *name = velo_meta_value(i, 1);
		char	   *derived = velo_meta_value(i, 2);
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
	char	   *name = velo_api_object_name(relation);
	char		kind = get_rel_relkind(relation);

	if (name == NULL)
		return;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute(psprintf("DROP %s %s%s", kind == RELKIND_VIEW ? "VIEW" : "TABLE", name,
							 cascade ? " CASCADE" : ""), false, 0) < 0)
		elog(ERROR, "could not drop %s", name);
	SPI_finish();
}

static void
drop_object(const char *text, const LiftStatement *statement, Oid relation)
{
	List	   *relations = NIL;
	List	   *jobs;
	ListCell   *cell;
	VeloStream *stream;

	/* The source before what is made of it, as workers lock them (bgworkers/job.c). */
	LockRelationOid(relation, AccessExclusiveLock);
	stream = velo_meta_stream(relation);
	if (stream && OidIsValid(stream->storage))
		LockRelationOid(stream->storage, AccessExclusiveLock);
	jobs = dependent_jobs(relation, &relations);
	if (jobs && !statement->cascade)
	{
		StringInfoData names;

		initStringInfo(&names);
		foreach(cell, jobs)
			appendStringInfo(&names, "%s\"%s\"", names.len ? ", " : "", (char *) lfirst(cell));
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop \"%s\" because other jobs use it", get_rel_name(relation)),
				 errdetail("Jobs: %s.", names.data),
				 errhint("Use DROP … CASCADE to drop them and what they write as well."),
				 velo_plan_error_at(text, statement->name->span.from)));
	}
	foreach(cell, relations)
		if (OidIsValid(lfirst_oid(cell)))
			drop_object(text, statement, lfirst_oid(cell));
	drop_relation(relation, statement->cascade);
}

VeloReport
velo_api_drop(const char *text, const LiftStatement *statement)
{
	VeloReport	report = {statement->is_table ? "DROP TABLE" : "DROP STREAM", NULL, NULL};
	VeloObject *object = velo_plan_object(NULL, statement->name->schema, statement->name->name);

	if (object == NULL && statement->if_not_exists)
	{
		ereport(NOTICE,
				(errmsg("%s \"%s\" does not exist, skipping",
						statement->is_table ? "table" : "stream", statement->name->name)));
		return report;
	}
	if (object == NULL || (!statement->is_table && !object->is_stream))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("%s \"%s\" does not exist", statement->is_table ? "table" : "stream",
						statement->name->name),
				 velo_plan_error_at(text, statement->name->span.from)));
	if (statement->is_table && object->is_stream)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a stream", statement->name->name),
				 errhint("Use DROP STREAM."),
				 velo_plan_error_at(text, statement->name->span.from)));
	report.object = velo_api_object_name(object->relation);
	drop_object(text, statement, object->relation);
	return report;
}

/* velo._jobs_dropped(relids oid[]): from the event trigger, for relations that are gone */
VELO_FUNCTION(velo_jobs_dropped)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	const char *args[1];
	VeloMetaScope scope;
	List	   *ids = NIL;
	ListCell   *cell;
	uint64		n;

	args[0] = OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(array));
	velo_meta_begin(&scope);
	n = velo_meta_run("DELETE FROM velo.job WHERE relation::oid = ANY ($1::oid[]) "
					  "OR (relation IS NULL AND target::oid = ANY ($1::oid[])) "
					  "RETURNING job_id", 1, args);
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
	}
	/* Jobs that read what is gone cannot go on. */
	n = velo_meta_run("UPDATE velo.job SET desired = 'stopped', last_sqlstate = '42P01', "
					  "last_error = 'the source of the job was dropped' "
					  "WHERE sources::oid[] && $1::oid[] RETURNING job_id", 1, args);
	velo_meta_end(&scope);
	if (ids || n > 0)
		velo_job_changed();
	PG_RETURN_VOID();
}
