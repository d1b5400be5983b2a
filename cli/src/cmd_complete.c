/*
 * cmd_complete.c
 *	  velo __complete: candidates for the last word of a command line.
 *
 * What the scripts of "velo completion" call, with what was typed so far as arguments.
 * A candidate a line, with a tab and a description where there is one; ":files" asks for
 * the shell's own completion of file names.  It never says what went wrong: a completion
 * that cannot be had is no error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "registered.h"

#define CONNECT_TIMEOUT_S "2"
#define NAMES_MAX_SQL " LIMIT 1000"

/* What stands before the word that is completed. */
typedef struct Typed
{
	const Command *command;
	const char *noun;		   /* typed, but no verb yet */
	const CmdOption *awaiting; /* its value is what is completed */
	const char *dsn;
	int arguments;
} Typed;

static void
offer(const char *prefix, const char *word, const char *description)
{
	if (strncmp(word, prefix, strlen(prefix)) == 0)
		printf(description ? "%s\t%s\n" : "%s\n", word, description);
}

static void
offer_choices(const char *prefix, const char *choices)
{
	char *words = strdup(choices);
	char *rest;

	for (char *word = strtok_r(words, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
		offer(prefix, word, NULL);
	free(words);
}

/* --- understanding what was typed ------------------------------------------------------ */

static const CmdOption *
find_option(const Typed *typed, const char *word)
{
	const CmdOption *lists[] = {typed->command ? typed->command->options : NULL,
								cmd_global_options};

	for (int i = 0; i < 2; i++)
		for (const CmdOption *o = lists[i]; o && o->name; o++)
		{
			bool is_long = word[1] == '-' && strcmp(word + 2, o->name) == 0;

			if (is_long || (word[1] != '-' && o->letter && word[1] == o->letter && word[2] == '\0'))
				return o;
		}
	return NULL;
}

static void
read_word(Typed *typed, const char *word)
{
	char name[200];

	if (typed->awaiting)
	{
		if (strcmp(typed->awaiting->name, "dsn") == 0)
			typed->dsn = word;
		typed->awaiting = NULL;
	}
	else if (word[0] == '-' && word[1] != '\0')
	{
		const CmdOption *option = find_option(typed, word);

		if (option && option->value)
			typed->awaiting = option;
	}
	else if (typed->command)
		typed->arguments++;
	else if (typed->noun)
	{
		snprintf(name, sizeof(name), "%s %s", typed->noun, word);
		typed->command = cmd_registered_find(name);
	}
	else if (cmd_registered_is_noun(word))
		typed->noun = word;
	else
		typed->command = cmd_registered_find(word);
}

/* --- candidates ------------------------------------------------------------------------ */

/* Commands of one word, and nouns once each; the list is sorted. */
static void
offer_commands(const char *prefix)
{
	const Command *command;
	char last[100] = "";

	for (int i = 0; (command = cmd_registered(i)); i++)
	{
		const char *space = strchr(command->name, ' ');
		char noun[100];

		if (command->is_hidden)
			continue;
		if (space == NULL)
		{
			offer(prefix, command->name, command->summary);
			continue;
		}
		snprintf(noun, sizeof(noun), "%.*s", (int) (space - command->name), command->name);
		if (strcmp(noun, last) != 0)
		{
			char description[150];

			snprintf(description, sizeof(description), "commands for %ss", noun);
			offer(prefix, noun, description);
		}
		strcpy(last, noun);
	}
}

static void
offer_verbs(const char *prefix, const char *noun)
{
	size_t length = strlen(noun);
	const Command *command;

	for (int i = 0; (command = cmd_registered(i)); i++)
		if (!command->is_hidden && strncmp(command->name, noun, length) == 0 &&
			command->name[length] == ' ')
			offer(prefix, command->name + length + 1, command->summary);
}

static void
offer_options(const char *prefix, const Typed *typed)
{
	const CmdOption *lists[] = {typed->command ? typed->command->options : NULL,
								cmd_global_options};

	for (int i = 0; i < 2; i++)
		for (const CmdOption *o = lists[i]; o && o->name; o++)
		{
			char word[100];

			snprintf(word, sizeof(word), "--%s", o->name);
			offer(prefix, word, o->help);
		}
}

static void
offer_names(const char *prefix, const Typed *typed, const char *sql)
{
	CmdLine line = {.dsn = (char *) typed->dsn};
	VcError error = {0};
	PGresult *result = NULL;
	PGconn *conn;

	/* who waits for a completion has other things to do */
	setenv("PGCONNECT_TIMEOUT", CONNECT_TIMEOUT_S, true);
	conn = cmd_connect(&line, &error);
	if (conn)
		result = cmd_query(conn, sql, 0, NULL, &error);
	for (int row = 0; row < PQntuples(result); row++)
		offer(prefix, PQgetvalue(result, row, 0), PQgetvalue(result, row, 1));
	PQclear(result);
	PQfinish(conn);
	vc_error_clear(&error);
}

static void
offer_arguments(const char *prefix, const Typed *typed)
{
	const char *names = typed->command->names;

	if (names == NULL || typed->arguments >= typed->command->arguments_max)
		return;
	if (strcmp(names, "jobs") == 0)
		offer_names(prefix, typed, "SELECT name, status FROM velo.job_list()" NAMES_MAX_SQL);
	else if (strcmp(names, "streams") == 0)
		offer_names(prefix, typed,
					"SELECT sql_name::regclass::text, type || ' ' || kind "
					"FROM velo.stream_list()" NAMES_MAX_SQL);
	else if (strcmp(names, "commands") == 0)
		offer_commands(prefix);
	else
		offer_choices(prefix, names);
}

static int
run(const CmdLine *line)
{
	Typed typed = {0};
	const char *prefix = "";
	const char *word;

	for (int i = 0; (word = cmd_argument(line, i)); i++)
	{
		prefix = word;
		if (cmd_argument(line, i + 1))
			read_word(&typed, word);
	}
	if (typed.awaiting && typed.awaiting->choices)
		offer_choices(prefix, typed.awaiting->choices);
	else if (typed.awaiting && strcmp(typed.awaiting->value, "FILE") == 0)
		puts(":files");
	else if (typed.awaiting)
		return VC_EXIT_OK;
	else if (*prefix == '-')
		offer_options(prefix, &typed);
	else if (typed.command)
		offer_arguments(prefix, &typed);
	else if (typed.noun)
		offer_verbs(prefix, typed.noun);
	else
		offer_commands(prefix);
	return VC_EXIT_OK;
}

static const Command complete = {
	.name = "__complete",
	.summary = "candidates for completion, for the scripts of velo completion",
	.arguments = "-- WORD…",
	.arguments_max = CMD_ARGUMENTS_MAX,
	.is_hidden = true,
	.run = run,
};
CMD_COMMAND(complete);
