/*
 * call.c
 *	  Calling one SQL function in one transaction.
 *
 * BEGIN, the settings, the call and COMMIT go to the server together (libpq's pipeline):
 * one round trip instead of four.  PostgreSQL makes the JSON, so what is only passed
 * on is never taken apart here.
 */
#include "gateway/src/call.h"

#include "gateway/src/config.h"
#include "gateway/src/context.h"
#include "gateway/src/memory.h"
#include "gateway/src/prepared.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
	ARGUMENTS_MAX = 64,
	STEPS_MAX = 8
};

typedef enum StepKind
{
	STEP_PLAIN,	  /* nobody looks at its result */
	STEP_PREPARE, /* makes a prepared statement */
	STEP_CALL	  /* the call itself */
} StepKind;

/* What was sent, in order: results come in the same. */
typedef struct Steps
{
	PGconn *conn;
	int count;
	StepKind kinds[STEPS_MAX];
	VgPrepared *made[STEPS_MAX]; /* of STEP_PREPARE */
} Steps;

/* What a caller's row is called in our statement; a column of a function's result that
 * has this name would hide it. */
#define ROW_NAME "_velo_row_"

static void
add_call(VgText *sql, const VgCall *call)
{
	vg_text_add(sql, call->function);
	vg_text_add(sql, "(");
	for (int i = 0; i < call->argument_count; i++)
	{
		const VgArgument *argument = &call->arguments[i];

		vg_text_add(sql, i ? ", " : "");
		vg_text_add_identifier(sql, argument->name);
		vg_text_format(sql, " => $%d::%s", i + 1,
					   argument->type ? argument->type : "pg_catalog.text");
	}
	vg_text_add(sql, ")");
}

static char *
make_sql(const VgCall *call)
{
	VgText sql = {0};

	switch (call->result)
	{
		case VG_RESULT_ROWS:
			vg_text_add(&sql, "SELECT coalesce(pg_catalog.json_agg(" ROW_NAME
							  "), '[]')::pg_catalog.text FROM ");
			add_call(&sql, call);
			vg_text_add(&sql, " " ROW_NAME);
			break;
		case VG_RESULT_ROW:
			vg_text_add(&sql, "SELECT pg_catalog.to_json(" ROW_NAME ")::pg_catalog.text FROM ");
			add_call(&sql, call);
			vg_text_add(&sql, " " ROW_NAME " WHERE NOT (" ROW_NAME " IS NULL) LIMIT 1");
			break;
		case VG_RESULT_VALUE:
			vg_text_add(&sql, "SELECT pg_catalog.to_json(");
			add_call(&sql, call);
			vg_text_add(&sql, ")::pg_catalog.text");
			break;
		case VG_RESULT_TEXT:
			vg_text_add(&sql, "SELECT ");
			add_call(&sql, call);
			vg_text_add(&sql, "::pg_catalog.text");
			break;
	}
	return sql.bytes;
}

static void
add_step(Steps *steps, StepKind kind, VgPrepared *made)
{
	steps->kinds[steps->count] = kind;
	steps->made[steps->count++] = made;
}

/* Sends a statement, prepared if the connection saw it before. */
static bool
send_step(Steps *steps, StepKind kind, const char *sql, int count, const char *const *values)
{
	VgPrepared *entry = count || kind == STEP_CALL ? vg_prepared_find(steps->conn, sql) : NULL;

	if (entry && entry->uses > 1 && !entry->is_prepared)
	{
		add_step(steps, STEP_PREPARE, entry);
		if (!PQsendPrepare(steps->conn, entry->name, sql, count, NULL))
			return false;
	}
	add_step(steps, kind, NULL);
	if (entry && entry->uses > 1)
		return PQsendQueryPrepared(steps->conn, entry->name, count, values, NULL, NULL, 0);
	return PQsendQueryParams(steps->conn, sql, count, NULL, values, NULL, NULL, 0);
}

static bool
send_settings(Steps *steps, const VgCall *call)
{
	char timeout[16];
	char *context = vg_request_context(call->request, steps->conn, call->door);
	const char *values[] = {timeout, context};
	bool is_sent;

	snprintf(timeout, sizeof(timeout), "%d", vg_config->request_timeout);
	/* Without a key too: the last request's value must not stay (it is local, but the
	 * user may have set one for the session). */
	is_sent = send_step(
		steps, STEP_PLAIN,
		/* A role's own time-out counts if it is smaller. */
		"SELECT pg_catalog.set_config('statement_timeout', CASE WHEN extract(epoch FROM "
		"pg_catalog.current_setting('statement_timeout')::interval) * 1000 "
		"BETWEEN 1 AND $1::text::integer THEN pg_catalog.current_setting('statement_timeout') "
		"ELSE $1::text END, true), "
		"pg_catalog.set_config('velo.request', coalesce($2, ''), true)",
		2, values);
	free(context);
	return is_sent;
}

