/*
 * show.c
 *	  SHOW and DESCRIBE are SELECTs on views and functions of schema velo.
 */
#include "postgres.h"

#include "api/statement.h"

#include <nodes/parsenodes.h>
#include <parser/parser.h>
#include <utils/builtins.h>
#include <utils/guc.h>

/* What SHOW can show; METRICS is a known word, but has nothing behind it yet. */
static const char *const shows[] = {
	"STREAMS", "TABLES",   "TOPICS", "PARTITIONS", "JOBS",		"QUERIES",
	"STATUS",  "VERSIONS", "SCHEMA", "PROPERTIES", "FUNCTIONS",
};
#define SHOWS_TEXT                                                                                 \
	"STREAMS, TABLES, TOPICS, PARTITIONS, JOBS, QUERIES, STATUS, VERSIONS, SCHEMA, PROPERTIES and FUNCTIONS"

/* The name of an object that must exist, as a literal of type regclass. */
static char *
object_literal(const char *text, const LiftName *name, const VeloDeclared *declared)
{
	const VeloObject *object = velo_plan_object(declared, name->schema, name->name);
	const char *hint;

	if (object)
		return quote_literal_cstr(quote_qualified_identifier(name->schema, name->name));
	hint = velo_plan_object_hint(declared, name->schema, name->name,
								 "List what there is with SHOW STREAMS and SHOW TABLES.");
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
					errmsg("relation \"%s\" does not exist",
						   name->schema ? psprintf("%s.%s", name->schema, name->name) : name->name),
					errhint("%s", hint), velo_plan_error_at(text, name->span.from)));
}

/* The name of a job that must exist. */
static char *
job_literal(const char *text, const LiftName *name)
{
	return quote_literal_cstr(velo_api_find_job(text, name)->name);
}

void
velo_api_check_setting(const char *text, const LiftStatement *statement)
{
	VeloErrorMap map;
	List *parsed;
	VariableShowStmt *show;
	VeloNearest nearest;
	const char *at = statement->core->text;

	if (pg_strncasecmp(at, "show", 4) != 0)
		return;
	velo_plan_error_map_push(&map, text, statement->core);
	parsed = raw_parser(at, RAW_PARSE_DEFAULT);
	velo_plan_error_map_pop(&map);
	show = parsed ? (VariableShowStmt *) linitial_node(RawStmt, parsed)->stmt : NULL;
	if (show == NULL || !IsA(show, VariableShowStmt) || pg_strcasecmp(show->name, "all") == 0 ||
		GetConfigOptionByName(show->name, NULL, true) != NULL)
		return;
	velo_plan_nearest_begin(&nearest, show->name);
	for (int i = 0; i < lengthof(shows); i++)
		velo_plan_nearest_offer(&nearest, shows[i], shows[i]);
	at += strcspn(at, " \t\r\n\f\v");
	at += strspn(at, " \t\r\n\f\v");
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("unrecognized configuration parameter \"%s\"", show->name),
					nearest.best ? errhint("Perhaps you meant SHOW %s.", nearest.best)
								 : errhint("SHOW is also for %s.", SHOWS_TEXT),
					velo_plan_error_at(text, velo_lift_origin(statement->core,
															  at - statement->core->text))));
}

char *
velo_api_show(const char *text, const LiftStatement *statement, const VeloDeclared *declared)
{
	const char *from;
	const char *first;
	StringInfoData sql;

	initStringInfo(&sql);
	if (statement->kind == LIFT_DESCRIBE)
		return psprintf("SELECT * FROM velo.describe(%s)",
						object_literal(text, statement->name, declared));
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
		case LIFT_SHOW_TOPICS:
			from = "velo.topics";
			first = "topic_name";
			break;
		case LIFT_SHOW_PARTITIONS:
			return psprintf("SELECT * FROM velo.partitions(%s)",
							object_literal(text, statement->name, declared));
		case LIFT_SHOW_JOBS:
			from = "velo.jobs";
			first = "job_name";
			break;
		case LIFT_SHOW_STATUS:
			from = statement->name
					   ? psprintf("velo.job_status(%s)", job_literal(text, statement->name))
					   : "velo.job_status()";
			first = "job_name";
			break;
		case LIFT_SHOW_VERSIONS:
			from = psprintf("velo.job_versions WHERE job_name = %s",
							job_literal(text, statement->name));
			return psprintf("SELECT * FROM %s", from);
		case LIFT_SHOW_SCHEMA:
			return psprintf(
				"SELECT column_name, data_type, nullable, is_key FROM velo.describe(%s) "
				"WHERE NOT is_system",
				object_literal(text, statement->name, declared));
		case LIFT_SHOW_PROPERTIES:
			return psprintf("SELECT * FROM velo.properties(%s)",
							object_literal(text, statement->name, declared));
		case LIFT_SHOW_FUNCTIONS:
			from = "velo.functions";
			first = "function_name";
			break;
		default:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("SHOW METRICS is not supported yet"),
							errhint("SHOW is for %s.", SHOWS_TEXT),
							velo_plan_error_at(text, statement->span.from)));
	}
	appendStringInfo(&sql, "SELECT * FROM %s", from);
	if (statement->like)
		appendStringInfo(&sql, " WHERE %s LIKE %s", first, quote_literal_cstr(statement->like));
	appendStringInfoString(&sql, " ORDER BY 1");
	return sql.data;
}
