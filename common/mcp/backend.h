/*
 * backend.h
 *	  What the protocol asks of whoever knows the tools.
 *
 * The protocol knows nothing of SQL connections; common/mcp/sql.h is the backend that
 * reads velo.tools, velo.resources and velo.prompts, and calls their functions.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

typedef enum VcMcpCatalog
{
	VC_MCP_TOOLS,
	VC_MCP_RESOURCES,
	VC_MCP_PROMPTS
} VcMcpCatalog;

/* An argument of a function; value: text, NULL for SQL's NULL. */
typedef struct VcMcpArgument
{
	const char *name;
	const char *type;
	const char *value;
} VcMcpArgument;

enum
{
	VC_MCP_ARGUMENTS_MAX = 32
};

typedef struct VcMcpCall
{
	const char *function; /* qualified and quoted */
	VcMcpArgument arguments[VC_MCP_ARGUMENTS_MAX];
	int argument_count;
	bool is_set;	   /* its rows are wanted, each as JSON; else one value */
	bool is_read_only; /* in a READ ONLY transaction */
	bool runs_sql;	   /* the session is cleaned before its next use */
	const char *text;  /* the user's own text among the arguments, for line and column; or NULL */
	bool wants_progress;
	/* What PostgreSQL says meanwhile: severity "NOTICE" …, SQLSTATE, message, detail (or NULL). */
	void (*notice)(void *arg, const char *severity, const char *sqlstate, const char *message,
				   const char *detail);
	void *notice_arg;
} VcMcpCall;

typedef enum VcMcpKind
{
	VC_MCP_NOTHING, /* SQL's NULL, or no row */
	VC_MCP_JSON,	/* a JSON text on one line; of a set an array */
	VC_MCP_TEXT,
	VC_MCP_BYTES
} VcMcpKind;

typedef struct VcMcpValue
{
	VcMcpKind kind;
	char *data; /* for free(); a zero byte stands behind its length */
	size_t length;
	bool is_truncated; /* a set that was cut at VC_MCP_RESULT_BYTES_MAX */
} VcMcpValue;

/* Each sets error and returns NULL or false when it could not. */
typedef struct VcMcpBackend
{
	void *arg;

	/*
	 * Rows of a catalog as an array of objects with the columns of the view, ordered by
	 * name; of one name when that is not NULL.  The caller owns it.
	 */
	json_t *(*catalog)(void *arg, VcMcpCatalog catalog, const char *name, VcError *error);

	/* Calls a function.  A single value above VC_MCP_RESULT_BYTES_MAX is an error 54000. */
	bool (*call)(void *arg, const VcMcpCall *call, VcMcpValue *value, VcError *error);

	/*
	 * [{"uri", "name", "title", "description"}, …] of what these functions (an array of
	 * names) list, ordered by URI: those behind `after` ("" : all), at most `limit`.  Only
	 * those that begin with `prefix`.
	 */
	json_t *(*list)(void *arg, json_t *functions, const char *prefix, const char *after, int limit,
					VcError *error);
} VcMcpBackend;
