/*
 * cmd_stream.c
 *	  velo stream list and describe.
 */
#include <stdio.h>
#include <string.h>

#include "query.h"

static const CmdOption list_options[] = {
	{"like", 0, "PATTERN", "only names like it, with % and _", NULL, false},
	CMD_WATCH_OPTIONS,
	{0},
};

static int
run_list(const CmdLine *line)
{
	const char *pattern = cmd_value(line, "like");
	CmdShow show = {
		/* without the schema where the search path finds it; what it is said to be is for
		 * describe: it would not fit a screen */
		.table_sql = "SELECT sql_name::regclass::text AS name, "
					 "CASE WHEN type = kind THEN kind ELSE type || ' ' || kind END AS type, "
					 "topic, array_to_string(key_columns, ', ') AS key, "
					 "event_time_field AS \"event time\", job AS \"written by\" "
					 "FROM velo.stream_list($1)",
		.data_sql = "SELECT * FROM velo.stream_list($1)",
		.count = 1,
		.values = &pattern,
	};

	return cmd_show_watched(line, &show);
}

static const Command stream_list = {
	.name = "stream list",
	.summary = "streams and tables that you may read",
	.help = "  velo stream list --like 'ride%'\n"
			"  velo stream list -o json | jq -r .name\n",
	.options = list_options,
	.run = run_list,
};
CMD_COMMAND(stream_list);

/* --- describe -------------------------------------------------------------------------- */

/* Parts of what velo.stream_describe says, $1, as tables. */
static const char head_table[] =
	"SELECT d ->> 'sql_name' AS name, d ->> 'kind' AS kind, d ->> 'type' AS type, "
	"d ->> 'topic' AS topic, d ->> 'owner' AS owner, d ->> 'description' AS description, "
	"d ->> 'event_time_field' AS \"event time\", "
	"(d #>> '{job,name}') || ', ' || (d #>> '{job,status}') AS \"written by\", "
	"(SELECT string_agg(r, ', ') FROM jsonb_array_elements_text(d -> 'read_by') r) AS \"read by\", "
	"d #>> '{job,sql}' AS statement "
	"FROM (SELECT $1::jsonb) AS x (d)";
static const char columns_table[] =
	"SELECT c.name AS column, c.type, CASE WHEN c.key THEN 'key' WHEN c.system THEN 'system' "
	"WHEN NOT c.nullable THEN 'not null' END AS is, c.description "
	"FROM jsonb_to_recordset($1::jsonb -> 'columns') AS c "
	"(name text, type text, nullable boolean, key boolean, system boolean, description text)";
static const char properties_table[] =
	"SELECT property, value FROM jsonb_to_recordset($1::jsonb -> 'properties') "
	"AS p (property text, value text)";

static int
show_part(const CmdLine *line, PGconn *conn, const char *sql, const char *json, bool is_vertical)
{
	CmdShow show = {
		.table_sql = sql,
		.count = 1,
		.values = &json,
		.is_vertical = is_vertical,
	};

	return cmd_show(line, conn, &show);
}

static int
show_tables(const CmdLine *line, PGconn *conn, const char *json)
{
	int exit_code = show_part(line, conn, head_table, json, true);

	putchar('\n');
	if (exit_code == VC_EXIT_OK)
		exit_code = show_part(line, conn, columns_table, json, false);
	/* only what was given when it was made: often nothing */
	if (exit_code == VC_EXIT_OK && strstr(json, "\"properties\": []") == NULL)
	{
		putchar('\n');
		exit_code = show_part(line, conn, properties_table, json, false);
	}
	return exit_code;
}

/* CSV is of columns: what a table of a described object is. */
static int
describe_connected(const CmdLine *line, PGconn *conn)
{
	const char *name = cmd_argument(line, 0);
	VcError error = {0};
	PGresult *result;
	int exit_code = VC_EXIT_OK;

	result = cmd_query(conn, "SELECT velo.stream_describe($1)", 1, &name, &error);
	if (result == NULL)
		return cmd_fail(line, &error);
	if (cmd_output(line) == CMD_OUTPUT_JSON)
		puts(PQgetvalue(result, 0, 0));
	else if (cmd_output(line) == CMD_OUTPUT_TABLE)
		exit_code = show_tables(line, conn, PQgetvalue(result, 0, 0));
	else
	{
		const char *json = PQgetvalue(result, 0, 0);
		CmdShow show = {
			.data_sql = "SELECT * FROM jsonb_to_recordset($1::jsonb -> 'columns') AS c (name text, "
						"type text, nullable boolean, key boolean, system boolean, description "
						"text)",
			.count = 1,
			.values = &json,
		};

		exit_code = cmd_show(line, conn, &show);
	}
	PQclear(result);
	return exit_code;
}

static int
run_describe(const CmdLine *line)
{
	VcError error = {0};
	PGconn *conn = cmd_connect(line, &error);
	int exit_code;

	if (conn == NULL)
		return cmd_fail(line, &error);
	exit_code = describe_connected(line, conn);
	PQfinish(conn);
	return exit_code;
}

static const Command stream_describe = {
	.name = "stream describe",
	.summary = "columns, properties and jobs of a stream or table",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.names = "streams",
	.help = "With -o json everything in one object; with -o csv the columns.\n"
			"\n"
			"  velo stream describe rides\n"
			"  velo stream describe '\"Rides\"' -o csv\n",
	.run = run_describe,
};
CMD_COMMAND(stream_describe);
