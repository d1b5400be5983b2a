/*
 * line.h
 *	  A command line, taken apart.
 */
#pragma once

#include "command.h"

#define CMD_ARGUMENTS_MAX 100
#define CMD_GIVEN_MAX 200

typedef enum CmdOutput
{
	CMD_OUTPUT_TABLE,
	CMD_OUTPUT_JSON,
	CMD_OUTPUT_CSV
} CmdOutput;

typedef struct CmdGiven
{
	const CmdOption *option;
	const char *value; /* NULL: a switch */
} CmdGiven;

struct CmdLine
{
	const Command *command; /* NULL: none was found */
	const char *arguments[CMD_ARGUMENTS_MAX];
	int arguments_count;
	CmdGiven given[CMD_GIVEN_MAX];
	int given_count;
	char *dsn; /* a copy of --dsn's value; NULL: not given */
};

/* Options that every command has; ended by an empty one. */
extern const CmdOption cmd_global_options[];

/*
 * Finds the command and its options.  What is wrong has been shown when this is not
 * VC_EXIT_OK.  --help and --version are left for the caller to see; line->command may
 * then be NULL.
 */
extern VcExit cmd_line_parse(CmdLine *line, int argc, char **argv);

/* How the user wants output; -o has been checked by the parser. */
extern CmdOutput cmd_output(const CmdLine *line);
