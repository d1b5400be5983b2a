/*
 * completion.c
 *	  completion/complete: what may stand for {name} in a resource's template.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mcp/methods.h"
#include "common/mcp/template.h"

static void
answer(RpcContext *context, json_t *values, bool has_more)
{
	context->result = json_pack("{s:{s:o, s:b}}", "completion", "values", values, "hasMore",
								has_more);
}

/* The row of a catalog whose column has this value; borrowed from rows. */
static json_t *
find(json_t *rows, const char *column, const char *value)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, column)), value) == 0)
			return row;
	}
	return NULL;
}

/* The values of {name} in the URIs that a list function gave. */
static json_t *
values_of(json_t *entries, const char *uri_template, const char *name)
{
	json_t *values = json_array();
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		json_t *match = template_match(uri_template,
									   json_string_value(json_object_get(entry, "uri")));

		if (match && json_array_size(values) < VC_MCP_COMPLETION_MAX)
			json_array_append(values, json_object_get(match, name));
		json_decref(match);
	}
	return values;
}

static void
complete_resource(RpcContext *context, json_t *row, const char *name, const char *begun)
{
	const VcMcpBackend *backend = context->request->backend;
	const char *uri_template = json_string_value(json_object_get(row, "uri_template"));
	char *before = template_prefix(uri_template, name);
	char *prefix = NULL;
	json_t *functions = json_pack("[O*]", json_object_get(row, "list_function"));
	json_t *entries = NULL;
	VcError error = {0};

	if (before && asprintf(&prefix, "%s%s", before, begun) < 0)
		prefix = NULL;
	if (prefix && json_is_string(json_array_get(functions, 0)))
	{
		entries = backend->list(backend->arg, functions, prefix, "", VC_MCP_COMPLETION_MAX + 1,
								&error);
		if (entries == NULL)
			rpc_fail_sql(context, &error);
		else
			answer(context, values_of(entries, uri_template, name),
				   json_array_size(entries) > VC_MCP_COMPLETION_MAX);
	}
	else
		answer(context, json_array(), false);
	json_decref(entries);
	json_decref(functions);
	free(prefix);
	free(before);
}

static void
complete(RpcContext *context, VcMcpCatalog catalog, const char *column, const char *value)
{
	const VcMcpBackend *backend = context->request->backend;
	json_t *argument = json_object_get(context->params, "argument");
	const char *name = json_string_value(json_object_get(argument, "name"));
	const char *begun = json_string_value(json_object_get(argument, "value"));
	VcError error = {0};
	json_t *rows;
	json_t *row;

	if (value == NULL || name == NULL || begun == NULL)
	{
		rpc_fail(context, RPC_INVALID_PARAMS,
				 "ref must have \"%s\", and argument \"name\" and \"value\"",
				 catalog == VC_MCP_PROMPTS ? "name" : "uri");
		return;
	}
	rows = backend->catalog(backend->arg, catalog, NULL, &error);
	row = find(rows, column, value);
	if (rows == NULL)
		rpc_fail_sql(context, &error);
	else if (row == NULL)
		rpc_fail(context, RPC_INVALID_PARAMS, "unknown prompt or template \"%.200s\"", value);
	else if (catalog == VC_MCP_RESOURCES)
		complete_resource(context, row, name, begun);
	else
		answer(context, json_array(), false); /* free text */
	json_decref(rows);
}

void
mcp_complete(RpcContext *context)
{
	json_t *ref = json_object_get(context->params, "ref");
	const char *type = json_string_value(json_object_get(ref, "type"));

	if (type && strcmp(type, "ref/resource") == 0)
		complete(context, VC_MCP_RESOURCES, "uri_template",
				 json_string_value(json_object_get(ref, "uri")));
	else if (type && strcmp(type, "ref/prompt") == 0)
		complete(context, VC_MCP_PROMPTS, "name", json_string_value(json_object_get(ref, "name")));
	else
		rpc_fail(context, RPC_INVALID_PARAMS, "ref.type must be ref/resource or ref/prompt");
}
