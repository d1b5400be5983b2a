/*
 * query.h
 *	  Asking the database something small, and showing the answer.
 */
#pragma once

#include "line.h"

/* Asks the server to cancel what the connection runs; without a word when it cannot. */
extern void cmd_cancel(PGconn *conn);

/*
 * Runs one statement with values for $1 …; Ctrl-C cancels it.  NULL: error is set.  The
 * caller PQclears the result.
 */
extern PGresult *cmd_query(PGconn *conn, const char *sql, int count, const char *const *values,
						   VcError *error);

/* The same, for values among which is a text of the user's, to find places of errors in. */
extern PGresult *cmd_query_in(PGconn *conn, const char *sql, int count, const char *const *values,
							  const char *text, VcError *error);

/* A question with an answer for people and one for programs. */
typedef struct CmdShow
{
	const char *table_sql; /* for -o table */
	const char *data_sql;  /* for json and csv: everything, stable names */
	int count;			   /* values for both */
	const char *const *values;
	bool is_vertical;
	/* What is missing when no row comes, "job \"x\" does not exist"; NULL: nothing is. */
	const char *missing;
	const char *missing_hint;
} CmdShow;

/* Shows the answer once.  Returns the exit code; errors have been shown. */
extern int cmd_show(const CmdLine *line, PGconn *conn, const CmdShow *show);

/* Connects and shows the answer, once or, with --watch, until Ctrl-C. */
extern int cmd_show_watched(const CmdLine *line, const CmdShow *show);

/* The options that cmd_show_watched understands, for lists of options. */
#define CMD_WATCH_OPTIONS                                                                          \
	{"watch", 'w', NULL, "show it again and again, until Ctrl-C", NULL, false},                    \
	{                                                                                              \
		"every", 0, "TIME", "how often --watch shows it; 2s", NULL, false                          \
	}
