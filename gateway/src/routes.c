/*
 * routes.c
 *	  Which route serves a request.
 *
 * Routes of C come before routes of SQL, and both before the page.  There are some tens
 * of them, so they are simply tried in turn.
 */
#include "gateway/src/config.h"
#include "gateway/src/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const VgRoute page_route = {.method = "GET",
								   .access = VG_ACCESS_ANYONE,
								   .is_quick = true,
								   .handle = vg_static_serve};

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

static bool
is_parameter(const char *part, size_t length)
{
	return length > 2 && part[0] == '{' && part[length - 1] == '}';
}

/* Does "/a/{b}" fit?  pairs: where its parameters go. */
static bool
fits(const char *path, VgRequest *request, VgPair *pairs, int *count)
{
	int at = 0;

	*count = 0;
	while (*path == '/' && path[1])
	{
		size_t length = strcspn(++path, "/");

		if (at == request->part_count)
			return false;
		if (is_parameter(path, length) && *count < VG_PATH_PARAMETERS_MAX)
			pairs[(*count)++] = (VgPair) {(char *) path + 1,
										  request->parts[at]}; /* copied by keep() */
		else if (strlen(request->parts[at]) != length ||
				 strncmp(path, request->parts[at], length) != 0)
			return false;
		path += length;
		at++;
	}
	return at == request->part_count;
}

static void
keep(VgMatch *match, const VgPair *pairs, int count)
{
	match->parameter_count = count;
	for (int i = 0; i < count; i++)
		match->parameters[i] = (VgPair) {vg_copy_n(pairs[i].name, strcspn(pairs[i].name, "}")),
										 vg_copy(pairs[i].value)};
}

static void
allow(VgMatch *match, const char *method)
{
	size_t used = strlen(match->allow);

	if (strstr(match->allow, method) == NULL)
		snprintf(match->allow + used, sizeof(match->allow) - used, "%s%s%s", used ? ", " : "",
				 method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

/* One route against the request: true when it serves it. */
static bool
try(VgRequest *request, const char *method, const char *path)
{
	VgPair pairs[VG_PATH_PARAMETERS_MAX];
	int count;

	if (!fits(path, request, pairs, &count))
		return false;
	allow(&request->match, method);
	if (strcmp(method, request->method) != 0)
		return false;
	keep(&request->match, pairs, count);
	return true;
}

static bool
find_route(VgRequest *request)
{
	VgMatch *match = &request->match;

	VG_FOREACH(routes, const VgRoute, route)
	{
		if (try(request, route->method, route->path))
		{
			match->route = route;
			return true;
		}
	}
	match->table = vg_route_table_hold();
	for (int i = 0; match->table && i < vg_route_table_size(match->table); i++)
	{
		const VgSqlRoute *route = vg_route_table_at(match->table, i);

		if (try(request, route->method, route->path))
		{
			match->sql = route;
			return true;
		}
	}
	return false;
}

/* Before a call from another origin a browser asks whether it may. */
static void
answer_options(VgRequest *request)
{
	VgReply *reply = &request->reply;

	vg_reply_status(reply, MHD_HTTP_NO_CONTENT);
	vg_reply_header(reply, "Allow", request->match.allow);
	if (request->allowed_origin == NULL ||
		vg_request_header(request, "Access-Control-Request-Method") == NULL)
		return;
	vg_reply_header(reply, "Access-Control-Allow-Methods", request->match.allow);
	vg_reply_header(reply, "Access-Control-Allow-Headers",
					"Authorization, Content-Type, X-Requested-With, Mcp-Session-Id, "
					"Mcp-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID");
	vg_reply_header(reply, "Access-Control-Max-Age", "600");
}

static bool
is_known_method(const char *method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i], method) == 0)
			return true;
	return false;
}

static bool
refuse_unknown(VgRequest *request)
{
	VgReply *reply = &request->reply;

	if (strcmp(request->method, "OPTIONS") == 0 && *request->match.allow)
		answer_options(request);
	else if (*request->match.allow)
	{
		vg_reply_refuse(reply, MHD_HTTP_METHOD_NOT_ALLOWED, "0A000",
						"this path does not take that method", NULL);
		vg_reply_header(reply, "Allow", request->match.allow);
	}
	else if (request->is_under_api && request->match.table == NULL)
		vg_reply_refuse(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "57P03",
						"the gateway has no connection to the database yet",
						"Try again in a moment; /ready says when.");
	else
		vg_reply_refuse(reply, MHD_HTTP_NOT_FOUND, "42704", "there is nothing at this path",
						"GET /openapi.json lists what there is.");
	return false;
}

bool
vg_routes_match(VgRequest *request)
{
	if (!is_known_method(request->method))
	{
		vg_reply_refuse(&request->reply, MHD_HTTP_NOT_IMPLEMENTED, "0A000",
						"this method is not known here", NULL);
		request->reply.must_close = true;
		return false;
	}
	if (find_route(request))
		return true;
	if (*request->match.allow == '\0' && !request->is_under_api &&
		strcmp(request->method, "GET") == 0)
	{
		request->match.route = &page_route;
		return true;
	}
	return refuse_unknown(request);
}
