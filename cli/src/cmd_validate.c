/*
 * cmd_validate.c
 *	  velo validate: what is wrong with a text, for people, editors and CI.
 *
 * Diagnostics look as those of compilers, because every editor knows how to jump from
 * "file:line:column: error:" to the place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query.h"
#include "report.h"
#include "style.h"
#include "text.h"
#include "writer.h"

/* Columns of the query below. */
enum
{
	AT_FILE,
	AT_STATEMENT,
	AT_SEVERITY,
	AT_SQLSTATE,
	AT_MESSAGE,
	AT_DETAIL,
	AT_HINT,
	AT_LINE,
	AT_COLUMN,
	AT_END_LINE,
	AT_END_COLUMN
};

static const char diagnostics[] =
	"SELECT $2::text AS file, statement, severity, sqlstate, message, detail, hint, line, "
	"\"column\", end_line, end_column FROM velo.validate($1, $3::jsonb)";

typedef struct Validation
{
	const CmdLine *line;
	PGconn *conn;
	CmdWriter *writer; /* of json and csv */
	char *params;	   /* JSON */
	int errors;
	int warnings;
} Validation;

static const CmdOption options[] = {
	{"file", 'f', "FILE", "check a file, - is stdin; may be repeated", NULL, true},
	{"strict", 0, NULL, "warnings are as bad as errors", NULL, false},
	{"param", 'p', "NAME=VALUE", "what ${NAME} in properties stands for", NULL, true},
	{0},
};

static int
number_at(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? 0 : atoi(PQgetvalue(result, row, column));
}

static void
show_for_people(const PGresult *result, int row, const char *text, bool is_quiet)
{
	bool is_error = strcmp(PQgetvalue(result, row, AT_SEVERITY), "ERROR") == 0;
	CmdStyle style = is_error ? CMD_STYLE_ERROR : CMD_STYLE_WARNING;
	int line = number_at(result, row, AT_LINE);
	int column = number_at(result, row, AT_COLUMN);
	int length = number_at(result, row, AT_END_LINE) == line
					 ? number_at(result, row, AT_END_COLUMN) - column
					 : 1;

	printf("%s:%d:%d: %s%s:%s %s [%s]\n", PQgetvalue(result, row, AT_FILE), line > 0 ? line : 1,
		   column > 0 ? column : 1, cmd_style(stdout, style), is_error ? "error" : "warning",
		   cmd_style(stdout, CMD_STYLE_END), PQgetvalue(result, row, AT_MESSAGE),
		   PQgetvalue(result, row, AT_SQLSTATE));
	if (is_quiet)
		return;
	if (line > 0)
		cmd_report_place(stdout, text, line, column, length, style);
	if (!PQgetisnull(result, row, AT_DETAIL))
		printf("detail: %s\n", PQgetvalue(result, row, AT_DETAIL));
	if (!PQgetisnull(result, row, AT_HINT))
		printf("hint: %s\n", PQgetvalue(result, row, AT_HINT));
}

/* The exit code of an error that kept the text from being checked, else VC_EXIT_OK. */
static int
check_text(Validation *validation, const char *text, const char *name)
{
	const char *values[] = {text, name, validation->params};
	VcError error = {0};
	PGresult *result = cmd_query(validation->conn, diagnostics, 3, values, &error);

	if (result == NULL)
		return cmd_fail(validation->line, &error);
	for (int row = 0; row < PQntuples(result); row++)
	{
		if (strcmp(PQgetvalue(result, row, AT_SEVERITY), "ERROR") == 0)
			validation->errors++;
		else
			validation->warnings++;
		if (validation->writer)
			cmd_writer_row(validation->writer, result, row);
		else
			show_for_people(result, row, text, cmd_has(validation->line, "quiet"));
	}
	PQclear(result);
	return VC_EXIT_OK;
}

