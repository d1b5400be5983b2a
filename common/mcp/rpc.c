/*
 * rpc.c
 *	  JSON-RPC's answers, errors and notifications.
 *
 * A tool's structured result is text that PostgreSQL wrote and is copied into the answer
 * as it is: parsed and written again, a numeric of 20 digits would come out as another
 * number.
 */
#include "common/mcp/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sqlstate.h"

void
rpc_fail(RpcContext *context, int code, const char *format, ...)
{
	va_list args;
	char *message = NULL;

	va_start(args, format);
	if (vasprintf(&message, format, args) < 0)
		message = NULL;
	va_end(args);
	rpc_clear(context);
	context->error_code = code;
	context->error_message = message;
}

void
rpc_fail_sql(RpcContext *context, VcError *error)
{
	rpc_fail(context, vc_sqlstate_meaning(error->sqlstate)->rpc_code, "%s",
			 error->message ? error->message : "unknown error");
	context->error_data = vc_error_json(error);
	vc_error_clear(error);
}

const char *
rpc_text(RpcContext *context, const char *name)
{
	json_t *value = json_object_get(context->params, name);

	if (json_is_string(value))
		return json_string_value(value);
	rpc_fail(context, RPC_INVALID_PARAMS, value ? "%s must be a string" : "%s is missing", name);
	return NULL;
}

const char *
rpc_cursor(RpcContext *context)
{
	if (json_object_get(context->params, "cursor") == NULL)
		return "";
	return rpc_text(context, "cursor");
}

void
rpc_notify(RpcContext *context, const char *method, json_t *params)
{
	const VcMcpRequest *request = context->request;
	json_t *message = json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params",
								params);
	char *text = NULL;

	if (request->notify && context->notifications++ < VC_MCP_NOTIFICATIONS_MAX)
		text = json_dumps(message, JSON_COMPACT);
	if (text)
		request->notify(request->notify_arg, text, strlen(text));
	free(text);
	json_decref(message);
}

/* {"code", "message", "data"} */
static json_t *
error_object(RpcContext *context)
{
	json_t *message = json_string(context->error_message);
	json_t *error = json_object();

	json_object_set_new(error, "code", json_integer(context->error_code));
	/* A server of another encoding may have written it. */
	json_object_set_new(error, "message", message ? message : json_string("(not UTF-8)"));
	if (context->error_data)
		json_object_set(error, "data", context->error_data);
	return error;
}

/* Puts "structuredContent" behind the last member of a result, which is an object. */
static char *
with_structured(char *result, const char *structured)
{
	char *joined = NULL;
	int length = (int) strlen(result);

	if (asprintf(&joined, "%.*s,\"structuredContent\":%s}", length - 1, result, structured) < 0)
		joined = NULL;
	free(result);
	return joined;
}

char *
rpc_reply(RpcContext *context, size_t *length)
{
	json_t *value = context->error_code ? error_object(context) : json_incref(context->result);
	char *id = context->id ? json_dumps(context->id, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char *text = json_dumps(value, JSON_COMPACT);
	char *reply = NULL;

	if (text && context->structured)
		text = with_structured(text, context->structured);
	if (text && asprintf(&reply, "{\"jsonrpc\":\"2.0\"%s%s,\"%s\":%s}", id ? ",\"id\":" : "",
						 id ? id : "", context->error_code ? "error" : "result", text) < 0)
		reply = NULL;
	*length = reply ? strlen(reply) : 0;
	free(text);
	free(id);
	json_decref(value);
	return reply;
}

void
rpc_clear(RpcContext *context)
{
	json_decref(context->result);
	json_decref(context->error_data);
	free(context->structured);
	free(context->error_message);
	context->result = NULL;
	context->error_data = NULL;
	context->structured = NULL;
	context->error_message = NULL;
	context->error_code = 0;
}
