/*
 * methods.h
 *	  Methods of the protocol.
 *
 * Internal to common/mcp.  A handler answers by setting context->result or rpc_fail();
 * what every result of a revision carries is added by the caller.
 */
#pragma once

#include "common/mcp/rpc.h"

typedef void (*McpHandler)(RpcContext *context);

/* lifecycle.c */
extern void mcp_initialize(RpcContext *context);
extern void mcp_discover(RpcContext *context);
extern void mcp_ping(RpcContext *context);
extern void mcp_set_log_level(RpcContext *context);
/* {"name", "title", "version"}; the caller owns it. */
extern json_t *mcp_server_info(const RpcContext *context);

/* tools.c */
extern void mcp_list_tools(RpcContext *context);
extern void mcp_call_tool(RpcContext *context);

/* resources.c */
extern void mcp_list_resources(RpcContext *context);
extern void mcp_list_templates(RpcContext *context);
extern void mcp_read_resource(RpcContext *context);

/* prompts.c */
extern void mcp_list_prompts(RpcContext *context);
extern void mcp_get_prompt(RpcContext *context);

/* completion.c */
extern void mcp_complete(RpcContext *context);

/* How long a modern client may keep the result, and that it is the caller's own. */
extern void mcp_cacheable(RpcContext *context, int ttl_ms);
