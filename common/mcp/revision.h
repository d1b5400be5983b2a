/*
 * revision.h
 *	  Which revision of the protocol a request is in, and what its headers must say.
 *
 * Internal to common/mcp.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/mcp/rpc.h"

#define MCP_META_PREFIX "io.modelcontextprotocol/"

/* The newest that initialize can agree on. */
extern const char *const revision_newest_legacy;

/* The revision of this name that we speak, as a constant; NULL: none. */
extern const char *revision_find(const char *name);

extern bool revision_is_modern(const char *revision);

/* The names of all, newest first; the caller owns it. */
extern json_t *revision_list(void);

/*
 * Sets context->revision and is_modern from _meta, the headers or the session.  False: the
 * answer is an error.
 */
extern bool revision_choose(RpcContext *context);

/*
 * Do Mcp-Method and Mcp-Name say what the body says?  name_key: the parameter that
 * Mcp-Name mirrors, NULL: none.  False: the answer is an error.
 */
extern bool revision_check_headers(RpcContext *context, const char *name_key);

/* Do Mcp-Param-… headers say what the arguments say, for a tool's input schema? */
extern bool revision_check_arguments(RpcContext *context, const json_t *input_schema,
									 const json_t *arguments);
