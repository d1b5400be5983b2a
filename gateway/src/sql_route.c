/*
 * sql_route.c
 *	  Calling a route's function with what the request brought.
 *
 * An argument comes from the path, the query string or the body, and from one of them
 * only.  Whether its text is a number is PostgreSQL's to say.
 */
#include "gateway/src/sql_route.h"

#include "gateway/src/memory.h"
#include "gateway/src/pool.h"
#include "gateway/src/exchange.h"

#include <stdlib.h>
#include <string.h>

enum
{
	ARGUMENTS_MAX = 64
};

typedef struct Given
{
	const VgSqlRoute *route;
	VgArgument arguments[ARGUMENTS_MAX];
	char *values[ARGUMENTS_MAX]; /* to free: those made from JSON */
	int count;
	VcError error;
} Given;

static bool
refuse(Given *given, const char *message, const char *name, const char *hint)
{
	char *text = vg_format(message, name);

	vc_error_set(&given->error, "22023", text, NULL, hint);
	free(text);
	return false;
}

static const VgSqlArgument *
find_argument(const VgSqlRoute *route, const char *name)
{
	for (int i = 0; i < route->argument_count; i++)
		if (strcmp(route->arguments[i].name, name) == 0)
			return &route->arguments[i];
	return NULL;
}

static bool
is_given(const Given *given, const char *name)
{
	for (int i = 0; i < given->count; i++)
		if (strcmp(given->arguments[i].name, name) == 0)
			return true;
	return false;
}

/* owned: the value's memory if it was made for this, or NULL */
static bool
give(Given *given, const char *name, const char *value, char *owned)
{
	const VgSqlArgument *argument = find_argument(given->route, name);

	if (argument == NULL || is_given(given, name) || given->count == ARGUMENTS_MAX)
	{
		free(owned);
		return argument ? refuse(given, "the argument \"%s\" was given twice", name, NULL)
						: refuse(given, "there is no argument \"%s\"", name,
								 "GET /openapi.json lists what this path takes.");
	}
	given->values[given->count] = owned;
	given->arguments[given->count++] = (VgArgument) {.name = argument->name,
													 .type = argument->type,
													 .value = value};
	return true;
}

static bool
give_json(Given *given, const char *name, const json_t *value)
{
	char *text;

	if (json_is_null(value))
		return give(given, name, NULL, NULL);
	if (json_is_string(value))
		return give(given, name, json_string_value(value), NULL);
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	return give(given, name, text, text);
}

static bool
give_pairs(Given *given, const VgPair *pairs, int count)
{
	for (int i = 0; i < count; i++)
		if (!give(given, pairs[i].name, pairs[i].value, NULL))
			return false;
	return true;
}

static bool
give_body(Given *given, json_t *body)
{
	const char *name;
	json_t *value;

	if (!json_is_object(body))
	{
		vc_error_set(&given->error, "22023", "the body must be a JSON object", NULL,
					 "Its keys are the names of arguments.");
		return false;
	}
	json_object_foreach(body, name, value)
	{
		if (!give_json(given, name, value))
			return false;
	}
	return true;
}

static bool
check_required(Given *given)
{
	for (int i = 0; i < given->route->argument_count; i++)
		if (given->route->arguments[i].is_required &&
			!is_given(given, given->route->arguments[i].name))
			return refuse(given, "the argument \"%s\" is missing", given->route->arguments[i].name,
						  NULL);
	return true;
}

/* body: holds the strings that arguments point to; the caller frees it */
static bool
collect(Given *given, const VgRequest *request, json_t **body)
{
	json_error_t fault;

	if (request->body.size > 0)
	{
		*body = json_loadb(request->body.bytes, request->body.size, JSON_REJECT_DUPLICATES, &fault);
		if (*body == NULL)
		{
			char *detail = vg_format("%s (line %d, column %d)", fault.text, fault.line,
									 fault.column);

			vc_error_set(&given->error, "22032", "the body is not JSON", detail, NULL);
			free(detail);
			return false;
		}
	}
	return give_pairs(given, request->match.parameters, request->match.parameter_count) &&
		   give_pairs(given, request->parameters, request->parameter_count) &&
		   (*body == NULL || give_body(given, *body)) && check_required(given);
}

/* The argument sql is the user's text, wherever there is one. */
static const char *
text_of(const Given *given)
{
	for (int i = 0; i < given->count; i++)
		if (strcmp(given->arguments[i].name, "sql") == 0)
			return given->arguments[i].value;
	return NULL;
}

static void
call(Given *given, VgRequest *request, VgReply *reply)
{
	const VgSqlRoute *route = given->route;
	VgCall to_call = {.function = route->function,
					  .arguments = given->arguments,
					  .argument_count = given->count,
					  .result = route->result,
					  .is_read_only = route->is_read_only,
					  .text = text_of(given),
					  .door = "http",
					  .request = request};
	PGconn *conn = vg_pool_take(request->user, &given->error);
	char *text;
	size_t size;

	if (conn == NULL)
		return;
	text = vg_call_text(conn, &to_call, &size, &given->error);
	vg_pool_give(request->user, conn, !route->runs_sql);
	if (text)
		vg_reply_bytes(reply, route->content_type, text, size);
	else if (strcmp(given->error.sqlstate, "P0002") == 0 && route->result == VG_RESULT_ROW)
		vg_reply_refuse(reply, MHD_HTTP_NOT_FOUND, "P0002", given->error.message, NULL);
}

void
vg_sql_route_handle(const VgSqlRoute *route, VgRequest *request, VgReply *reply)
{
	Given given = {.route = route};
	json_t *body = NULL;

	if (collect(&given, request, &body))
		call(&given, request, reply);
	if (vc_error_is_set(&given.error) && reply->status == 0)
		vg_reply_error(reply, &given.error);
	vc_error_clear(&given.error);
	for (int i = 0; i < given.count; i++)
		free(given.values[i]);
	json_decref(body);
}
