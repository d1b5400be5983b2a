/*
 * sql.c
 *	  Catalogs, calls and lists of the protocol as SQL.
 *
 * What is shown is decided by views that leave out what the role may not use; what is
 * called runs as the role, in one transaction with its time-out.  No name of a tool or
 * resource is known here.
 */
#include "common/mcp/sql.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mcp/mcp.h"

/* OIDs of PostgreSQL's own types never change. */
enum
{
	OID_BYTEA = 17,
	OID_JSON = 114,
	OID_JSONB = 3802
};

enum
{
	CANCEL_ATTEMPTS_MAX = 50,
	CANCEL_PAUSE_MS = 100
};

/* ------------------------------------------------------------------ running a statement */

static void
cancel(PGconn *conn)
{
	char error[256];
	PGcancel *handle = PQgetCancel(conn);

	if (handle)
		PQcancel(handle, error, sizeof(error));
	PQfreeCancel(handle);
}

/*
 * Cancels until it is heard: a cancellation that comes before the backend has begun the
 * statement is lost.
 */
static void
cancel_until_heard(PGconn *conn)
{
	struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};

	for (int i = 0; i < CANCEL_ATTEMPTS_MAX && PQisBusy(conn); i++)
	{
		cancel(conn);
		poll(&fd, 1, CANCEL_PAUSE_MS);
		if (!PQconsumeInput(conn))
			return;
	}
}

/* The next result, after waiting for it in the caller's way. */
static PGresult *
next_result(VcMcpSql *sql)
{
	while (sql->wait && PQisBusy(sql->conn))
	{
		if (!sql->wait(sql->wait_arg, sql->conn))
		{
			sql->is_cancelled = true;
			cancel_until_heard(sql->conn);
			break;
		}
		if (!PQconsumeInput(sql->conn))
			break;
	}
	return PQgetResult(sql->conn);
}

static bool
failed(VcMcpSql *sql, const PGresult *result, const char *text, VcError *error)
{
	if (result == NULL || PQstatus(sql->conn) == CONNECTION_BAD)
		vc_error_from_connection(error, sql->conn);
	else
		vc_error_from_result(error, result, text, 0);
	return false;
}

static void
drain(VcMcpSql *sql)
{
	PGresult *result;

	while ((result = PQgetResult(sql->conn)) != NULL)
		PQclear(result);
}

/* Runs a statement that returns few rows.  NULL: error is set. */
static PGresult *
execute(VcMcpSql *sql, const char *statement, int count, const char *const *values, VcError *error)
{
	PGresult *result = NULL;

	if (PQsendQueryParams(sql->conn, statement, count, NULL, values, NULL, NULL, 0))
		result = next_result(sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		failed(sql, result, NULL, error);
		PQclear(result);
		result = NULL;
	}
	drain(sql);
	return result;
}

static bool
run(VcMcpSql *sql, const char *statement, VcError *error)
{
	PGresult *result = execute(sql, statement, 0, NULL, error);

	PQclear(result);
	return result != NULL;
}

/* A statement that returns one JSON text. */
static json_t *
query_json(VcMcpSql *sql, const char *statement, int count, const char *const *values,
		   VcError *error)
{
	PGresult *result = execute(sql, statement, count, values, error);
	json_t *json = NULL;

	if (result && PQntuples(result) == 1)
	{
		json = json_loads(PQgetvalue(result, 0, 0), JSON_DECODE_ANY, NULL);
		if (json == NULL)
			vc_error_set(error, "XX000", "the database sent JSON that cannot be read", NULL, NULL);
	}
	PQclear(result);
	return json;
}

/* ------------------------------------------------------------------ catalogs and lists */

static json_t *
catalog(void *arg, VcMcpCatalog which, const char *name, VcError *error)
{
	static const char *const views[] = {"velo.tools", "velo.resources", "velo.prompts"};
	VcMcpSql *sql = arg;
	char statement[320];
	json_t *rows;

	snprintf(statement, sizeof(statement),
			 "SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(v) ORDER BY v.name "
			 "COLLATE pg_catalog.\"C\"), '[]') FROM %s v WHERE $1::text IS NULL OR v.name = $1",
			 views[which]);
	rows = query_json(sql, statement, 1, &name, error);
	if (rows == NULL &&
		(strcmp(error->sqlstate, "42P01") == 0 || strcmp(error->sqlstate, "3F000") == 0))
		vc_error_set(error, "3F000", "this database has no Velostream, or an older one", NULL,
					 "CREATE EXTENSION velostream, or ALTER EXTENSION velostream UPDATE, in it");
	return rows;
}

