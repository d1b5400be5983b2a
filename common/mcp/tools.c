/*
 * tools.c
 *	  tools/list and tools/call.
 *
 * A tool is a row of velo.tools.  One with an output schema answers with structured
 * content; one whose output schema is {} answers with text, or with content that its
 * function made ready ({"content": […]}).  What the model can mend (its arguments, its
 * SQL, its rights) is a result with isError; JSON-RPC's errors are for what only a
 * programmer or operator can.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mcp/function.h"
#include "common/mcp/methods.h"
#include "common/mcp/revision.h"
#include "common/mcp/schema.h"

static void
copy_member(json_t *to, const char *key, json_t *from, const char *column)
{
	json_t *value = json_object_get(from, column);

	if (value && !json_is_null(value))
		json_object_set(to, key, value);
}

static bool
has_output_schema(json_t *row)
{
	return json_object_size(json_object_get(row, "output_schema")) > 0;
}

static bool
is_set(json_t *row)
{
	return json_is_string(json_object_get(row, "result_key"));
}

static json_t *
listed(json_t *row)
{
	json_t *tool = json_object();

	copy_member(tool, "name", row, "name");
	copy_member(tool, "title", row, "title");
	copy_member(tool, "description", row, "description");
	copy_member(tool, "inputSchema", row, "input_schema");
	if (has_output_schema(row))
		json_object_set_new(tool, "outputSchema",
							schema_of_result(json_object_get(row, "output_schema"), is_set(row)));
	copy_member(tool, "annotations", row, "annotations");
	return tool;
}

void
mcp_list_tools(RpcContext *context)
{
	const VcMcpBackend *backend = context->request->backend;
	VcError error = {0};
	json_t *rows;
	json_t *tools = json_array();
	json_t *row;
	size_t i;

	/* Tools are tens, not thousands: there is one page. */
	rows = backend->catalog(backend->arg, VC_MCP_TOOLS, NULL, &error);
	if (rows == NULL)
	{
		rpc_fail_sql(context, &error);
		json_decref(tools);
		return;
	}
	json_array_foreach(rows, i, row) json_array_append_new(tools, listed(row));
	json_decref(rows);
	context->result = json_pack("{s:o}", "tools", tools);
	mcp_cacheable(context, VC_MCP_LIST_TTL_MS);
}

/* ------------------------------------------------------------------ results of a call */

static json_t *
text_content(const char *text, size_t length)
{
	json_t *string = json_stringn(text, length);

	return json_pack("[{s:s, s:o}]", "type", "text", "text",
					 string ? string : json_string("(not UTF-8)"));
}

/* As psql shows it: what an agent has seen a thousand times. */
static char *
error_text(const VcError *error)
{
	char place[80] = "";
	char *text = NULL;

	if (error->line > 0)
		snprintf(place, sizeof(place), "\nLINE: %d, COLUMN: %d", error->line, error->column);
	if (asprintf(&text, "ERROR %s: %s%s%s%s%s%s", error->sqlstate,
				 error->message ? error->message : "unknown error", place,
				 error->detail ? "\nDETAIL: " : "", error->detail ? error->detail : "",
				 error->hint ? "\nHINT: " : "", error->hint ? error->hint : "") < 0)
		text = NULL;
	return text;
}

static void
answer_error(RpcContext *context, VcError *error)
{
	char *text = error_text(error);

	context->result = json_pack("{s:o, s:b, s:{s:o}}", "content",
								text_content(text ? text : "", text ? strlen(text) : 0), "isError",
								true, "structuredContent", "error", vc_error_json(error));
	free(text);
	vc_error_clear(error);
}

/* No database, or it ends: nothing that other arguments would mend. */
static bool
is_outage(const VcError *error)
{
	return strncmp(error->sqlstate, "08", 2) == 0 || strncmp(error->sqlstate, "57P", 3) == 0;
}

static void
answer_structured(RpcContext *context, json_t *row, VcMcpValue *value)
{
	const char *key = json_string_value(json_object_get(row, "result_key"));

	if (key == NULL)
	{
		context->structured = value->data;
		value->data = NULL;
	}
	else
	{
		json_t *name = json_string(key);
		char *quoted = json_dumps(name, JSON_ENCODE_ANY);

		if (asprintf(&context->structured, "{%s:%s,\"truncated\":%s}", quoted, value->data,
					 value->is_truncated ? "true" : "false") < 0)
			context->structured = NULL;
		free(quoted);
		json_decref(name);
	}
	/* Clients of 2025-03-26 know no structured content. */
	context->result = json_pack("{s:o, s:b}", "content",
								text_content(context->structured, strlen(context->structured)),
								"isError", false);
}

