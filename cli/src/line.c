/*
 * line.c
 *	  Takes a command line apart by the descriptions of the commands.
 *
 * Not getopt: options may stand anywhere, differ by command, and somebody who types a
 * wrong one shall hear which one was meant.
 */
#include "line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registered.h"
#include "suggest.h"
#include "style.h"

#define NAME_MAX_BYTES 100

const CmdOption cmd_global_options[] = {
	{"dsn", 'd', "DSN", "connection string, URI or database; else PG* variables", NULL, false},
	{"output", 'o', "FORMAT", "table, json (an object a line) or csv", "table|json|csv", false},
	{"quiet", 'q', NULL, "no status line, no summary, no notices", NULL, false},
	{"no-color", 0, NULL, "no colours; also by NO_COLOR in the environment", NULL, false},
	{"help", 'h', NULL, "help about the command", NULL, false},
	{"version", 'V', NULL, "version of this program", NULL, false},
	{0},
};

int
cmd_usage(const CmdLine *line, const char *format, ...)
{
	va_list values;

	fprintf(stderr, "%serror:%s ", cmd_style(stderr, CMD_STYLE_ERROR),
			cmd_style(stderr, CMD_STYLE_END));
	va_start(values, format);
	vfprintf(stderr, format, values);
	va_end(values);
	fprintf(stderr, "\nTry: velo %s%s--help\n", line->command ? line->command->name : "",
			line->command ? " " : "");
	return VC_EXIT_USAGE;
}

/* --- options --------------------------------------------------------------------------- */

static const CmdOption *
find_in(const CmdOption *options, const char *name, size_t length, char letter)
{
	for (; options && options->name; options++)
	{
		if (letter ? options->letter == letter
				   : strlen(options->name) == length && strncmp(options->name, name, length) == 0)
			return options;
	}
	return NULL;
}

static const CmdOption *
find_option(const CmdLine *line, const char *name, size_t length, char letter)
{
	const CmdOption *own = line->command ? find_in(line->command->options, name, length, letter)
										 : NULL;

	return own ? own : find_in(cmd_global_options, name, length, letter);
}

static VcExit
unknown_option(const CmdLine *line, const char *word, size_t length)
{
	char name[NAME_MAX_BYTES];
	CmdSuggestion suggestion = {.wrong = name};

	snprintf(name, sizeof(name), "%.*s", (int) length, word);
	for (const CmdOption *o = line->command ? line->command->options : NULL; o && o->name; o++)
		cmd_suggest(&suggestion, o->name);
	for (const CmdOption *o = cmd_global_options; o->name; o++)
		cmd_suggest(&suggestion, o->name);
	if (suggestion.best)
		return cmd_usage(line, "there is no option --%s; did you mean --%s?", name,
						 suggestion.best);
	return cmd_usage(line, "there is no option --%s", name);
}

/* Is the word one of "a|b|c"? */
static bool
is_choice(const char *choices, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = choices; length > 0 && at; at = strchr(at, '|'))
	{
		at += *at == '|';
		if (strncmp(at, word, length) == 0 && (at[length] == '|' || at[length] == '\0'))
			return true;
	}
	return false;
}

