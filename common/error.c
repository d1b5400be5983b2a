/*
 * error.c
 *	  Errors of PostgreSQL and of our own in one form.
 *
 * PostgreSQL says where an error is in characters from the start of the statement it
 * was sent, or of the text that a function of ours ran for the user (the internal
 * query).  People think in lines and columns of what they typed.
 */
#include "common/error.h"

#include <stdlib.h>
#include <string.h>

static char *
copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

/* Line and column of a character's position (from 1) in a text of UTF-8. */
static void
place(VcError *error, const char *text, int position)
{
	int line = 1;
	int column = 1;

	for (const char *c = text; *c && position > 1; c++)
	{
		/* bytes that continue a character are not counted */
		if ((c[1] & 0xC0) == 0x80)
			continue;
		position--;
		column++;
		if (*c == '\n')
		{
			line++;
			column = 1;
		}
	}
	error->line = line;
	error->column = column;
}

/* A function may put words of its own before the text, as velo.job_start does. */
static bool
ends_with(const char *query, const char *text)
{
	size_t query_length = strlen(query);
	size_t length = strlen(text);

	return length <= query_length && strcmp(query + query_length - length, text) == 0;
}

/* position is one of the query, which the text ends. */
static void
place_after(VcError *error, const char *query, const char *text, int position)
{
	const char *begin = query + strlen(query) - strlen(text);

	for (const char *c = query; c < begin; c++)
		position -= (*c & 0xC0) != 0x80;
	if (position > 0)
		place(error, text, position);
}

static void
find_place(VcError *error, const PGresult *result, const char *text, int before)
{
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	const char *internal = PQresultErrorField(result, PG_DIAG_INTERNAL_POSITION);
	const char *query = PQresultErrorField(result, PG_DIAG_INTERNAL_QUERY);

	if (text == NULL)
		return;
	if (internal && query && ends_with(query, text))
		place_after(error, query, text, atoi(internal));
	else if (position && atoi(position) > before)
		place(error, text, atoi(position) - before);
}

void
vc_error_from_result(VcError *error, const PGresult *result, const char *text, int before)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	/* libpq's own errors (a lost connection) have neither. */
	vc_error_set(error, sqlstate ? sqlstate : "08006",
				 message ? message : "the connection to the database was lost",
				 PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
				 PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
	error->context = copy(PQresultErrorField(result, PG_DIAG_CONTEXT));
	find_place(error, result, text, before);
}

void
vc_error_from_connection(VcError *error, const PGconn *conn)
{
	const char *message = PQerrorMessage(conn);
	size_t length = strcspn(message, "\n");
	char *line = strndup(message, length);

	vc_error_set(error, "08006", "could not connect to the database", line, NULL);
	free(line);
}

void
vc_error_set(VcError *error, const char *sqlstate, const char *message, const char *detail,
			 const char *hint)
{
	vc_error_clear(error);
	strncpy(error->sqlstate, sqlstate, sizeof(error->sqlstate) - 1);
	error->message = copy(message);
	error->detail = copy(detail);
	error->hint = copy(hint);
}

static void
add_text(json_t *object, const char *key, const char *value)
{
	/* Replaces what is no UTF-8: a server of another encoding may have sent it. */
	if (value)
	{
		json_t *text = json_string(value);

		json_object_set_new(object, key, text ? text : json_string("(not UTF-8)"));
	}
}

json_t *
vc_error_json(const VcError *error)
{
	json_t *object = json_object();

	add_text(object, "code", error->sqlstate);
	add_text(object, "message", error->message);
	add_text(object, "detail", error->detail);
	add_text(object, "hint", error->hint);
	if (error->line > 0)
	{
		json_object_set_new(object, "line", json_integer(error->line));
		json_object_set_new(object, "column", json_integer(error->column));
	}
	return object;
}

bool
vc_error_is_set(const VcError *error)
{
	return error->sqlstate[0] != '\0';
}

void
vc_error_clear(VcError *error)
{
	free(error->message);
	free(error->detail);
	free(error->hint);
	free(error->context);
	memset(error, 0, sizeof(*error));
}
