/*
 * mcp.c
 *	  From a message to its handler and back.
 *
 * A wrong envelope (no JSON, no request, wrong headers or _meta) is answered with HTTP's
 * 400, which modern clients look into and legacy ones take as a failed transport; what a
 * handler answers, also an error, is 200 with the answer in the body.  Over stdio the
 * status is ignored.
 */
#include "common/mcp/mcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mcp/methods.h"
#include "common/mcp/revision.h"
#include "common/mcp/rpc.h"

typedef struct Method
{
	const char *name;
	bool is_legacy;
	bool is_modern;
	const char *name_key; /* the parameter that the header Mcp-Name mirrors */
	McpHandler handle;
} Method;

static const Method methods[] = {
	{"initialize", true, false, NULL, mcp_initialize},
	{"ping", true, false, NULL, mcp_ping},
	{"logging/setLevel", true, false, NULL, mcp_set_log_level},
	{"server/discover", false, true, NULL, mcp_discover},
	{"tools/list", true, true, NULL, mcp_list_tools},
	{"tools/call", true, true, "name", mcp_call_tool},
	{"resources/list", true, true, NULL, mcp_list_resources},
	{"resources/templates/list", true, true, NULL, mcp_list_templates},
	{"resources/read", true, true, "uri", mcp_read_resource},
	{"prompts/list", true, true, NULL, mcp_list_prompts},
	{"prompts/get", true, true, "name", mcp_get_prompt},
	{"completion/complete", true, true, NULL, mcp_complete},
};

static const Method *
find_method(const RpcContext *context)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].name, context->method) == 0 &&
			(context->is_modern ? methods[i].is_modern : methods[i].is_legacy))
			return &methods[i];
	return NULL;
}

void
mcp_cacheable(RpcContext *context, int ttl_ms)
{
	if (!context->is_modern || context->error_code)
		return;
	json_object_set_new(context->result, "ttlMs", json_integer(ttl_ms));
	/* What there is depends on the caller's role. */
	json_object_set_new(context->result, "cacheScope", json_string("private"));
}

/* What every result of a modern revision carries. */
static void
finish_modern(RpcContext *context)
{
	json_t *meta = json_object_get(context->result, "_meta");

	if (meta == NULL)
	{
		meta = json_object();
		json_object_set_new(context->result, "_meta", meta);
	}
	json_object_set_new(meta, MCP_META_PREFIX "serverInfo", mcp_server_info(context));
	json_object_set_new(context->result, "resultType",
						json_string(context->result_type ? context->result_type : "complete"));
}

static void
run_method(RpcContext *context)
{
	const Method *method = find_method(context);

	if (!revision_check_headers(context, method ? method->name_key : NULL))
		return;
	if (method == NULL)
	{
		rpc_fail(context, RPC_METHOD_NOT_FOUND, "method \"%s\" is not known in revision %s",
				 context->method, context->revision);
		context->http_status = context->is_modern ? 404 : 200;
		return;
	}
	method->handle(context);
	if (context->error_code == 0 && context->is_modern)
		finish_modern(context);
	/* The revision names the status of these. */
	if (context->error_code == MCP_MISSING_CAPABILITY || context->error_code == MCP_HEADER_MISMATCH)
		context->http_status = 400;
}

static bool
invalid(RpcContext *context, int code, const char *message)
{
	rpc_fail(context, code, "%s", message);
	context->http_status = 400;
	return false;
}

/* Fills the context from a message.  False: the answer is an error. */
static bool
read_envelope(RpcContext *context, json_t *message)
{
	json_t *id = json_object_get(message, "id");
	json_t *params = json_object_get(message, "params");
	const char *version = json_string_value(json_object_get(message, "jsonrpc"));
	json_t *meta;

	if (json_is_string(id) || json_is_integer(id))
		context->id = id;
	else if (id)
		return invalid(context, RPC_INVALID_REQUEST, "id must be a string or an integer");
	if (version == NULL || strcmp(version, "2.0") != 0)
		return invalid(context, RPC_INVALID_REQUEST, "jsonrpc must be \"2.0\"");
	context->method = json_string_value(json_object_get(message, "method"));
	if (context->method == NULL)
		return invalid(context, RPC_INVALID_REQUEST,
					   "a request or notification must have a method, which is a string");
	if (params && !json_is_object(params))
		return invalid(context, RPC_INVALID_PARAMS, "params must be an object");
	meta = json_object_get(params, "_meta");
	if (meta && !json_is_object(meta))
		return invalid(context, RPC_INVALID_PARAMS, "params._meta must be an object");
	context->params = params;
	context->meta = meta;
	return true;
}

/* The answer to us of a client; we never ask over this transport. */
static bool
is_response(const json_t *message)
{
	return json_is_object(message) && json_object_get(message, "method") == NULL &&
		   (json_object_get(message, "result") || json_object_get(message, "error"));
}

