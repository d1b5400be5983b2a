/*
 * shared.c
 *	  What several statements need: names, texts, rights, plans.
 */
#include "postgres.h"

#include "api/statement.h"

#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "kafka/kafka.h"

/* Passwords are not for the catalog: the value is replaced where the statement gives one. */
static int
append_masked(StringInfo result, const char *text, int from, const LiftStatement *statement)
{
	for (LiftProperty *p = statement->properties; p; p = p->next)
	{
		if (!velo_kafka_is_secret(p->key) || p->value_span.from < from ||
			strncmp(p->value, "${", 2) == 0)
			continue;
		appendBinaryStringInfo(result, text + from, p->value_span.from - from);
		appendStringInfoString(result, "'***'");
		from = p->value_span.to;
	}
	return from;
}

char *
velo_api_statement_text(const char *text, const LiftStatement *statement)
{
	StringInfoData result;
	int from = statement->span.from;

	initStringInfo(&result);
	from = append_masked(&result, text, from, statement);
	if (statement->body)
		from = append_masked(&result, text, from, statement->body);
	appendBinaryStringInfo(&result, text + from, statement->span.to - from);
	return result.data;
}

char *
velo_api_object_name(Oid relation)
{
	char *name = get_rel_name(relation);

	return name ? quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name)
				: NULL;
}

const char *
velo_api_annotation(const LiftStatement *statement, const char *key)
{
	const char *value = NULL;

	for (LiftAnnotation *a = statement->annotations; a; a = a->next)
		if (strcmp(a->key, key) == 0)
			value = a->value;
	return value;
}

void
velo_api_require_control(const VeloJob *job)
{
	Oid admin = get_role_oid("velo_admin", true);

	if (has_privs_of_role(GetUserId(), job->owner))
		return;
	if (OidIsValid(admin) && has_privs_of_role(GetUserId(), admin))
		return;
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("must be owner of job \"%s\"", job->name),
					errhint("Its owner and members of velo_admin may control a job.")));
}

void
velo_api_check_job_name(const char *text, const LiftStatement *statement, const char *name)
{
	LiftSpan place = statement->name ? statement->name->span : statement->span;
	VeloErrorPlace error_place;

	for (LiftAnnotation *a = statement->annotations; a; a = a->next)
		if (strcmp(a->key, "name") == 0)
			place = a->value_span;
	velo_plan_error_place_push(&error_place, text, place);
	velo_job_require_free(name);
	velo_plan_error_place_pop(&error_place);
}

VeloPlan *
velo_api_plan(const char *text, const LiftStatement *statement, const VeloDeclared *declared)
{
	VeloPlanRequest request = {
		.user_text = text,
		.statement = statement,
		.declared = declared,
		.for_table = statement->kind == LIFT_CREATE_AS && statement->is_table,
		.for_stream = statement->kind == LIFT_CREATE_AS && !statement->is_table,
		.is_pull = statement->kind == LIFT_QUERY && statement->emit == LIFT_EMIT_DEFAULT,
	};

	return velo_plan_query(&request);
}