static int
check_file(Validation *validation, const char *path)
{
	VcError error = {0};
	char *text = cmd_text_read(path, &error);
	int exit_code;

	if (text == NULL)
		return cmd_fail(validation->line, &error);
	exit_code = check_text(validation, text, strcmp(path, "-") == 0 ? "stdin" : path);
	free(text);
	return exit_code;
}

static int
check_all(Validation *validation)
{
	const CmdLine *line = validation->line;
	const char *argument = cmd_argument(line, 0);
	const char *file;
	int exit_code = VC_EXIT_OK;

	if (argument && strcmp(argument, "-") != 0)
		return check_text(validation, argument, "text");
	if (argument || !cmd_has(line, "file"))
		return check_file(validation, "-");
	for (int i = 0; exit_code == VC_EXIT_OK && (file = cmd_value_at(line, "file", i)); i++)
		exit_code = check_file(validation, file);
	return exit_code;
}

static char *
params_as_json(const CmdLine *line)
{
	json_t *object = json_object();
	const char *given;
	char *text;

	for (int i = 0; (given = cmd_value_at(line, "param", i)); i++)
	{
		char *name = strndup(given, strcspn(given, "="));

		json_object_set_new(object, name, json_string(given + strlen(name) + 1));
		free(name);
	}
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static int
finish(Validation *validation, int exit_code)
{
	const CmdLine *line = validation->line;
	int faults = validation->errors + (cmd_has(line, "strict") ? validation->warnings : 0);

	if (validation->writer)
		cmd_writer_close(validation->writer);
	else if (exit_code == VC_EXIT_OK && !cmd_has(line, "quiet") && isatty(STDOUT_FILENO))
		printf("%s%d error%s, %d warning%s%s\n",
			   cmd_style(stdout, faults ? CMD_STYLE_ERROR : CMD_STYLE_GOOD), validation->errors,
			   validation->errors == 1 ? "" : "s", validation->warnings,
			   validation->warnings == 1 ? "" : "s", cmd_style(stdout, CMD_STYLE_END));
	if (exit_code != VC_EXIT_OK)
		return exit_code;
	return faults > 0 ? VC_EXIT_INVALID : VC_EXIT_OK;
}

static int
run(const CmdLine *line)
{
	Validation validation = {.line = line};
	VcError error = {0};
	const char *given;
	int exit_code;

	for (int i = 0; (given = cmd_value_at(line, "param", i)); i++)
		if (strchr(given, '=') == NULL || *given == '=')
			return cmd_usage(line, "--param needs NAME=VALUE, not \"%s\"", given);
	if (cmd_has(line, "file") && cmd_argument(line, 0))
		return cmd_usage(line, "either a text or --file, not both");
	if (!cmd_has(line, "file") && !cmd_argument(line, 0) && isatty(STDIN_FILENO))
		return cmd_usage(line, "velo validate needs a TEXT, --file, or something on stdin");
	validation.conn = cmd_connect(line, &error);
	if (validation.conn == NULL)
		return cmd_fail(line, &error);
	validation.params = params_as_json(line);
	if (cmd_output(line) != CMD_OUTPUT_TABLE)
		validation.writer = cmd_writer_open(&(CmdWriterOptions) {.output = cmd_output(line)});
	exit_code = finish(&validation, check_all(&validation));
	free(validation.params);
	PQfinish(validation.conn);
	return exit_code;
}

static const Command validate = {
	.name = "validate",
	.summary = "check statements without running them",
	.arguments = "[TEXT | -f FILE | -]",
	.arguments_max = 1,
	.help = "Tells everything that is wrong, as file:line:column: error: message. Nothing is\n"
			"made or changed. The exit code is 0, or 8 when there is an error.\n"
			"\n"
			"  velo validate -f pipeline.sql\n"
			"  velo validate -f a.sql -f b.sql --strict -q     for CI\n"
			"  velo validate -o json - <pipeline.sql           for editors\n",
	.options = options,
	.run = run,
};
CMD_COMMAND(validate);
