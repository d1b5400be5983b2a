/*
 * function.c
 *	  One call of an SQL function: arguments, progress, and questions to the user.
 *
 * Notices with SQLSTATE VE900 are the progress of a streaming query (their detail is
 * {"rows", "records", "lag_records", "watermark"}, or {"progress", "total"} of a function
 * that knows how far it is); all others are log messages.
 */
#include "common/mcp/function.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mcp/revision.h"
#include "common/mcp/sign.h"

static void on_notice(void *arg, const char *severity, const char *sqlstate, const char *message,
					  const char *detail);

json_t *
function_argument(json_t *row, const char *name)
{
	size_t i;
	json_t *argument;

	json_array_foreach(json_object_get(row, "arguments"), i, argument)
	{
		const char *known = json_string_value(json_object_get(argument, "name"));

		if (known && strcmp(known, name) == 0)
			return argument;
	}
	return NULL;
}

/* 5.0 is an integer in JSON Schema, but not for SQL's integer. */
static char *
number_text(const json_t *value)
{
	double number = json_number_value(value);
	char text[40];

	if (json_is_real(value) && number == (double) (long long) number)
	{
		snprintf(text, sizeof(text), "%lld", (long long) number);
		return strdup(text);
	}
	return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

bool
function_add(Function *function, json_t *row, const char *name, const json_t *value)
{
	VcMcpCall *call = &function->call;
	json_t *argument = function_argument(row, name);
	VcMcpArgument *added = &call->arguments[call->argument_count];
	char *text = NULL;

	if (argument == NULL || call->argument_count >= VC_MCP_ARGUMENTS_MAX)
		return false;
	added->name = json_string_value(json_object_get(argument, "name"));
	added->type = json_string_value(json_object_get(argument, "type"));
	/* A string is JSON only where SQL wants JSON. */
	if (json_is_string(value) && strncmp(added->type, "json", 4) != 0)
		text = strdup(json_string_value(value));
	else if (json_is_number(value))
		text = number_text(value);
	else if (!json_is_null(value))
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	function->texts[call->argument_count++] = text;
	added->value = text;
	if (strcmp(name, "sql") == 0)
		call->text = text;
	return true;
}

/* ------------------------------------------------------------------ input of the user */

static bool
check_responses(RpcContext *context, json_t *responses)
{
	const char *key;
	json_t *response;

	if (responses && !json_is_object(responses))
	{
		rpc_fail(context, RPC_INVALID_PARAMS, "inputResponses must be an object");
		return false;
	}
	json_object_foreach(responses, key, response)
	{
		if (!json_is_object(response))
		{
			rpc_fail(context, RPC_INVALID_PARAMS, "inputResponses[\"%.100s\"] must be an object",
					 key);
			return false;
		}
	}
	return true;
}

static bool
add_state(Function *function, json_t *row)
{
	RpcContext *context = function->context;
	json_t *signed_state = json_object_get(context->params, "requestState");
	json_t *state;

	if (signed_state == NULL)
		return true;
	state = sign_open(context->request->state_key, function->key, json_string_value(signed_state));
	if (state == NULL)
	{
		rpc_fail(context, RPC_INVALID_PARAMS,
				 "requestState is not ours, was changed, or is "
				 "older than an hour: call without it");
		return false;
	}
	function_add(function, row, "request_state", state);
	json_decref(state);
	return true;
}

static bool
add_input(Function *function, json_t *row)
{
	RpcContext *context = function->context;
	json_t *responses = json_object_get(context->params, "inputResponses");
	json_t *capabilities = json_object_get(context->meta, MCP_META_PREFIX "clientCapabilities");

	if (!context->is_modern)
		return true;
	if (!check_responses(context, responses) || !add_state(function, row))
		return false;
	if (responses)
		function_add(function, row, "input_responses", responses);
	if (capabilities)
		function_add(function, row, "client_capabilities", capabilities);
	return true;
}

bool
function_prepare(Function *function, RpcContext *context, json_t *row, bool is_read_only)
{
	json_t *token = json_object_get(context->meta, "progressToken");

	*function = (Function) {.context = context};
	function->call.function = json_string_value(json_object_get(row, "function"));
	function->call.is_read_only = is_read_only;
	if (context->request->notify && (json_is_string(token) || json_is_integer(token)))
		function->progress_token = token;
	function->progress = -1;
	function->call.wants_progress = function->progress_token != NULL;
	function->call.notice = on_notice;
	function->call.notice_arg = function;
	if (asprintf(&function->key, "%s %s %s", context->method,
				 json_string_value(json_object_get(row, "name")), context->request->user) < 0)
		function->key = NULL;
	return add_input(function, row);
}

bool
function_run(Function *function, VcMcpValue *value, VcError *error)
{
	const VcMcpBackend *backend = function->context->request->backend;

	*value = (VcMcpValue) {0};
	return backend->call(backend->arg, &function->call, value, error);
}

void
function_free(Function *function)
{
	for (int i = 0; i < function->call.argument_count; i++)
		free(function->texts[i]);
	free(function->key);
}

/* The capability that a client must have for a request of this method; NULL: unknown. */
static const char *
capability_for(const char *method)
{
	if (method && strcmp(method, "elicitation/create") == 0)
		return "elicitation";
	if (method && strcmp(method, "sampling/createMessage") == 0)
		return "sampling";
	if (method && strcmp(method, "roots/list") == 0)
		return "roots";
	return NULL;
}

/* What the client lacks for these requests, an object; the caller owns it. */
static json_t *
missing_capabilities(RpcContext *context, json_t *requests)
{
	json_t *has = json_object_get(context->meta, MCP_META_PREFIX "clientCapabilities");
	json_t *missing = json_object();
	const char *key;
	json_t *request;

	json_object_foreach(requests, key, request)
	{
		const char *name = capability_for(json_string_value(json_object_get(request, "method")));

		if (name && json_object_get(has, name) == NULL)
			json_object_set_new(missing, name, json_object());
	}
	return missing;
}

/* Replaces the function's state by one that can be believed when it comes back. */
static bool
sign_state(Function *function, json_t *result)
{
	json_t *state = json_object_get(result, "requestState");
	char *text;

	if (state == NULL)
		return true;
	text = sign_seal(function->context->request->state_key, function->key, state,
					 FUNCTION_STATE_SECONDS_MAX);
	if (text)
		json_object_set_new(result, "requestState", json_string(text));
	free(text);
	return text != NULL;
}

bool
function_asks(Function *function, json_t *result)
{
	RpcContext *context = function->context;
	const char *type = json_string_value(json_object_get(result, "resultType"));
	json_t *missing;

	if (type == NULL || strcmp(type, "input_required") != 0)
		return false;
	missing = missing_capabilities(context, json_object_get(result, "inputRequests"));
	if (!context->is_modern)
		rpc_fail(context, RPC_INTERNAL_ERROR,
				 "this needs answers of the user, which needs revision 2026-07-28");
	else if (json_object_size(missing) > 0)
	{
		rpc_fail(context, MCP_MISSING_CAPABILITY,
				 "this needs capabilities that the client did not declare");
		context->error_data = json_pack("{s:O}", "requiredCapabilities", missing);
	}
	else if (!sign_state(function, result))
		rpc_fail(context, RPC_INTERNAL_ERROR, "could not sign the request's state");
	else
	{
		context->result_type = "input_required";
		context->result = json_incref(result);
	}
	json_decref(missing);
	json_decref(result);
	return true;
}

/* ------------------------------------------------------------------ what it says meanwhile */

static void
on_progress(Function *function, const char *message, const char *detail)
{
	json_t *facts = detail ? json_loads(detail, 0, NULL) : NULL;
	json_t *progress = json_object_get(facts, "progress");
	json_t *total = json_object_get(facts, "total");
	json_t *params;

	if (!json_is_number(progress))
		progress = json_object_get(facts, "records");
	/* The protocol wants it to grow. */
	if (function->progress_token && json_is_number(progress) &&
		json_number_value(progress) > function->progress)
	{
		function->progress = json_number_value(progress);
		params = json_pack("{s:O, s:O, s:s}", "progressToken", function->progress_token, "progress",
						   progress, "message", message);
		if (json_is_number(total))
			json_object_set(params, "total", total);
		rpc_notify(function->context, "notifications/progress", params);
	}
	json_decref(facts);
}

/* Order of severities; a client of today names the least that it wants. */
static int
level_of(const char *name)
{
	static const char *const levels[] = {"debug", "info",	  "notice", "warning",
										 "error", "critical", "alert",	"emergency"};

	for (int i = 0; i < 8; i++)
		if (strncasecmp(levels[i], name, strlen(levels[i])) == 0)
			return i;
	return 1; /* LOG */
}

static void
on_notice(void *arg, const char *severity, const char *sqlstate, const char *message,
		  const char *detail)
{
	Function *function = arg;
	RpcContext *context = function->context;
	json_t *wanted = json_object_get(context->meta, MCP_META_PREFIX "logLevel");
	static const char *const names[] = {"debug", "info", "notice", "warning"};
	int level = level_of(severity);
	json_t *data;

	if (strcmp(sqlstate, "VE900") == 0)
	{
		on_progress(function, message, detail);
		return;
	}
	if (level > 3 || (context->is_modern &&
					  (!json_is_string(wanted) || level < level_of(json_string_value(wanted)))))
		return;
	data = json_pack("{s:s, s:s}", "code", sqlstate, "message", message);
	if (data && detail)
		json_object_set_new(data, "detail", json_string(detail));
	rpc_notify(context, "notifications/message",
			   json_pack("{s:s, s:s, s:o}", "level", names[level], "logger", "postgresql", "data",
						 data));
}
