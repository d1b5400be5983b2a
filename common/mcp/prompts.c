/*
 * prompts.c
 *	  prompts/list and prompts/get.
 *
 * A prompt is a row of velo.prompts: its function's arguments are the prompt's, and it
 * returns the text that the user would have typed, or {"messages": […]}.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mcp/function.h"
#include "common/mcp/methods.h"

/* Those that the protocol fills. */
static bool
is_own(const char *name)
{
	return strcmp(name, "input_responses") == 0 || strcmp(name, "request_state") == 0 ||
		   strcmp(name, "client_capabilities") == 0;
}

static json_t *
listed(json_t *row)
{
	json_t *arguments = json_array();
	json_t *argument;
	size_t i;

	json_array_foreach(json_object_get(row, "arguments"), i, argument)
	{
		const char *name = json_string_value(json_object_get(argument, "name"));

		if (!is_own(name))
			json_array_append_new(arguments,
								  json_pack("{s:s, s:s*, s:O}", "name", name, "description",
											json_string_value(json_object_get(
												json_object_get(row, "described"), name)),
											"required", json_object_get(argument, "required")));
	}
	return json_pack("{s:O, s:O, s:s*, s:o}", "name", json_object_get(row, "name"), "title",
					 json_object_get(row, "title"), "description",
					 json_string_value(json_object_get(row, "description")), "arguments",
					 arguments);
}

static json_t *
catalog(RpcContext *context, const char *name)
{
	const VcMcpBackend *backend = context->request->backend;
	VcError error = {0};
	json_t *rows = backend->catalog(backend->arg, VC_MCP_PROMPTS, name, &error);

	if (rows == NULL)
		rpc_fail_sql(context, &error);
	return rows;
}

void
mcp_list_prompts(RpcContext *context)
{
	json_t *rows = catalog(context, NULL);
	json_t *prompts;
	json_t *row;
	size_t i;

	if (rows == NULL)
		return;
	prompts = json_array();
	json_array_foreach(rows, i, row) json_array_append_new(prompts, listed(row));
	context->result = json_pack("{s:o}", "prompts", prompts);
	mcp_cacheable(context, VC_MCP_LIST_TTL_MS);
	json_decref(rows);
}

/* ------------------------------------------------------------------ one prompt */

static bool
add_arguments(Function *function, json_t *row)
{
	RpcContext *context = function->context;
	json_t *given = json_object_get(context->params, "arguments");
	json_t *argument;
	const char *key;
	json_t *value;
	size_t i;

	if (given && !json_is_object(given))
	{
		rpc_fail(context, RPC_INVALID_PARAMS, "arguments must be an object");
		return false;
	}
	json_object_foreach(given, key, value)
	{
		if (json_is_string(value) && !is_own(key) && function_add(function, row, key, value))
			continue;
		rpc_fail(context, RPC_INVALID_PARAMS,
				 "the prompt has no argument \"%.100s\" that is a text", key);
		return false;
	}
	json_array_foreach(json_object_get(row, "arguments"), i, argument)
	{
		key = json_string_value(json_object_get(argument, "name"));
		if (json_is_true(json_object_get(argument, "required")) &&
			json_object_get(given, key) == NULL)
		{
			rpc_fail(context, RPC_INVALID_PARAMS, "argument \"%.100s\" is missing", key);
			return false;
		}
	}
	return true;
}

static void
answer(Function *function, json_t *row, VcMcpValue *value)
{
	RpcContext *context = function->context;
	json_t *result = value->kind == VC_MCP_JSON ? json_loadb(value->data, value->length, 0, NULL)
												: NULL;

	if (function_asks(function, result))
		return;
	if (json_is_array(json_object_get(result, "messages")))
		context->result = json_incref(result);
	else if (value->kind == VC_MCP_TEXT)
		context->result = json_pack("{s:[{s:s, s:{s:s, s:o}}]}", "messages", "role", "user",
									"content", "type", "text", "text",
									json_stringn(value->data, value->length));
	if (context->result == NULL)
		rpc_fail(context, RPC_INTERNAL_ERROR, "the prompt's function returned no messages");
	else if (json_object_get(context->result, "description") == NULL &&
			 json_is_string(json_object_get(row, "description")))
		json_object_set(context->result, "description", json_object_get(row, "description"));
	json_decref(result);
}

void
mcp_get_prompt(RpcContext *context)
{
	const char *name = rpc_text(context, "name");
	json_t *rows = name ? catalog(context, name) : NULL;
	json_t *row = json_array_get(rows, 0);
	Function function = {0};
	VcMcpValue value = {0};
	VcError error = {0};

	if (rows && row == NULL)
		rpc_fail(context, RPC_INVALID_PARAMS, "unknown prompt \"%.200s\"", name);
	else if (row && function_prepare(&function, context, row, true) &&
			 add_arguments(&function, row))
	{
		if (function_run(&function, &value, &error))
			answer(&function, row, &value);
		else
			rpc_fail_sql(context, &error);
	}
	free(value.data);
	function_free(&function);
	json_decref(rows);
}
