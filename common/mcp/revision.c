/*
 * revision.c
 *	  Telling the generations of the protocol apart.
 *
 * A client says its revision in every request (modern), in a header (2025-06-18 and on),
 * or never (2025-03-26).  What intermediaries may act upon, the headers, must say the
 * same as the body; a header in disguise (=?base64?…?=) is compared by what it means.
 */
#include "common/mcp/revision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mcp/base64.h"

/* Newest first; "modern" are those from first_legacy upwards. */
static const char *const revisions[] = {"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"};
static const int first_legacy = 1;

const char *const revision_newest_legacy = "2025-11-25";
static const char *const revision_without_header = "2025-03-26";

/* Spaces and tabs around a header's value do not belong to it (RFC 9110, 5.5). */
static const char *
trim(const char *value, size_t *length)
{
	value += strspn(value, " \t");
	*length = strlen(value);
	while (*length > 0 && (value[*length - 1] == ' ' || value[*length - 1] == '\t'))
		--*length;
	return value;
}

static bool
says(const char *header, const char *text)
{
	size_t length;

	if (header == NULL)
		return false;
	header = trim(header, &length);
	return strlen(text) == length && memcmp(header, text, length) == 0;
}

const char *
revision_find(const char *name)
{
	for (size_t i = 0; i < sizeof(revisions) / sizeof(revisions[0]); i++)
		if (says(name, revisions[i]))
			return revisions[i];
	return NULL;
}

bool
revision_is_modern(const char *revision)
{
	for (int i = 0; i < first_legacy; i++)
		if (revision == revisions[i])
			return true;
	return false;
}

json_t *
revision_list(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(revisions) / sizeof(revisions[0]); i++)
		json_array_append_new(list, json_string(revisions[i]));
	return list;
}

static bool
refuse(RpcContext *context)
{
	context->http_status = 400;
	return false;
}

static bool
unsupported(RpcContext *context, const char *asked)
{
	rpc_fail(context, MCP_UNSUPPORTED_VERSION, "unsupported protocol version \"%s\"", asked);
	context->error_data = json_pack("{s:o, s:s}", "supported", revision_list(), "requested", asked);
	return refuse(context);
}

static bool
check_meta(RpcContext *context, bool has_version)
{
	json_t *capabilities = json_object_get(context->meta, MCP_META_PREFIX "clientCapabilities");

	if (!has_version)
		rpc_fail(context, RPC_INVALID_PARAMS, "params._meta must have \"%sprotocolVersion\"",
				 MCP_META_PREFIX);
	else if (!json_is_object(capabilities))
		rpc_fail(context, RPC_INVALID_PARAMS, "params._meta must have \"%sclientCapabilities\"",
				 MCP_META_PREFIX);
	else
		return true;
	return refuse(context);
}

/* Without a version in the message: what initialize agreed on, or the oldest. */
static bool
choose_silent(RpcContext *context)
{
	const VcMcpSession *session = context->request->session;

	context->revision = revision_without_header;
	if (session && session->revision[0])
		context->revision = revision_find(session->revision);
	else if (session && context->id && strcmp(context->method, "initialize") != 0 &&
			 strcmp(context->method, "ping") != 0)
	{
		check_meta(context, false);
		return false;
	}
	return true;
}

bool
revision_choose(RpcContext *context)
{
	const VcMcpHeaders *headers = context->request->headers;
	json_t *meta = json_object_get(context->meta, MCP_META_PREFIX "protocolVersion");
	const char *said = json_string_value(meta);
	const char *header = headers ? headers->version : NULL;
	const char *asked = said ? said : header;

	if (meta && !said)
	{
		rpc_fail(context, RPC_INVALID_PARAMS, "the protocol version in _meta must be a string");
		return refuse(context);
	}
	if (headers && said && !says(header, said))
	{
		rpc_fail(context, MCP_HEADER_MISMATCH,
				 "header mismatch: MCP-Protocol-Version is %s, but the body says \"%s\"",
				 header ? header : "missing", said);
		return refuse(context);
	}
	if (asked == NULL)
		return choose_silent(context);
	context->revision = revision_find(asked);
	if (context->revision == NULL)
		return unsupported(context, asked);
	context->is_modern = revision_is_modern(context->revision);
	/* Which notifications there are and what they carry, the revision leaves open. */
	return !context->is_modern || context->id == NULL || check_meta(context, said != NULL);
}

/* ------------------------------------------------------------------ headers */

/* The text that a header stands for, for free(); NULL: badly written. */
static char *
header_text(const char *value)
{
	static const char prefix[] = "=?base64?";
	size_t length;

	value = trim(value, &length);
	for (const char *c = value; *c; c++)
		if ((*c < 0x20 && *c != '\t') || *c == 0x7F || (*c & 0x80))
			return NULL;
	if (length < strlen(prefix) + 2 || strncmp(value, prefix, strlen(prefix)) != 0 ||
		memcmp(value + length - 2, "?=", 2) != 0)
		return strndup(value, length);
	return base64_decode(value + strlen(prefix), length - strlen(prefix) - 2);
}

static bool
mismatch(RpcContext *context, const char *header, const char *value, const char *body)
{
	if (value == NULL)
		rpc_fail(context, MCP_HEADER_MISMATCH, "header mismatch: %s is missing", header);
	else
		rpc_fail(context, MCP_HEADER_MISMATCH,
				 "header mismatch: %s is \"%.200s\", which is not what the body says%s%.200s%s",
				 header, value, body ? ": \"" : "", body ? body : "", body ? "\"" : "");
	return refuse(context);
}

static bool
must_equal(RpcContext *context, const char *header, const char *value, const char *body)
{
	char *text = value ? header_text(value) : NULL;
	bool is_equal = text && body && strcmp(text, body) == 0;

	free(text);
	return is_equal || mismatch(context, header, value, body);
}

bool
revision_check_headers(RpcContext *context, const char *name_key)
{
	const VcMcpHeaders *headers = context->request->headers;
	const char *name = name_key ? json_string_value(json_object_get(context->params, name_key))
								: NULL;

	if (headers == NULL || !context->is_modern)
		return true;
	if (!says(headers->method, context->method))
		return mismatch(context, "Mcp-Method", headers->method, context->method);
	/* A body without the name is wrong by itself, and says so better later. */
	return name == NULL || must_equal(context, "Mcp-Name", headers->name, name);
}

/* As the header must have it, for free(). */
static char *
mirrored(const json_t *value)
{
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

static bool
check_argument(RpcContext *context, const char *suffix, const json_t *value)
{
	const VcMcpHeaders *headers = context->request->headers;
	char name[128];
	const char *header;
	char *body = NULL;
	bool is_fine = true;

	snprintf(name, sizeof(name), "Mcp-Param-%s", suffix);
	header = headers->find(headers->arg, name);
	if (value && !json_is_null(value))
		body = mirrored(value);
	/* 42.0 and 42 are the same number. */
	if (json_is_integer(value) && header && atof(header) == (double) json_integer_value(value))
		is_fine = true;
	else if (body || header)
		is_fine = must_equal(context, name, header, body);
	free(body);
	return is_fine;
}

bool
revision_check_arguments(RpcContext *context, const json_t *input_schema, const json_t *arguments)
{
	const char *key;
	json_t *property;

	if (context->request->headers == NULL || !context->is_modern)
		return true;
	json_object_foreach(json_object_get(input_schema, "properties"), key, property)
	{
		const char *suffix = json_string_value(json_object_get(property, "x-mcp-header"));

		if (suffix && !check_argument(context, suffix, json_object_get(arguments, key)))
			return false;
	}
	return true;
}
