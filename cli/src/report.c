/*
 * report.c
 *	  Shows errors: the message, the user's own line with the place, what to do.
 *
 * With -o json the error is JSON too, an object on one line of stderr, because then a
 * program reads it.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "line.h"
#include "output.h"
#include "style.h"
#include "text.h"

/* A longer line is shown from near the place on. */
#define LINE_COLUMNS_MAX 160
#define LINE_COLUMNS_BEFORE 80

/* Prints what is visible of a character and how many columns that took. */
static int
print_character(FILE *file, const char *at, int bytes, int columns)
{
	if (*at == '\t')
		fputs("    ", file);
	else if ((unsigned char) *at < ' ' || *at == 0x7F)
		fputc('?', file);
	else
		fwrite(at, 1, bytes, file);
	return *at == '\t' ? 4 : columns;
}

static const char *
find_line(const char *text, int line)
{
	for (; text && line > 1; line--)
	{
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text;
}

void
cmd_report_place(FILE *file, const char *text, int line, int column, int length, CmdStyle style)
{
	const char *at = find_line(text, line);
	int margin = snprintf(NULL, 0, "%d", line);
	int character = 1;
	int before = 0;
	int shown = 0;

	if (at == NULL)
		return;
	fprintf(file, "%s%*s |\n%d |%s ", cmd_style(file, CMD_STYLE_DIM), margin, "", line,
			cmd_style(file, CMD_STYLE_END));
	if (column > LINE_COLUMNS_BEFORE)
		before = fprintf(file, "...");
	while (*at && *at != '\n' && shown < LINE_COLUMNS_MAX)
	{
		int columns;
		int bytes = cmd_text_character(at, &columns);

		if (character > column - LINE_COLUMNS_BEFORE)
		{
			int printed = print_character(file, at, bytes, columns);

			shown += printed;
			before += character < column ? printed : 0;
		}
		character++;
		at += bytes;
	}
	fprintf(file, "%s\n%s%*s |%s %*s%s", *at && *at != '\n' ? "..." : "",
			cmd_style(file, CMD_STYLE_DIM), margin, "", cmd_style(file, CMD_STYLE_END), before, "",
			cmd_style(file, style));
	do
		fputc('^', file);
	while (--length > 0);
	fprintf(file, "%s\n", cmd_style(file, CMD_STYLE_END));
}

/* Further lines of a message stand under its first. */
static void
print_indented(FILE *file, const char *title, const char *text)
{
	fprintf(file, "%s: ", title);
	for (const char *c = text; *c; c++)
	{
		fputc(*c, file);
		if (*c == '\n' && c[1])
			fputs("    ", file);
	}
	fputc('\n', file);
}

static void
show_as_text(const VcError *error, const char *text, const char *name)
{
	fprintf(stderr, "%serror[%s]:%s %s\n", cmd_style(stderr, CMD_STYLE_ERROR), error->sqlstate,
			cmd_style(stderr, CMD_STYLE_END), error->message ? error->message : "unknown");
	if (text && error->line > 0)
	{
		if (name)
			fprintf(stderr, " --> %s:%d:%d\n", name, error->line, error->column);
		cmd_report_place(stderr, text, error->line, error->column, 1, CMD_STYLE_ERROR);
	}
	if (error->detail)
		print_indented(stderr, "detail", error->detail);
	if (error->hint)
		print_indented(stderr, "hint", error->hint);
}

static void
show_as_json(const VcError *error, const char *name)
{
	json_t *object = vc_error_json(error);

	if (name)
		json_object_set_new(object, "file", json_string(name));
	object = json_pack("{s:o}", "error", object);
	json_dumpf(object, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(object);
}

/* What most people who see it have forgotten. */
static void
add_hint(VcError *error)
{
	bool is_language = strcmp(error->sqlstate, "42704") == 0 && error->message &&
					   strstr(error->message, "\"velo\"") != NULL;

	const char *hint = NULL;

	if (is_language || strcmp(error->sqlstate, "3F000") == 0)
		hint = "Has this database the extension? CREATE EXTENSION velostream; "
			   "\"velo doctor\" tells more.";
	else if (strcmp(error->sqlstate, "25001") == 0 && error->hint == NULL)
		hint = "velo sql runs statements inside DO LANGUAGE velo; for this one use psql.";
	if (hint == NULL)
		return;
	free(error->hint);
	error->hint = strdup(hint);
}

int
cmd_fail_in(const CmdLine *line, VcError *error, const char *text, const char *name)
{
	int exit_code = vc_sqlstate_meaning(error->sqlstate)->exit_code;

	cmd_output_flush();
	/* What Ctrl-C led to is no error, whatever it looks like by now. */
	if (cmd_interrupted() || cmd_reader_gone())
	{
		vc_error_clear(error);
		return cmd_interrupt_exit();
	}
	add_hint(error);
	if (cmd_output(line) == CMD_OUTPUT_JSON)
		show_as_json(error, name);
	else
		show_as_text(error, text, name);
	vc_error_clear(error);
	return exit_code;
}

int
cmd_fail(const CmdLine *line, VcError *error)
{
	return cmd_fail_in(line, error, NULL, NULL);
}
