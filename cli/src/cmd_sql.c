/*
 * cmd_sql.c
 *	  velo sql: runs statements of the dialect.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "script.h"
#include "text.h"

static const CmdOption options[] = {
	{"file", 'f', "FILE", "read the statements from a file, - is stdin", NULL, false},
	{"limit", 'n', "N", "stop after N rows", NULL, false},
	{"for", 't', "TIME", "stop after that time: 500ms, 10s, 5m", NULL, false},
	{"param", 'p', "NAME=VALUE", "what ${NAME} in properties stands for", NULL, true},
	{0},
};

/* The exit code, or -1 when the options are good. */
static int
read_limits(const CmdLine *line, CmdScript *script)
{
	const char *limit = cmd_value(line, "limit");
	const char *time = cmd_value(line, "for");
	const char *parameter;
	char *end;

	script->limit = limit ? strtoll(limit, &end, 10) : -1;
	if (limit && (end == limit || *end || script->limit < 1))
		return cmd_usage(line, "--limit needs a number of rows from 1 on, not \"%s\"", limit);
	script->for_ms = time ? cmd_text_duration_ms(time) : -1;
	if (time && script->for_ms < 0)
		return cmd_usage(line, "--for needs a time such as 500ms, 10s or 5m, not \"%s\"", time);
	for (int i = 0; (parameter = cmd_value_at(line, "param", i)); i++)
		if (strchr(parameter, '=') == NULL || *parameter == '=')
			return cmd_usage(line, "--param needs NAME=VALUE, not \"%s\"", parameter);
	return -1;
}

static int
run_text(const CmdLine *line, CmdScript *script)
{
	VcError error = {0};
	PGconn *conn = cmd_connect(line, &error);
	int exit_code;

	if (conn == NULL)
		return cmd_fail(line, &error);
	exit_code = cmd_script_run(line, conn, script);
	PQfinish(conn);
	return exit_code;
}

static int
run(const CmdLine *line)
{
	const char *file = cmd_value(line, "file");
	const char *argument = cmd_argument(line, 0);
	CmdScript script;
	VcError error = {0};
	char *text;
	int exit_code = read_limits(line, &script);

	if (exit_code >= 0)
		return exit_code;
	if (file && argument)
		return cmd_usage(line, "either a text or --file, not both");
	if (file == NULL && argument == NULL && isatty(STDIN_FILENO))
		return cmd_usage(line, "velo sql needs statements: as TEXT, by --file, or on stdin");
	if (argument && strcmp(argument, "-") != 0)
		text = strdup(argument);
	else
		text = cmd_text_read(file ? file : "-", &error);
	if (text == NULL)
		return cmd_fail(line, &error);
	if (text[strspn(text, " \t\r\n;")] == '\0')
		exit_code = cmd_usage(line, "there is no statement in it");
	else
	{
		script.text = text;
		script.name = file && strcmp(file, "-") != 0 ? file : NULL;
		exit_code = run_text(line, &script);
	}
	free(text);
	return exit_code;
}

static const Command sql = {
	.name = "sql",
	.summary = "run statements; rows of a live query as they come",
	.arguments = "[TEXT | -f FILE | -]",
	.arguments_max = 1,
	.help = "Runs one or more statements: queries over streams, CREATE STREAM, jobs, and\n"
			"PostgreSQL's own. A query with EMIT CHANGES has no end; Ctrl-C, --limit or --for\n"
			"stop it. Rows go to stdout, everything else to stderr.\n"
			"\n"
			"  velo sql \"SELECT zone, fare FROM rides EMIT CHANGES\"\n"
			"  velo sql \"SELECT * FROM rides EMIT CHANGES\" --limit 100 -o csv >rides.csv\n"
			"  velo sql -o json \"SELECT * FROM alerts EMIT CHANGES\" | jq .zone\n"
			"  velo sql -f pipeline.sql --param TOPIC=rides\n",
	.options = options,
	.run = run,
};
CMD_COMMAND(sql);
