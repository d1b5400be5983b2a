/*
 * help.c
 *	  Help, made from the commands' descriptions.
 */
#include "help.h"

#include <string.h>

#include "registered.h"
#include "style.h"

static const char introduction[] =
	"velo runs streaming SQL in PostgreSQL and looks after its jobs.\n"
	"\n"
	"  velo sql \"SELECT * FROM rides EMIT CHANGES\"     live rows until Ctrl-C\n"
	"  velo sql -f pipeline.sql                        a file of statements\n"
	"  velo validate -f pipeline.sql                   is it right? file:line:column\n"
	"  velo job list                                   what is running\n"
	"  velo job status rides_per_zone --watch          … and how it is doing\n"
	"  velo doctor                                     is everything in order?\n";

static const char ending[] =
	"\n"
	"It connects as psql does: PGHOST, PGPORT, PGUSER, PGDATABASE, PGSERVICE, ~/.pgpass,\n"
	"or --dsn. \"velo COMMAND --help\" tells more about a command, docs/cli about all.\n";

static void
head(FILE *file, const char *text)
{
	fprintf(file, "\n%s%s%s\n", cmd_style(file, CMD_STYLE_HEAD), text,
			cmd_style(file, CMD_STYLE_END));
}

static void
list_options(FILE *file, const char *title, const CmdOption *options)
{
	head(file, title);
	for (; options->name; options++)
	{
		char words[100];

		if (options->letter)
			snprintf(words, sizeof(words), "-%c, --%s %s", options->letter, options->name,
					 options->value ? options->value : "");
		else
			snprintf(words, sizeof(words), "    --%s %s", options->name,
					 options->value ? options->value : "");
		fprintf(file, "  %-26s %s\n", words, options->help);
	}
}

/* Those of a noun, or all: NULL. */
static void
list_commands(FILE *file, const char *noun)
{
	size_t length = noun ? strlen(noun) : 0;
	const Command *command;

	head(file, "Commands");
	for (int i = 0; (command = cmd_registered(i)); i++)
	{
		if (command->is_hidden)
			continue;
		if (noun && (strncmp(command->name, noun, length) != 0 || command->name[length] != ' '))
			continue;
		fprintf(file, "  %-20s %s\n", command->name, command->summary);
	}
}

static void
about_command(FILE *file, const Command *command)
{
	fprintf(file, "%s\n", command->summary);
	head(file, "Usage");
	fprintf(file, "  velo %s%s%s [OPTION]…\n", command->name, command->arguments ? " " : "",
			command->arguments ? command->arguments : "");
	if (command->help)
		fprintf(file, "\n%s", command->help);
	if (command->options)
		list_options(file, "Options", command->options);
	list_options(file, "Options of every command", cmd_global_options);
}

static void
about_noun(FILE *file, const char *noun)
{
	fprintf(file, "Usage: velo %s COMMAND [OPTION]…\n", noun);
	list_commands(file, noun);
}

int
cmd_help(const CmdLine *line, FILE *file)
{
	if (line->command)
		about_command(file, line->command);
	else if (line->arguments_count > 0)
		about_noun(file, line->arguments[0]);
	else
	{
		fputs(introduction, file);
		list_commands(file, NULL);
		list_options(file, "Options of every command", cmd_global_options);
		fputs(ending, file);
	}
	return VC_EXIT_OK;
}

int
cmd_help_about(const CmdLine *line, const char *words)
{
	const Command *command = cmd_registered_find(words);

	if (command)
		about_command(stdout, command);
	else if (cmd_registered_is_noun(words))
		about_noun(stdout, words);
	else
		return cmd_usage(line, "there is no command \"%s\"", words);
	return VC_EXIT_OK;
}
