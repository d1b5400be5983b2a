/*
 * lifecycle.c
 *	  Getting to know each other: initialize, server/discover, ping, logging/setLevel.
 */
#include <stdio.h>
#include <string.h>

#include "common/mcp/methods.h"
#include "common/mcp/revision.h"

static const char instructions[] =
	"Velostream runs continuous SQL over streams (Kafka topics, files, generators, HTTP) inside "
	"PostgreSQL. Find streams with list_streams and describe_stream, check a statement with "
	"validate_sql before running it, and look at data with query_stream, which stops by itself "
	"after max_rows or its wait. A failed call says where in the SQL (line, column) and how to "
	"mend it (hint).";

json_t *
mcp_server_info(const RpcContext *context)
{
	return json_pack("{s:s, s:s, s:s}", "name", "velostream", "title", "Velostream", "version",
					 context->request->version);
}

static json_t *
capabilities(const RpcContext *context)
{
	json_t *all = json_pack("{s:{}, s:{}, s:{}, s:{}}", "tools", "resources", "prompts",
							"completions");

	/* Notices of PostgreSQL; of a modern client only on demand, and then not a capability. */
	if (!context->is_modern)
		json_object_set_new(all, "logging", json_object());
	return all;
}

void
mcp_initialize(RpcContext *context)
{
	const char *asked = rpc_text(context, "protocolVersion");
	VcMcpSession *session = context->request->session;
	const char *agreed;

	if (asked == NULL)
		return;
	agreed = revision_find(asked);
	/* A client that cannot speak what we offer instead says goodbye. */
	if (agreed == NULL || revision_is_modern(agreed))
		agreed = revision_newest_legacy;
	if (session)
		snprintf(session->revision, sizeof(session->revision), "%s", agreed);
	context->result = json_pack("{s:s, s:o, s:o, s:s}", "protocolVersion", agreed, "capabilities",
								capabilities(context), "serverInfo", mcp_server_info(context),
								"instructions", instructions);
}

void
mcp_discover(RpcContext *context)
{
	context->result = json_pack("{s:o, s:o, s:s}", "supportedVersions", revision_list(),
								"capabilities", capabilities(context), "instructions",
								instructions);
	mcp_cacheable(context, VC_MCP_LIST_TTL_MS);
}

void
mcp_ping(RpcContext *context)
{
	context->result = json_object();
}

/*
 * Accepted and not remembered: nothing is between requests over HTTP.  Notices that a
 * call causes are few and come with its answer.
 */
void
mcp_set_log_level(RpcContext *context)
{
	static const char *const levels[] = {"debug", "info",	  "notice", "warning",
										 "error", "critical", "alert",	"emergency"};
	const char *level = rpc_text(context, "level");

	for (size_t i = 0; level && i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(levels[i], level) == 0)
		{
			context->result = json_object();
			return;
		}
	if (level)
		rpc_fail(context, RPC_INVALID_PARAMS, "\"%s\" is no log level", level);
}