static json_t *
list(void *arg, json_t *functions, const char *prefix, const char *after, int limit, VcError *error)
{
	char most[16];
	const char *values[] = {prefix, after, most};
	char *statement = NULL;
	size_t size = 0;
	size_t i;
	json_t *function;
	json_t *rows;
	FILE *out;

	if (json_array_size(functions) == 0)
		return json_array();
	out = open_memstream(&statement, &size);
	if (out == NULL)
	{
		vc_error_set(error, "53200", "out of memory", NULL, NULL);
		return NULL;
	}
	fputs("SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(p)), '[]') FROM (SELECT * "
		  "FROM (",
		  out);
	json_array_foreach(functions, i, function)
		fprintf(out, "%sSELECT uri::text, name::text, title::text, description::text FROM %s()",
				i > 0 ? " UNION ALL " : "", json_string_value(function));
	fputs(") l WHERE pg_catalog.starts_with(uri, $1) AND uri COLLATE pg_catalog.\"C\" > $2 "
		  "ORDER BY uri COLLATE pg_catalog.\"C\" LIMIT $3::integer) p",
		  out);
	fclose(out);
	snprintf(most, sizeof(most), "%d", limit);
	rows = query_json(arg, statement, 3, values, error);
	free(statement);
	return rows;
}

/* ------------------------------------------------------------------ calling a function */

/* name => $1::type, …  Names and types are the catalog's own, read by us. */
static char *
call_statement(VcMcpSql *sql, const VcMcpCall *call)
{
	char *statement = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&statement, &size);

	if (out == NULL)
		return NULL;
	fprintf(out, "SELECT %s FROM %s(", call->is_set ? "pg_catalog.to_jsonb(r)" : "r",
			call->function);
	for (int i = 0; i < call->argument_count; i++)
	{
		const VcMcpArgument *argument = &call->arguments[i];
		char *name = PQescapeIdentifier(sql->conn, argument->name, strlen(argument->name));

		fprintf(out, "%s%s => $%d::%s", i > 0 ? ", " : "", name ? name : "", i + 1, argument->type);
		PQfreemem(name);
	}
	fputs(") AS r", out);
	fclose(out);
	return statement;
}

/* Settings that end with the transaction. */
static bool
begin(VcMcpSql *sql, const VcMcpCall *call, VcError *error)
{
	char timeout[16];
	char progress[16];
	const char *values[] = {timeout, sql->context ? sql->context : "", progress};
	PGresult *result;

	snprintf(timeout, sizeof(timeout), "%d", sql->timeout_ms);
	snprintf(progress, sizeof(progress), "%d", call->wants_progress ? VC_MCP_PROGRESS_MS : 0);
	if (!run(sql, call->is_read_only ? "BEGIN READ ONLY" : "BEGIN", error))
		return false;
	result = execute(sql,
					 "SELECT pg_catalog.set_config('statement_timeout', $1, true), "
					 "pg_catalog.set_config('velo.request', $2, true), "
					 "pg_catalog.set_config('velo.progress_interval', $3, true)",
					 3, values, error);
	PQclear(result);
	return result != NULL;
}

/* On one line: a line break in JSON can only stand between its tokens. */
static void
join_lines(char *text)
{
	for (; *text; text++)
		if (*text == '\n' || *text == '\r')
			*text = ' ';
}

static bool
too_large(VcError *error)
{
	char message[100];

	snprintf(message, sizeof(message), "the result is larger than %d bytes",
			 VC_MCP_RESULT_BYTES_MAX);
	vc_error_set(error, "54000", message, NULL, "ask for fewer rows or columns");
	return false;
}

static bool
take_value(const PGresult *result, VcMcpValue *value, VcError *error)
{
	Oid type = PQftype(result, 0);
	const char *text = PQgetvalue(result, 0, 0);
	size_t length = (size_t) PQgetlength(result, 0, 0);

	if (PQgetisnull(result, 0, 0))
		return true;
	value->kind = VC_MCP_TEXT;
	if (type == OID_BYTEA)
	{
		unsigned char *bytes = PQunescapeBytea((const unsigned char *) text, &length);

		value->kind = VC_MCP_BYTES;
		value->data = malloc(length + 1);
		if (value->data && bytes)
			memcpy(value->data, bytes, length);
		PQfreemem(bytes);
	}
	else
		value->data = strndup(text, length);
	if (value->data == NULL)
	{
		vc_error_set(error, "53200", "out of memory", NULL, NULL);
		return false;
	}
	value->data[length] = '\0';
	value->length = length;
	if (type == OID_JSON || type == OID_JSONB)
	{
		value->kind = VC_MCP_JSON;
		join_lines(value->data);
	}
	return length <= VC_MCP_RESULT_BYTES_MAX || too_large(error);
}

