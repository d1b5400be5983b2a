/*
 * resources.c
 *	  resources/list, resources/templates/list and resources/read.
 *
 * A row of velo.resources without {name} in its URI is one resource; with it, it is a
 * template, and its list function says which there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mcp/base64.h"
#include "common/mcp/function.h"
#include "common/mcp/methods.h"
#include "common/mcp/template.h"
#include "common/sqlstate.h"

static json_t *
catalog(RpcContext *context)
{
	const VcMcpBackend *backend = context->request->backend;
	VcError error = {0};
	json_t *rows = backend->catalog(backend->arg, VC_MCP_RESOURCES, NULL, &error);

	if (rows == NULL)
		rpc_fail_sql(context, &error);
	/* cppcheck-suppress returnDanglingLifetime ; the rows hold nothing of the error */
	return rows;
}

static const char *
column(json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

/* {key: URI, "name", "title", "description", "mimeType"}; what is not known is left out. */
static json_t *
described(json_t *row, const char *key)
{
	return json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", key, column(row, "uri_template"), "name",
					 column(row, "name"), "title", column(row, "title"), "description",
					 column(row, "description"), "mimeType", column(row, "mime_type"));
}

/* The row that a URI belongs to; values, the caller's, are what it gives for {name}. */
static json_t *
find_row(json_t *rows, const char *uri, json_t **values)
{
	size_t i;
	json_t *row;

	/* One that has exactly this URI goes before templates. */
	for (int with_variables = 0; with_variables < 2; with_variables++)
	{
		json_array_foreach(rows, i, row)
		{
			const char *uri_template = column(row, "uri_template");

			if (template_has_variables(uri_template) != (bool) with_variables)
				continue;
			*values = template_match(uri_template, uri);
			if (*values)
				return row;
		}
	}
	return NULL;
}

void
mcp_list_templates(RpcContext *context)
{
	json_t *rows = catalog(context);
	json_t *templates = json_array();
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (template_has_variables(column(row, "uri_template")))
			json_array_append_new(templates, described(row, "uriTemplate"));
	}
	if (rows == NULL)
		json_decref(templates);
	else
	{
		context->result = json_pack("{s:o}", "resourceTemplates", templates);
		mcp_cacheable(context, VC_MCP_LIST_TTL_MS);
	}
	json_decref(rows);
}

/* ------------------------------------------------------------------ the list */

static void
add_fixed(json_t *resources, json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!template_has_variables(column(row, "uri_template")))
			json_array_append_new(resources, described(row, "uri"));
	}
}

/* Entries of list functions, which do not say what kind their content is. */
static void
add_entries(json_t *resources, json_t *rows, json_t *entries)
{
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		json_t *values = NULL;
		json_t *row = i < VC_MCP_PAGE_MAX ? find_row(rows, column(entry, "uri"), &values) : NULL;

		if (row)
			json_array_append_new(resources,
								  json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "uri",
											column(entry, "uri"), "name", column(entry, "name"),
											"title", column(entry, "title"), "description",
											column(entry, "description"), "mimeType",
											column(row, "mime_type")));
		json_decref(values);
	}
}

static json_t *
list_functions(json_t *rows)
{
	json_t *functions = json_array();
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (column(row, "list_function"))
			json_array_append(functions, json_object_get(row, "list_function"));
	}
	return functions;
}

static void
list_page(RpcContext *context, json_t *rows, const char *cursor)
{
	const VcMcpBackend *backend = context->request->backend;
	json_t *functions = list_functions(rows);
	json_t *resources = json_array();
	VcError error = {0};
	/* One more, to see if there is a next page. */
	json_t *entries = backend->list(backend->arg, functions, "", cursor, VC_MCP_PAGE_MAX + 1,
									&error);

	if (entries == NULL)
	{
		rpc_fail_sql(context, &error);
		json_decref(resources);
	}
	else
	{
		if (*cursor == '\0')
			add_fixed(resources, rows);
		add_entries(resources, rows, entries);
		context->result = json_pack("{s:o}", "resources", resources);
		if (json_array_size(entries) > VC_MCP_PAGE_MAX)
			json_object_set(context->result, "nextCursor",
							json_object_get(json_array_get(entries, VC_MCP_PAGE_MAX - 1), "uri"));
		mcp_cacheable(context, VC_MCP_LIST_TTL_MS);
	}
	json_decref(entries);
	json_decref(functions);
}

void
mcp_list_resources(RpcContext *context)
{
	const char *cursor = rpc_cursor(context);
	json_t *rows = cursor ? catalog(context) : NULL;

	if (rows)
		list_page(context, rows, cursor);
	json_decref(rows);
}

/* ------------------------------------------------------------------ one resource */

static void
not_found(RpcContext *context, const char *uri)
{
	rpc_fail(context, context->is_modern ? RPC_INVALID_PARAMS : MCP_RESOURCE_NOT_FOUND,
			 "resource not found");
	context->error_data = json_pack("{s:s}", "uri", uri);
}

static void
answer(Function *function, json_t *row, const char *uri, VcMcpValue *value)
{
	RpcContext *context = function->context;
	json_t *content;

	if (value->kind == VC_MCP_NOTHING)
	{
		not_found(context, uri);
		return;
	}
	content = json_pack("{s:s, s:s}", "uri", uri, "mimeType", column(row, "mime_type"));
	if (value->kind == VC_MCP_BYTES)
	{
		char *text = base64_encode(value->data, value->length);

		json_object_set_new(content, "blob", json_string(text ? text : ""));
		free(text);
	}
	else
		json_object_set_new(content, "text", json_stringn(value->data, value->length));
	context->result = json_pack("{s:[o]}", "contents", content);
	mcp_cacheable(context, VC_MCP_READ_TTL_MS);
}

static void
read_row(RpcContext *context, json_t *row, json_t *values, const char *uri)
{
	Function function;
	VcMcpValue value = {0};
	VcError error = {0};
	const char *key;
	json_t *text;
	bool is_complete = function_prepare(&function, context, row, true);

	json_object_foreach(values, key, text)
	{
		if (is_complete && !function_add(&function, row, key, text))
		{
			rpc_fail(context, RPC_INTERNAL_ERROR,
					 "the resource's function has no argument \"%.100s\"", key);
			is_complete = false;
		}
	}
	if (is_complete)
	{
		if (function_run(&function, &value, &error))
			answer(&function, row, uri, &value);
		else if (vc_sqlstate_meaning(error.sqlstate)->http_status == 404)
			not_found(context, uri);
		else
			rpc_fail_sql(context, &error);
	}
	vc_error_clear(&error);
	free(value.data);
	function_free(&function);
}

void
mcp_read_resource(RpcContext *context)
{
	const char *uri = rpc_text(context, "uri");
	json_t *rows = uri ? catalog(context) : NULL;
	json_t *values = NULL;
	json_t *row = rows ? find_row(rows, uri, &values) : NULL;

	if (row)
		read_row(context, row, values, uri);
	else if (rows)
		not_found(context, uri);
	json_decref(values);
	json_decref(rows);
}
