/*
 * show.c
 *	  SHOW and DESCRIBE are SELECTs on views and functions of schema velo.
 */
#include "postgres.h"

#include "api/statement.h"

#include <utils/builtins.h>

static char *
literal_name(const LiftName *name)
{
	return quote_literal_cstr(quote_qualified_identifier(name->schema, name->name));
}

char *
velo_api_show(const char *text, const LiftStatement *statement)
{
	const char *from;
	const char *first;
	StringInfoData sql;

	initStringInfo(&sql);
	if (statement->kind == LIFT_DESCRIBE)
		return psprintf("SELECT * FROM velo.describe(%s)", literal_name(statement->name));
	switch (statement->show)
	{
		case LIFT_SHOW_STREAMS:
			from = "velo.streams";
			first = "stream_name";
			break;
		case LIFT_SHOW_TABLES:
			from = "velo.tables";
			first = "table_name";
			break;
		case LIFT_SHOW_JOBS:
			from = "velo.jobs";
			first = "job_name";
			break;
		case LIFT_SHOW_STATUS:
			from = statement->name
				? psprintf("velo.job_status(%s)", quote_literal_cstr(statement->name->name))
				: "velo.job_status()";
			first = "job_name";
			break;
		case LIFT_SHOW_VERSIONS:
			from = psprintf("velo.job_versions WHERE job_name = %s",
							quote_literal_cstr(statement->name->name));
			return psprintf("SELECT * FROM %s", from);
		case LIFT_SHOW_SCHEMA:
			return psprintf("SELECT column_name, data_type, nullable, is_key FROM velo.describe(%s) "
							"WHERE NOT is_system", literal_name(statement->name));
		case LIFT_SHOW_PROPERTIES:
			return psprintf("SELECT * FROM velo.properties(%s)", literal_name(statement->name));
		case LIFT_SHOW_FUNCTIONS:
			from = "velo.functions";
			first = "function_name";
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("this SHOW is not supported yet"),
					 errhint("SHOW STREAMS, TABLES, JOBS, STATUS, VERSIONS, SCHEMA, PROPERTIES and "
							 "FUNCTIONS are."),
					 velo_plan_error_at(text, statement->span.from)));
	}
	appendStringInfo(&sql, "SELECT * FROM %s", from);
	if (statement->like)
		appendStringInfo(&sql, " WHERE %s LIKE %s", first, quote_literal_cstr(statement->like));
	appendStringInfoString(&sql, " ORDER BY 1");
	return sql.data;
}
