/*
 * live_connection.c
 *	  Connections of live queries.
 */
#include "gateway/src/live_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/src/call.h"
#include "gateway/src/memory.h"
#include "gateway/src/pool.h"

/*
 * What waits in the kernel between the server and us is part of what a stalled client
 * leaves lying about.
 */
#define RECEIVE_BUFFER (64 * 1024)

/*
 * client_connection_check_interval: should this process be killed, its queries end as
 * well though they have nothing to send.  live_rows: our own choice, whatever the role's
 * settings say.
 */
static const char settings_sql[] =
	"SELECT set_config('client_encoding', 'UTF8', false),"
	" set_config('client_connection_check_interval', '1s', false),"
	" set_config('velo.progress_interval', '1s', false),"
	" set_config('velo.live_rows', 'result', false),"
	" CASE WHEN $1::text IS NOT NULL THEN set_config('velo.request', $1, false) END";

static const char variable_sql[] = "SELECT set_config('velo.var.' || $1, $2, false)";

static const char names_sql[] =
	"SELECT format_type(t.type, t.modifier)"
	" FROM unnest($1::oid[], $2::integer[]) WITH ORDINALITY AS t (type, modifier, place)"
	" ORDER BY t.place";

static bool
execute(PGconn *conn, const char *sql, int count, const char *const *values, VcError *error)
{
	PGresult *result = PQexecParams(conn, sql, count, NULL, values, NULL, NULL, 0);
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;

	if (!ok)
		vc_error_from_result(error, result, NULL, 0);
	PQclear(result);
	return ok;
}

static bool
set_variables(PGconn *conn, const json_t *params, VcError *error)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *) params, name, value)
	{
		char *text = json_is_string(value) ? vg_copy(json_string_value(value))
										   : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		const char *values[] = {name, text};
		bool ok = execute(conn, variable_sql, 2, values, error);

		free(text);
		if (!ok)
			return false;
	}
	return true;
}

static bool
prepare(PGconn *conn, const VgLiveCaller *caller, const json_t *params, VcError *error)
{
	char *context = vg_request_context_of(caller->id, caller->address, conn, "live");
	const char *values[] = {context};
	bool ok = execute(conn, settings_sql, 1, values, error) && set_variables(conn, params, error);

	free(context);
	if (ok && PQsetnonblocking(conn, 1) != 0)
	{
		vc_error_from_connection(error, conn);
		ok = false;
	}
	return ok;
}

PGconn *
vg_live_connect(const VgLiveCaller *caller, const json_t *params, VcError *error)
{
	PGconn *conn = vg_pool_open(caller->user, error);
	int bytes = RECEIVE_BUFFER;

	if (conn == NULL)
		return NULL;
	if (!prepare(conn, caller, params, error))
	{
		vg_pool_close(caller->user, conn);
		return NULL;
	}
	(void) setsockopt(PQsocket(conn), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return conn;
}

bool
vg_live_type_names(VgUser *user, int count, const Oid *types, const int *modifiers, char **names,
				   VcError *error)
{
	VgText type_array = {0};
	VgText modifier_array = {0};
	const char *values[2];
	PGresult *result;
	PGconn *conn = vg_pool_take(user, error);
	bool ok;

	if (conn == NULL)
		return false;
	for (int i = 0; i < count; i++)
	{
		vg_text_format(&type_array, "%c%u", i == 0 ? '{' : ',', types[i]);
		vg_text_format(&modifier_array, "%c%d", i == 0 ? '{' : ',', modifiers[i]);
	}
	vg_text_add(&type_array, "}");
	vg_text_add(&modifier_array, "}");
	values[0] = type_array.bytes;
	values[1] = modifier_array.bytes;
	result = PQexecParams(conn, names_sql, 2, NULL, values, NULL, NULL, 0);
	ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == count;
	if (!ok)
		vc_error_from_result(error, result, NULL, 0);
	for (int i = 0; ok && i < count; i++)
		names[i] = vg_copy(PQgetvalue(result, i, 0));
	PQclear(result);
	free(type_array.bytes);
	free(modifier_array.bytes);
	vg_pool_give(user, conn, true);
	return ok;
}
