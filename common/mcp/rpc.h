/*
 * rpc.h
 *	  JSON-RPC 2.0 as the protocol uses it: one request being answered.
 *
 * Internal to common/mcp.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/mcp/mcp.h"

enum
{
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	/* of revisions up to 2025-11-25 */
	MCP_RESOURCE_NOT_FOUND = -32002,
	/* of 2026-07-28 */
	MCP_HEADER_MISMATCH = -32020,
	MCP_MISSING_CAPABILITY = -32021,
	MCP_UNSUPPORTED_VERSION = -32022
};

typedef struct RpcContext
{
	const VcMcpRequest *request;
	const char *revision; /* one of those we speak */
	bool is_modern;
	/* Of the message, and owned by it. */
	json_t *id; /* NULL: a notification */
	const char *method;
	json_t *params; /* an object, or NULL */
	json_t *meta;	/* params._meta, an object, or NULL */

	/* The answer: either a result, owned here … */
	json_t *result;
	char *structured;		 /* JSON text of result.structuredContent, or NULL */
	const char *result_type; /* NULL: "complete" */
	/* … or an error. */
	int error_code; /* 0: none */
	char *error_message;
	json_t *error_data;
	int http_status;
	int notifications; /* sent so far */
} RpcContext;

/* Answers with an error; the message is made as by printf. */
extern void rpc_fail(RpcContext *context, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Answers with what the backend could not do, and clears it: the code that its SQLSTATE means. */
extern void rpc_fail_sql(RpcContext *context, VcError *error);

/* A string among the parameters; NULL and an error when it is not there or no string. */
extern const char *rpc_text(RpcContext *context, const char *name);

/* The cursor of a list, "" without one; NULL and an error when it is no string. */
extern const char *rpc_cursor(RpcContext *context);

/* Sends a notification of this request, whose params become ours. */
extern void rpc_notify(RpcContext *context, const char *method, json_t *params);

/* The answer as JSON text, for free(). */
extern char *rpc_reply(RpcContext *context, size_t *length);

/* Frees the answer. */
extern void rpc_clear(RpcContext *context);
