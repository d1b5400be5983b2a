/*
 * script.h
 *	  Runs statements of the dialect and writes their rows as they come.
 */
#pragma once

#include "line.h"

typedef struct CmdScript
{
	const char *text; /* statements */
	const char *name; /* what errors call it: a file; NULL: nothing */
	long long limit;  /* stop after so many rows; below 0: never */
	long for_ms;	  /* stop after that time; below 0: never */
} CmdScript;

/* Returns the exit code; errors have been shown. */
extern int cmd_script_run(const CmdLine *line, PGconn *conn, const CmdScript *script);