/* Content that the function made, or a question to the user. */
static void
answer_ready(Function *function, VcMcpValue *value)
{
	RpcContext *context = function->context;
	json_t *result = json_loadb(value->data, value->length, 0, NULL);

	if (function_asks(function, result))
		return;
	if (json_is_array(json_object_get(result, "content")))
		context->result = json_incref(result);
	else
		context->result = json_pack("{s:o, s:b}", "content",
									text_content(value->data, value->length), "isError", false);
	json_decref(result);
}

static void
answer_value(Function *function, json_t *row, VcMcpValue *value)
{
	RpcContext *context = function->context;
	VcError error = {0};

	if (value->kind == VC_MCP_JSON && has_output_schema(row) &&
		(is_set(row) || value->data[0] == '{'))
		answer_structured(context, row, value);
	else if (has_output_schema(row))
	{
		vc_error_set(&error, "P0002", "there is no result", NULL,
					 "check the names given; list_streams shows what there is");
		answer_error(context, &error);
	}
	else if (value->kind == VC_MCP_JSON)
		answer_ready(function, value);
	else if (value->kind == VC_MCP_BYTES)
		rpc_fail(context, RPC_INTERNAL_ERROR, "the tool's function returns bytes");
	else
		context->result = json_pack("{s:o, s:b}", "content",
									text_content(value->data ? value->data : "", value->length),
									"isError", false);
}

/* ------------------------------------------------------------------ the call */

static bool
add_arguments(Function *function, json_t *row, json_t *arguments)
{
	const char *key;
	json_t *value;

	json_object_foreach(arguments, key, value)
	{
		/* The schema allowed it, so a row that does not fit its function is to blame. */
		if (!function_add(function, row, key, value))
		{
			rpc_fail(function->context, RPC_INTERNAL_ERROR,
					 "the tool's function has no argument \"%.100s\"", key);
			return false;
		}
	}
	return true;
}

static void
run(RpcContext *context, json_t *row, json_t *arguments)
{
	Function function;
	VcMcpValue value = {0};
	VcError error = {0};

	if (function_prepare(&function, context, row,
						 json_is_true(json_object_get(row, "read_only"))) &&
		add_arguments(&function, row, arguments))
	{
		function.call.is_set = is_set(row);
		/* Tools with an argument "sql" run the caller's own. */
		function.call.runs_sql = true;
		if (function_run(&function, &value, &error))
			answer_value(&function, row, &value);
		else if (is_outage(&error))
			rpc_fail_sql(context, &error);
		else
			answer_error(context, &error);
	}
	free(value.data);
	function_free(&function);
}

static void
check_and_run(RpcContext *context, json_t *row, json_t *arguments)
{
	json_t *schema = json_object_get(row, "input_schema");
	const char *unsupported = schema_unsupported(schema);
	VcError error = {0};

	if (unsupported)
		rpc_fail(
			context, RPC_INTERNAL_ERROR,
			"the tool cannot be called: its input schema uses \"%.100s\", which is not checked "
			"here",
			unsupported);
	else if (!revision_check_arguments(context, schema, arguments))
		return;
	else if (!schema_validate(schema, arguments, &error))
		answer_error(context, &error);
	else
		run(context, row, arguments);
}

void
mcp_call_tool(RpcContext *context)
{
	const VcMcpBackend *backend = context->request->backend;
	const char *name = rpc_text(context, "name");
	json_t *given = json_object_get(context->params, "arguments");
	json_t *arguments = given ? json_incref(given) : json_object();
	VcError error = {0};
	json_t *rows = NULL;

	if (name && !json_is_object(arguments))
		rpc_fail(context, RPC_INVALID_PARAMS, "arguments must be an object");
	else if (name)
	{
		rows = backend->catalog(backend->arg, VC_MCP_TOOLS, name, &error);
		if (rows == NULL)
			rpc_fail_sql(context, &error);
		else if (json_array_size(rows) == 0)
			rpc_fail(context, RPC_INVALID_PARAMS, "unknown tool \"%.200s\"", name);
		else
			check_and_run(context, json_array_get(rows, 0), arguments);
	}
	json_decref(rows);
	json_decref(arguments);
}
