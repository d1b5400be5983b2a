/*
 * insert.c
 *	  INSERT INTO s SELECT … EMIT …: a job that writes to an object that exists.
 *
 * Plain INSERTs never come here: a stream is a relation that PostgreSQL can
 * insert into.
 */
#include "postgres.h"

#include "api/statement.h"

#include <executor/spi.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "meta/meta.h"

static char *
free_job_name(const char *target)
{
	VeloMetaScope scope;
	const char *args[1] = {target};
	char	   *name;

	velo_meta_begin(&scope);
	velo_meta_run("SELECT 'insert_' || $1 || '_' || n FROM pg_catalog.generate_series(1, 100000) n "
				  "WHERE NOT EXISTS (SELECT FROM velo.job WHERE name = 'insert_' || $1 || '_' || n) "
				  "ORDER BY n LIMIT 1", 1, args);
	name = velo_meta_value(0, 1);
	velo_meta_end(&scope);
	return name;
}

VeloReport
velo_api_insert_job(const char *text, const LiftStatement *statement, const char *job_name,
					const char *sql)
{
	VeloReport	report = {"INSERT", NULL, NULL};
	VeloObject *object = velo_plan_object(NULL, statement->name->schema, statement->name->name);
	VeloJobDefinition definition = {0};
	VeloPlanRequest request = {
		.user_text = text,
		.statement = statement,
	};

	if (object == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" does not exist", statement->name->name),
				 errhint("Create it first, or use CREATE STREAM … AS."),
				 velo_plan_error_at(text, statement->name->span.from)));
	if (object->is_derived)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is written by its own job", object->name),
				 errhint("Insert into a declared stream, or create another one."),
				 velo_plan_error_at(text, statement->name->span.from)));
	if (object->is_stream && strcmp(object->type, "native") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("streams of type \"%s\" cannot be inserted into", object->type),
				 velo_plan_error_at(text, statement->name->span.from)));
	if (pg_class_aclcheck(object->relation, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, object->is_stream ? OBJECT_VIEW : OBJECT_TABLE,
					   object->name);
	request.target = velo_job_insert_target(text, statement, object->relation);
	request.for_stream = object->is_stream;

	definition.plan = velo_plan_query(&request);
	definition.name = job_name ? job_name : free_job_name(object->name);
	definition.kind = "insert";
	definition.sql = sql;
	definition.target = object->relation;
	(void) velo_job_define(&definition);
	report.object = velo_api_object_name(object->relation);
	report.job = definition.name;
	return report;
}