/* Answers one message; text is NULL when there is nothing to answer. */
static void
handle_message(const VcMcpRequest *request, json_t *message, bool is_in_batch, VcMcpReply *reply)
{
	RpcContext context = {.request = request, .http_status = 200};

	reply->text = NULL;
	reply->http_status = 202;
	if (!json_is_object(message))
		invalid(&context, RPC_INVALID_REQUEST, "a message must be an object");
	else if (is_response(message) && request->session)
		return;
	else if (read_envelope(&context, message) && revision_choose(&context))
	{
		if (context.id == NULL)
			return;
		if (is_in_batch && (context.is_modern || strcmp(context.method, "initialize") == 0))
			invalid(&context, RPC_INVALID_REQUEST, "this request cannot be in a batch");
		else
			run_method(&context);
	}
	/* A notification is not answered, except with HTTP's status. */
	reply->http_status = context.http_status;
	if (context.id || request->headers || context.method == NULL)
		reply->text = rpc_reply(&context, &reply->length);
	rpc_clear(&context);
}

/* Were batches part of the protocol at the time of this client? */
static bool
allows_batch(const VcMcpRequest *request)
{
	const char *revision = request->headers	  ? request->headers->version
						   : request->session ? request->session->revision
											  : NULL;

	return (request->headers && revision == NULL) ||
		   (revision && strcmp(revision, "2025-03-26") == 0);
}

static void
handle_batch(const VcMcpRequest *request, json_t *batch, VcMcpReply *reply)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	size_t i;
	json_t *message;
	bool is_empty = true;

	if (out == NULL)
	{
		vc_mcp_refuse(500, RPC_INTERNAL_ERROR, "out of memory", reply);
		return;
	}
	json_array_foreach(batch, i, message)
	{
		VcMcpReply one;

		handle_message(request, message, true, &one);
		if (one.text == NULL)
			continue;
		fprintf(out, "%s%s", is_empty ? "[" : ",", one.text);
		is_empty = false;
		free(one.text);
	}
	fputs(is_empty ? "" : "]", out);
	fclose(out);
	*reply = (VcMcpReply) {is_empty ? 202 : 200, text, length};
	if (is_empty)
	{
		free(text);
		reply->text = NULL;
	}
}

void
vc_mcp_refuse(int http_status, int code, const char *message, VcMcpReply *reply)
{
	RpcContext context = {0};

	rpc_fail(&context, code, "%s", message);
	reply->http_status = http_status;
	reply->text = rpc_reply(&context, &reply->length);
	rpc_clear(&context);
}

void
vc_mcp_handle(const VcMcpRequest *request, VcMcpReply *reply)
{
	json_error_t error;
	json_t *message = NULL;
	char said[JSON_ERROR_TEXT_LENGTH + 80];

	*reply = (VcMcpReply) {0};
	if (request->length <= VC_MCP_MESSAGE_BYTES_MAX)
		message = json_loadb(request->text, request->length,
							 JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (request->length > VC_MCP_MESSAGE_BYTES_MAX)
	{
		snprintf(said, sizeof(said), "the message is longer than %d bytes",
				 VC_MCP_MESSAGE_BYTES_MAX);
		vc_mcp_refuse(413, RPC_INVALID_REQUEST, said, reply);
	}
	else if (message == NULL)
	{
		snprintf(said, sizeof(said), "not JSON: line %d, column %d: %s", error.line, error.column,
				 error.text);
		vc_mcp_refuse(400, RPC_PARSE_ERROR, said, reply);
	}
	else if (!json_is_array(message))
		handle_message(request, message, false, reply);
	else if (!allows_batch(request))
		vc_mcp_refuse(400, RPC_INVALID_REQUEST,
					  "batches ended with revision 2025-06-18: send one message at a time", reply);
	else if (json_array_size(message) == 0 || json_array_size(message) > VC_MCP_BATCH_MAX)
		vc_mcp_refuse(400, RPC_INVALID_REQUEST, "a batch must have 1 to 20 messages", reply);
	else
		handle_batch(request, message, reply);
	json_decref(message);
}

bool
vc_mcp_cancels(const char *text, size_t length, const char *request, size_t request_length)
{
	json_t *message = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	json_t *running = json_loadb(request, request_length, JSON_REJECT_DUPLICATES, NULL);
	const char *method = json_string_value(json_object_get(message, "method"));
	json_t *id = json_object_get(json_object_get(message, "params"), "requestId");
	bool cancels = method && strcmp(method, "notifications/cancelled") == 0 && id &&
				   json_equal(id, json_object_get(running, "id"));

	json_decref(message);
	json_decref(running);
	return cancels;
}
