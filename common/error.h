/*
 * error.h
 *	  An error as every door shows it.
 */
#pragma once

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>

/* All strings are owned, NULL when not given; all zero is "no error". */
typedef struct VcError
{
	char sqlstate[6]; /* "" : none */
	char *message;
	char *detail;
	char *hint;
	char *context;
	/* Where in the text that the user gave; from 1, in characters; 0: not known. */
	int line;
	int column;
} VcError;

/*
 * Fills an error from what PostgreSQL answered.
 *
 * text: what the user submitted, to find line and column of an error in; NULL: none.  An
 * error inside velo.execute and its like carries that text as its internal query.
 * before: characters that stand before the text in the statement that was sent, as
 * "DO LANGUAGE velo $$" does; 0 for a text that is a parameter.
 */
extern void vc_error_from_result(VcError *error, const PGresult *result, const char *text,
								 int before);

/* From a connection that failed or was lost: 08006, or what the server said at log-in. */
extern void vc_error_from_connection(VcError *error, const PGconn *conn);

/* Of our own making; detail and hint may be NULL.  Replaces what is there. */
extern void vc_error_set(VcError *error, const char *sqlstate, const char *message,
						 const char *detail, const char *hint);

/*
 * {"code": SQLSTATE, "message": …, "detail": …, "hint": …, "line": …, "column": …}; what is
 * not known is left out.  The caller owns it.
 */
extern json_t *vc_error_json(const VcError *error);

extern bool vc_error_is_set(const VcError *error);

/* Frees the strings and makes it "no error". */
extern void vc_error_clear(VcError *error);
