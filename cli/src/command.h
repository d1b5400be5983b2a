/*
 * command.h
 *	  What a command of velo is, and what it is given.
 *
 * A command describes itself and registers:
 *
 *	  static const Command version = {.name = "version", .run = run, …};
 *	  CMD_COMMAND(version);
 *
 * in a file cmd_<noun>.c.  Usage, help, completion and the refusal of what it does not
 * know are made from the description; nothing else names the command.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/error.h"
#include "common/sqlstate.h"

typedef struct CmdOption
{
	const char *name;	 /* --name; NULL ends a list */
	char letter;		 /* -l; 0: none */
	const char *value;	 /* what its value is called in the help; NULL: a switch */
	const char *help;	 /* one line */
	const char *choices; /* what the value must be, "a|b|c"; NULL: anything */
	bool may_repeat;	 /* otherwise the last one counts */
} CmdOption;

/* A command line that fits its command; made by main, valid until the program ends. */
typedef struct CmdLine CmdLine;

typedef struct Command
{
	const char *name;	   /* "sql", or noun and verb: "job list" */
	const char *summary;   /* one line, lower case, for lists of commands */
	const char *arguments; /* as usage shows them: "NAME"; NULL: none */
	int arguments_min;	   /* how many it needs … */
	int arguments_max;	   /* … and takes */
	const char *names; /* what completes them: "jobs", "streams" or words "a|b"; NULL: nothing */
	const char *help;  /* details and examples, lines of at most 80 columns */
	const CmdOption *options; /* of its own, ended by an empty one; NULL: none */
	bool is_hidden;			  /* not shown in lists */

	/* Does the work.  Returns the exit code; has shown its own errors (cmd_fail). */
	int (*run)(const CmdLine *line);
} Command;

#define CMD_COMMAND(variable)                                                                      \
	static const Command *const cmd_registered_##variable                                          \
		__attribute__((used, section("velo_command"))) = &(variable)

/* --- what was typed -------------------------------------------------------------------- */

/* The arguments that are not options, from 0; NULL beyond the last. */
extern const char *cmd_argument(const CmdLine *line, int number);

/* Was the switch or option given?  The name is one of the command's or a global one. */
extern bool cmd_has(const CmdLine *line, const char *option);

/* The option's value, the last one if it was repeated; NULL: not given. */
extern const char *cmd_value(const CmdLine *line, const char *option);

/* The option's values in order, from 0; NULL beyond the last. */
extern const char *cmd_value_at(const CmdLine *line, const char *option, int number);

/* --- the database ---------------------------------------------------------------------- */

/*
 * Connects by --dsn, PG* variables, service and password files as psql does.  Asks for a
 * password only on a terminal.  NULL: error is set.  The caller PQfinishes it.
 */
extern PGconn *cmd_connect(const CmdLine *line, VcError *error);

/* --- errors ---------------------------------------------------------------------------- */

/*
 * Shows an error on stderr in the manner the user wants and clears it.  text: what the
 * user submitted, to show the wrong line of (NULL: none); name: what that text is called,
 * a file (NULL: it has no name).  Returns the exit code that goes with it.
 */
extern int cmd_fail_in(const CmdLine *line, VcError *error, const char *text, const char *name);

/* The same for an error that is in no text. */
extern int cmd_fail(const CmdLine *line, VcError *error);

/* A wrong command line: says what, and where the help is.  Returns VC_EXIT_USAGE. */
extern int cmd_usage(const CmdLine *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
