/*
 * explain.c
 *	  EXPLAIN of a continuous statement or a job.
 */
#include "postgres.h"

#include "api/statement.h"

#include <utils/builtins.h>
#include <utils/jsonb.h>

#include "job/job.h"

static VeloPlan *
plan_of_job(const char *text, const LiftName *lifted, const char **sink)
{
	const char *name = lifted->name;
	VeloJob *job = velo_api_find_job(text, lifted);

	*sink = psprintf("%s \"%s\"", job->kind, name);
	return velo_job_plan(job);
}

char *
velo_api_explain(const char *text, const LiftStatement *statement, const VeloDeclared *declared)
{
	const LiftStatement *body = statement->body;
	const char *sink = "client";
	VeloPlan *plan;
	StringInfoData sql;
	List *lines;
	ListCell *cell;

	if (statement->explain_job)
		plan = plan_of_job(text, statement->name, &sink);
	else if (body == NULL ||
			 (body->kind == LIFT_QUERY && velo_plan_is_plain(text, body, declared)) ||
			 (body->kind == LIFT_INSERT && !body->is_dialect))
		return unconstify(char *, statement->core->text);
	else if (body->query == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("there is no plan for this statement"),
				 errhint("EXPLAIN is for queries, CREATE ... AS, INSERT ... SELECT and JOB name."),
				 velo_plan_error_at(text, body->span.from)));
	else
	{
		if (body->name)
			sink = psprintf("%s \"%s\"", body->is_table ? "table" : "native stream",
							body->name->name);
		plan = velo_api_plan(text, body, declared);
	}
	initStringInfo(&sql);
	if (statement->format_json)
	{
		Jsonb *json = velo_plan_explain_json(plan, sink);

		appendStringInfo(&sql, "SELECT %s::json AS \"QUERY PLAN\"",
						 quote_literal_cstr(JsonbToCString(NULL, &json->root, VARSIZE(json))));
		return sql.data;
	}
	lines = velo_plan_explain(plan, sink);
	appendStringInfoString(&sql, "SELECT unnest(ARRAY[");
	foreach(cell, lines)
		appendStringInfo(&sql, "%s%s", foreach_current_index(cell) ? ", " : "",
						 quote_literal_cstr(lfirst(cell)));
	appendStringInfoString(&sql, "]::text[]) AS \"QUERY PLAN\"");
	return sql.data;
}
