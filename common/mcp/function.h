/*
 * function.h
 *	  Calling the function behind a tool, prompt or resource for a request.
 *
 * Internal to common/mcp.
 *
 * Multi round-trip requests (2026-07-28): a function that has one of the arguments
 *
 *	  input_responses jsonb, request_state jsonb, client_capabilities jsonb
 *
 * which its schema does not show, may return {"resultType": "input_required",
 * "inputRequests": {key: {"method", "params"}}, "requestState": any JSON}; the client asks
 * its user and calls again with {key: response} and the state.  The state travels signed
 * and expires, so the function can believe it.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/mcp/rpc.h"

enum
{
	/* Seconds that a requestState can be answered; a person may have to be asked. */
	FUNCTION_STATE_SECONDS_MAX = 3600
};

/* A call being made; holds the texts of its arguments. */
typedef struct Function
{
	VcMcpCall call;
	char *texts[VC_MCP_ARGUMENTS_MAX];
	RpcContext *context;
	json_t *progress_token; /* borrowed; NULL: progress is not wanted */
	double progress;		/* said last; must grow */
	char *key;				/* what the state is bound to */
} Function;

/*
 * Starts a call of the function of a catalog's row (borrowed).  False: the answer is an
 * error (the input responses or the state were wrong).
 */
extern bool function_prepare(Function *function, RpcContext *context, json_t *row,
							 bool is_read_only);

/* The row's description of an argument, {"name", "type", "required"}; NULL: none. */
extern json_t *function_argument(json_t *row, const char *name);

/*
 * Adds an argument with a JSON value as SQL gets it.  False: there is none of this name,
 * or there are too many.
 */
extern bool function_add(Function *function, json_t *row, const char *name, const json_t *value);

/* Runs it. */
extern bool function_run(Function *function, VcMcpValue *value, VcError *error);

/*
 * If the result (which it takes) asks for input, answers the request with that and
 * returns true.
 */
extern bool function_asks(Function *function, json_t *result);

extern void function_free(Function *function);
