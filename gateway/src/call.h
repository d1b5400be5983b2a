/*
 * call.h
 *	  Calling one SQL function for a request.
 */
#pragma once

#include "common/error.h"
#include "gateway/src/request.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>

typedef enum VgResult
{
	VG_RESULT_ROWS, /* [{…}, …]; of a function that returns jsonb, an array of that */
	VG_RESULT_ROW,	/* {…}; none is an error P0002 */
	VG_RESULT_VALUE,
	VG_RESULT_TEXT /* a JSON string for vg_call(), the bare text for vg_call_text() */
} VgResult;

/* An argument by its name; the value is text, NULL for SQL's NULL. */
typedef struct VgArgument
{
	const char *name;
	const char *type; /* as format_type() writes it; NULL: text */
	const char *value;
} VgArgument;

typedef struct VgCall
{
	const char *function; /* qualified and quoted, as velo.routes and velo.tools have it */
	const VgArgument *arguments;
	int argument_count;
	VgResult result;
	bool is_read_only; /* in a READ ONLY transaction */
	/* The argument that is the user's text, for line and column of errors; or NULL. */
	const char *text;
	const char *door;	/* "http", "mcp": for velo.request */
	VgRequest *request; /* for velo.request, and for cancelling; may be NULL */
} VgCall;

/*
 * One transaction: statement_timeout and velo.request are set for it, the function is
 * called, and it commits.  NULL: error is set and the transaction rolled back.  The caller
 * owns the result (SQL's NULL is json_null()).
 */
extern json_t *vg_call(PGconn *conn, const VgCall *call, VcError *error);

/* The same without parsing: the JSON's text (or the bare text), owned by the caller, for
 * free(); size gets its length.  SQL's NULL is "null", as bare text "". */
extern char *vg_call_text(PGconn *conn, const VgCall *call, size_t *size, VcError *error);

/*
 * The value of velo.request for a connection: "v1.<base64url JSON>.<hex HMAC-SHA256>".
 * NULL without request_key_file.  The caller frees it with free().
 */
extern char *vg_request_context(const VgRequest *request, const PGconn *conn, const char *door);

/* The same for a request that is gone (a live query), of its id and the client's address. */
extern char *vg_request_context_of(const char *id, const char *address, const PGconn *conn,
								   const char *door);

/*
 * Runs a statement that answers with one JSON value as text, or none (json_null()), as
 * parameters $1… of type unknown.  For the gateway's own reading of catalogs (velo.tools)
 * as the user.
 */
extern json_t *vg_query_json(PGconn *conn, const char *sql, int count, const char *const *values,
							 VcError *error);