static VcExit
add_given(CmdLine *line, const CmdOption *option, const char *value)
{
	if (line->given_count == CMD_GIVEN_MAX)
		return cmd_usage(line, "too many options; %d are possible", CMD_GIVEN_MAX);
	if (option->choices && value && !is_choice(option->choices, value))
	{
		char words[NAME_MAX_BYTES];
		char *rest = NULL;
		CmdSuggestion suggestion = {.wrong = value};

		snprintf(words, sizeof(words), "%s", option->choices);
		for (char *word = strtok_r(words, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
			cmd_suggest(&suggestion, word);
		if (suggestion.best)
			return cmd_usage(line, "--%s cannot be \"%s\"; did you mean %s?", option->name, value,
							 suggestion.best);
		return cmd_usage(line, "--%s cannot be \"%s\"; it is one of %s", option->name, value,
						 option->choices);
	}
	line->given[line->given_count++] = (CmdGiven) {option, value};
	return VC_EXIT_OK;
}

/* --name, --name=value, --name value; *at is the word's place in argv. */
static VcExit
long_option(CmdLine *line, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2;
	size_t length = strcspn(name, "=");
	const CmdOption *option = find_option(line, name, length, 0);

	if (option == NULL)
		return unknown_option(line, name, length);
	if (option->value == NULL)
		return name[length] ? cmd_usage(line, "--%s has no value", option->name)
							: add_given(line, option, NULL);
	if (name[length])
		return add_given(line, option, name + length + 1);
	if (*at + 1 == argc)
		return cmd_usage(line, "--%s needs a value: --%s %s", option->name, option->name,
						 option->value);
	return add_given(line, option, argv[++*at]);
}

/* -x, -xy, -xVALUE, -x VALUE */
static VcExit
short_options(CmdLine *line, int argc, char **argv, int *at)
{
	for (const char *letter = argv[*at] + 1; *letter; letter++)
	{
		const CmdOption *option = find_option(line, NULL, 0, *letter);
		VcExit exit_code;

		if (option == NULL)
			return cmd_usage(line, "there is no option -%c", *letter);
		if (option->value && letter[1])
			return add_given(line, option, letter + 1);
		if (option->value && *at + 1 == argc)
			return cmd_usage(line, "-%c needs a value: -%c %s", *letter, *letter, option->value);
		if (option->value)
			return add_given(line, option, argv[++*at]);
		exit_code = add_given(line, option, NULL);
		if (exit_code != VC_EXIT_OK)
			return exit_code;
	}
	return VC_EXIT_OK;
}

/* --- commands -------------------------------------------------------------------------- */

static VcExit
unknown_command(const CmdLine *line, const char *typed, const char *noun)
{
	CmdSuggestion suggestion = {.wrong = typed};
	const Command *command;

	for (int i = 0; (command = cmd_registered(i)); i++)
		if (!command->is_hidden)
			cmd_suggest(&suggestion, command->name);
	/* "jobs", "list": near to one word of a command */
	for (int i = 0; suggestion.best == NULL && (command = cmd_registered(i)); i++)
	{
		const char *verb = strchr(command->name, ' ');
		CmdSuggestion part = {.wrong = typed};
		char word[NAME_MAX_BYTES];

		if (verb == NULL)
			continue;
		snprintf(word, sizeof(word), "%.*s", (int) (verb - command->name), command->name);
		cmd_suggest(&part, word);
		cmd_suggest(&part, verb + 1);
		if (part.best)
			suggestion.best = command->name;
	}
	if (suggestion.best)
		return cmd_usage(line, "there is no command \"%s\"; did you mean \"velo %s\"?", typed,
						 suggestion.best);
	return cmd_usage(line, "there is no command \"%s\"", typed);
}

static VcExit
verb_needed(const CmdLine *line, const char *noun)
{
	size_t length = strlen(noun);
	const Command *command;
	char verbs[1000] = "";

	for (int i = 0; (command = cmd_registered(i)); i++)
		if (strncmp(command->name, noun, length) == 0 && command->name[length] == ' ')
		{
			size_t used = strlen(verbs);

			snprintf(verbs + used, sizeof(verbs) - used, "%s%s", used ? ", " : "",
					 command->name + length + 1);
		}
	return cmd_usage(line, "what about %ss? velo %s has: %s", noun, noun, verbs);
}

/* The command in the first word or two; *at moves beyond them. */
static VcExit
find_command(CmdLine *line, int argc, char **argv, int *at)
{
	const char *noun = argv[*at];
	char name[NAME_MAX_BYTES];

	if (cmd_registered_is_noun(noun))
	{
		const char *verb = *at + 1 < argc && argv[*at + 1][0] != '-' ? argv[*at + 1] : NULL;

		if (verb == NULL)
		{
			/* "velo job --help" is a question about all of its verbs */
			line->arguments[line->arguments_count++] = noun;
			++*at;
			return VC_EXIT_OK;
		}
		snprintf(name, sizeof(name), "%s %s", noun, verb);
		line->command = cmd_registered_find(name);
		*at += 2;
	}
	else
	{
		snprintf(name, sizeof(name), "%s", noun);
		line->command = cmd_registered_find(name);
		*at += 1;
	}
	return line->command ? VC_EXIT_OK : unknown_command(line, name, noun);
}

static VcExit
check_arguments(const CmdLine *line)
{
	const Command *command = line->command;
	int count = line->arguments_count;

	if (count > command->arguments_max && command->arguments_max == 0)
		return cmd_usage(line, "velo %s takes no argument, but \"%s\" was given", command->name,
						 line->arguments[0]);
	if (count > command->arguments_max)
		return cmd_usage(line, "velo %s takes no more than %s; quote what belongs together",
						 command->name, command->arguments);
	if (count < command->arguments_min)
		return cmd_usage(line, "velo %s needs %s", command->name, command->arguments);
	return VC_EXIT_OK;
}

static VcExit
add_word(CmdLine *line, int argc, char **argv, int *at)
{
	const char *word = argv[*at];

	if (line->command == NULL && line->arguments_count == 0)
	{
		VcExit exit_code = find_command(line, argc, argv, at);

		--*at; /* the loop goes on to the next word */
		return exit_code;
	}
	if (line->arguments_count == CMD_ARGUMENTS_MAX)
		return cmd_usage(line, "too many arguments; %d are possible", CMD_ARGUMENTS_MAX);
	line->arguments[line->arguments_count++] = word;
	return VC_EXIT_OK;
}

/* A password on the command line can be seen by every user of the machine. */
static void
hide_dsn(CmdLine *line, char **argv, int argc)
{
	const char *dsn = cmd_value(line, "dsn");

	if (dsn == NULL)
		return;
	line->dsn = strdup(dsn);
	if (strstr(dsn, "password") == NULL && strchr(dsn, '@') == NULL)
		return;
	for (CmdGiven *g = line->given; g < line->given + line->given_count; g++)
		if (strcmp(g->option->name, "dsn") == 0)
			memset((char *) g->value, '*', strlen(g->value));
}

VcExit
cmd_line_parse(CmdLine *line, int argc, char **argv)
{
	bool options_end = false;
	VcExit exit_code = VC_EXIT_OK;

	for (int at = 1; at < argc && exit_code == VC_EXIT_OK; at++)
	{
		const char *word = argv[at];

		if (options_end || word[0] != '-' || word[1] == '\0')
			exit_code = add_word(line, argc, argv, &at);
		else if (strcmp(word, "--") == 0)
			options_end = true;
		else if (word[1] == '-')
			exit_code = long_option(line, argc, argv, &at);
		else
			exit_code = short_options(line, argc, argv, &at);
	}
	hide_dsn(line, argv, argc);
	if (exit_code != VC_EXIT_OK || cmd_has(line, "help") || cmd_has(line, "version"))
		return exit_code;
	if (line->command == NULL && line->arguments_count > 0)
		return verb_needed(line, line->arguments[0]);
	return line->command ? check_arguments(line) : VC_EXIT_OK;
}

/* --- what was found -------------------------------------------------------------------- */

const char *
cmd_argument(const CmdLine *line, int number)
{
	return number < line->arguments_count ? line->arguments[number] : NULL;
}

bool
cmd_has(const CmdLine *line, const char *option)
{
	for (int i = 0; i < line->given_count; i++)
		if (strcmp(line->given[i].option->name, option) == 0)
			return true;
	return false;
}

const char *
cmd_value(const CmdLine *line, const char *option)
{
	for (int i = line->given_count - 1; i >= 0; i--)
		if (strcmp(line->given[i].option->name, option) == 0)
			return line->given[i].value;
	return NULL;
}

const char *
cmd_value_at(const CmdLine *line, const char *option, int number)
{
	for (int i = 0; i < line->given_count; i++)
		if (strcmp(line->given[i].option->name, option) == 0 && number-- == 0)
			return line->given[i].value;
	return NULL;
}

CmdOutput
cmd_output(const CmdLine *line)
{
	const char *format = cmd_value(line, "output");

	if (format == NULL || strcmp(format, "table") == 0)
		return CMD_OUTPUT_TABLE;
	return strcmp(format, "json") == 0 ? CMD_OUTPUT_JSON : CMD_OUTPUT_CSV;
}