/* Reads rows one by one into an array's text; above the bound the rest is cancelled. */
static PGresult *
write_rows(VcMcpSql *sql, FILE *out, VcMcpValue *value)
{
	size_t size = 0;
	int rows = 0;
	PGresult *result;

	fputc('[', out);
	while ((result = next_result(sql)) != NULL && PQresultStatus(result) == PGRES_SINGLE_TUPLE)
	{
		size += (size_t) PQgetlength(result, 0, 0) + 1;
		if (size > VC_MCP_RESULT_BYTES_MAX && !value->is_truncated)
		{
			value->is_truncated = true;
			cancel(sql->conn);
		}
		if (!value->is_truncated)
			fprintf(out, "%s%s", rows++ > 0 ? "," : "", PQgetvalue(result, 0, 0));
		PQclear(result);
	}
	fputc(']', out);
	return result;
}

static bool
read_rows(VcMcpSql *sql, const VcMcpCall *call, VcMcpValue *value, VcError *error)
{
	FILE *out = open_memstream(&value->data, &value->length);
	PGresult *result;
	bool is_fine = true;

	if (out == NULL)
	{
		vc_error_set(error, "53200", "out of memory", NULL, NULL);
		return false;
	}
	result = write_rows(sql, out, value);
	fclose(out);
	value->kind = VC_MCP_JSON;
	if (!value->is_truncated && PQresultStatus(result) != PGRES_TUPLES_OK)
		is_fine = failed(sql, result, call->text, error);
	PQclear(result);
	return is_fine;
}

static bool
read_value(VcMcpSql *sql, const VcMcpCall *call, VcMcpValue *value, VcError *error)
{
	PGresult *result = next_result(sql);
	bool is_fine = true;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		is_fine = failed(sql, result, call->text, error);
	else if (PQntuples(result) > 0)
		is_fine = take_value(result, value, error);
	PQclear(result);
	return is_fine;
}

static void
forward_notice(void *arg, const PGresult *result)
{
	const VcMcpCall *call = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (severity && sqlstate && message)
		call->notice(call->notice_arg, severity, sqlstate, message,
					 PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
}

/* In the transaction that begin() opened. */
static bool
run_function(VcMcpSql *sql, const VcMcpCall *call, VcMcpValue *value, VcError *error)
{
	const char *values[VC_MCP_ARGUMENTS_MAX];
	char *statement = call_statement(sql, call);
	bool is_fine;

	for (int i = 0; i < call->argument_count; i++)
		values[i] = call->arguments[i].value;
	if (statement == NULL ||
		!PQsendQueryParams(sql->conn, statement, call->argument_count, NULL, values, NULL, NULL, 0))
		is_fine = failed(sql, NULL, NULL, error);
	else if (call->is_set)
	{
		PQsetSingleRowMode(sql->conn);
		is_fine = read_rows(sql, call, value, error);
	}
	else
		is_fine = read_value(sql, call, value, error);
	drain(sql);
	free(statement);
	return is_fine;
}

static void
ignore_notice(void *arg, const PGresult *result)
{
}

static bool
call_function(void *arg, const VcMcpCall *call, VcMcpValue *value, VcError *error)
{
	VcMcpSql *sql = arg;
	VcError ignored = {0};
	bool is_fine;

	/* It came while the catalog was read. */
	if (sql->is_cancelled)
	{
		vc_error_set(error, "57014", "the request was cancelled", NULL, NULL);
		return false;
	}
	sql->is_dirty |= call->runs_sql;
	is_fine = begin(sql, call, error);
	if (is_fine)
	{
		PQsetNoticeReceiver(sql->conn, forward_notice, (void *) call);
		is_fine = run_function(sql, call, value, error);
		PQsetNoticeReceiver(sql->conn, ignore_notice, NULL);
	}
	/* A cut set was cancelled, which ends the transaction: of a function that only reads
	 * nothing is lost, and one that writes must not be half believed. */
	if (is_fine && value->is_truncated && !call->is_read_only)
		is_fine = too_large(error);
	if (is_fine && !value->is_truncated)
		is_fine = run(sql, "COMMIT", error);
	else
		run(sql, "ROLLBACK", &ignored);
	vc_error_clear(&ignored);
	return is_fine;
}

VcMcpBackend
vc_mcp_sql_backend(VcMcpSql *sql)
{
	PQsetNoticeReceiver(sql->conn, ignore_notice, NULL);
	return (VcMcpBackend) {.arg = sql, .catalog = catalog, .call = call_function, .list = list};
}

bool
vc_mcp_sql_clean(VcMcpSql *sql)
{
	VcError error = {0};

	if (sql->is_dirty && run(sql, "DISCARD ALL", &error))
		sql->is_dirty = false;
	vc_error_clear(&error);
	return !sql->is_dirty;
}
