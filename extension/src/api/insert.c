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
	char *name;

	velo_meta_begin(&scope);
	velo_meta_run(
		"SELECT 'insert_' || $1 || '_' || n FROM pg_catalog.generate_series(1, 100000) n "
		"WHERE NOT EXISTS (SELECT FROM velo.job WHERE name = 'insert_' || $1 || '_' || n) "
		"ORDER BY n LIMIT 1",
		1, args);
	name = velo_meta_value(0, 1);
	velo_meta_end(&scope);
	return name;
}

VeloPlan *
velo_api_check_insert(const char *text, const LiftStatement *statement,
					  const VeloDeclared *declared, VeloObject **target)
{
	const LiftName *name = statement->name;
	VeloObject *object = velo_plan_object(declared, name->schema, name->name);
	VeloErrorPlace place;
	VeloPlanRequest request = {
		.user_text = text,
		.statement = statement,
		.declared = declared,
	};

	if (object == NULL)
	{
		const char *hint = velo_plan_object_hint(declared, name->schema, name->name,
												 "Create it first, or use CREATE STREAM ... AS.");

		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation \"%s\" does not exist", name->name), errhint("%s", hint),
						velo_plan_error_at(text, name->span.from)));
	}
	if (object->is_derived)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("\"%s\" is written by its own job", object->name),
						errhint("Insert into a declared stream, or create another one."),
						velo_plan_error_at(text, name->span.from)));
	if (object->is_stream && velo_sink_find(object->type) == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("streams of type \"%s\" cannot be inserted into", object->type),
						errhint("Insert into a stream of type native, or into a table."),
						velo_plan_error_at(text, name->span.from)));
	velo_plan_error_place_push(&place, text, name->span);
	if (OidIsValid(object->relation) &&
		pg_class_aclcheck(object->relation, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
		velo_plan_deny(object);
	velo_plan_error_place_pop(&place);
	request.target = OidIsValid(object->relation)
						 ? velo_job_insert_target(text, statement, object->relation)
						 : velo_job_insert_columns(text, statement, object->name, object->desc);
	request.for_stream = object->is_stream;
	request.target_type = object->is_stream ? object->type : NULL;
	*target = object;
	return velo_plan_query(&request);
}

VeloReport
velo_api_insert_job(const char *text, const LiftStatement *statement, const char *job_name,
					const char *sql)
{
	VeloReport report = {"INSERT", NULL, NULL};
	VeloJobDefinition definition = {0};
	VeloObject *object;

	definition.plan = velo_api_check_insert(text, statement, NULL, &object);
	definition.name = job_name ? job_name : free_job_name(object->name);
	definition.kind = "insert";
	definition.sql = sql;
	definition.target = object->relation;
	velo_api_check_job_name(text, statement, definition.name);
	(void) velo_job_define(&definition);
	report.object = velo_api_object_name(object->relation);
	report.job = definition.name;
	return report;
}