static bool
send_steps(Steps *steps, const VgCall *call)
{
	const char *values[ARGUMENTS_MAX];
	char *sql;
	bool is_sent;

	for (int i = 0; i < call->argument_count; i++)
		values[i] = call->arguments[i].value;
	if (!PQenterPipelineMode(steps->conn))
		return false;
	sql = make_sql(call);
	is_sent = send_step(steps, STEP_PLAIN,
						call->is_read_only ? "BEGIN READ ONLY" : "BEGIN READ WRITE", 0, NULL) &&
			  send_settings(steps, call) &&
			  send_step(steps, STEP_CALL, sql, call->argument_count, values) &&
			  send_step(steps, STEP_PLAIN, "COMMIT", 0, NULL) && PQpipelineSync(steps->conn);
	free(sql);
	return is_sent;
}

/* The only value of a result with a row, copied. */
static char *
take_value(const PGresult *result, size_t *size)
{
	*size = PQgetlength(result, 0, 0);
	return PQgetisnull(result, 0, 0) ? NULL : vg_copy_n(PQgetvalue(result, 0, 0), *size);
}

typedef struct Answer
{
	char *value;
	size_t size;
	bool has_row;
} Answer;

static void
read_result(const Steps *steps, int step, const VgCall *call, const PGresult *result,
			Answer *answer, VcError *error)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_FATAL_ERROR && !vc_error_is_set(error))
		/* Places in our own statement say nothing about the user's text. */
		vc_error_from_result(error, result, call->text, INT_MAX);
	else if (step >= steps->count)
		return;
	else if (status == PGRES_COMMAND_OK && steps->kinds[step] == STEP_PREPARE)
		steps->made[step]->is_prepared = true;
	else if (status == PGRES_TUPLES_OK && steps->kinds[step] == STEP_CALL && PQntuples(result) > 0)
	{
		answer->has_row = true;
		answer->value = take_value(result, &answer->size);
	}
}

static void
read_steps(const Steps *steps, const VgCall *call, Answer *answer, VcError *error)
{
	int step = 0;
	bool is_over = false;

	/* each step ends with a NULL; the last result is that of the synchronisation */
	while (!is_over && step <= steps->count && PQstatus(steps->conn) == CONNECTION_OK)
	{
		PGresult *result = PQgetResult(steps->conn);

		if (result == NULL)
			step++;
		else
			read_result(steps, step, call, result, answer, error);
		is_over = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		PQclear(result);
	}
}

static void
finish(PGconn *conn, VcError *error)
{
	if (PQstatus(conn) != CONNECTION_OK && !vc_error_is_set(error))
		vc_error_set(error, "08006", "the connection to the database was lost", NULL,
					 "Try again in a moment.");
	if (PQpipelineStatus(conn) != PQ_PIPELINE_OFF)
		PQexitPipelineMode(conn);
	if (PQstatus(conn) == CONNECTION_OK && PQtransactionStatus(conn) != PQTRANS_IDLE)
		PQclear(PQexec(conn, "ROLLBACK"));
}

char *
vg_call_text(PGconn *conn, const VgCall *call, size_t *size, VcError *error)
{
	Answer answer = {0};
	Steps steps = {.conn = conn};

	vc_error_clear(error);
	*size = 0;
	if (call->argument_count > ARGUMENTS_MAX)
	{
		vc_error_set(error, "54023", "too many arguments", NULL, NULL);
		return NULL;
	}
	if (call->request)
		vg_request_set_connection(call->request, conn);
	if (call->request && vg_request_is_abandoned(call->request))
		vc_error_set(error, "57014", "the client went away", NULL, NULL);
	else if (send_steps(&steps, call))
		read_steps(&steps, call, &answer, error);
	else
		vc_error_set(error, "08006", "the call could not be sent to the database", NULL,
					 "Try again in a moment.");
	/* somebody's function deallocated what was prepared */
	if (strcmp(error->sqlstate, "26000") == 0)
		vg_prepared_forget(conn);
	if (call->request)
		vg_request_set_connection(call->request, NULL);
	finish(conn, error);
	if (!vc_error_is_set(error) && call->result == VG_RESULT_ROW && !answer.has_row)
		vc_error_set(error, "P0002", "there is no such object", NULL, NULL);
	if (vc_error_is_set(error))
	{
		free(answer.value);
		return NULL;
	}
	if (answer.value == NULL)
		answer.value = vg_copy(call->result == VG_RESULT_TEXT ? "" : "null");
	*size = strlen(answer.value);
	return answer.value;
}

static json_t *
parse(const char *text, VcError *error)
{
	json_error_t fault;
	json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &fault);

	if (value == NULL)
		vc_error_set(error, "XX000", "the database answered with malformed JSON", fault.text, NULL);
	return value;
}

json_t *
vg_call(PGconn *conn, const VgCall *call, VcError *error)
{
	size_t size;
	char *text = vg_call_text(conn, call, &size, error);
	json_t *value = NULL;

	if (text)
		value = call->result == VG_RESULT_TEXT ? json_stringn(text, size) : parse(text, error);
	free(text);
	return value;
}

json_t *
vg_query_json(PGconn *conn, const char *sql, int count, const char *const *values, VcError *error)
{
	PGresult *result = PQexecParams(conn, sql, count, NULL, values, NULL, NULL, 0);
	json_t *value = NULL;

	vc_error_clear(error);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		vc_error_from_result(error, result, NULL, 0);
	else if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0))
		value = json_null();
	else
		value = parse(PQgetvalue(result, 0, 0), error);
	PQclear(result);
	return value;
}
