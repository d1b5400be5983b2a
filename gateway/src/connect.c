/*
 * connect.c
 *	  Logging in to PostgreSQL.
 *
 * libpq tells no SQLSTATE of a failed log-in, but writes it into the message when it is
 * verbose; it can be told so only between starting and polling.  Polling also lets the
 * time-out be ours.
 */
#include "gateway/src/config.h"
#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool_private.h"

#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

VG_COUNTER(opened, "velo_gateway_database_connects_total", "counter",
		   "Log-ins to PostgreSQL that succeeded.");
VG_COUNTER(failed, "velo_gateway_database_connect_errors_total", "counter",
		   "Log-ins to PostgreSQL that failed.");

static void
ignore_notice(void *arg, const PGresult *result)
{
}

static PGconn *
begin(const char *name, const char *password)
{
	const char *keywords[12];
	const char *values[12];
	int count = 0;

	/* The first may be a whole connection string; the others win over it. */
	const char *const fixed[][2] = {{"dbname", vg_config->database},
									{"application_name", "velo-gateway"},
									{"client_encoding", "UTF8"},
									{"keepalives_idle", "30"},
									{"keepalives_interval", "10"},
									{"keepalives_count", "3"},
									{"tcp_user_timeout", "30000"}};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
	{
		keywords[count] = fixed[i][0];
		values[count++] = fixed[i][1];
	}
	if (name)
	{
		keywords[count] = "user";
		values[count++] = name;
		keywords[count] = "password";
		values[count++] = password;
	}
	keywords[count] = NULL;
	values[count] = NULL;
	return PQconnectStartParams(keywords, values, 1);
}

static bool
wait_for_socket(PGconn *conn, PostgresPollingStatusType wants, int64_t deadline)
{
	struct pollfd fd = {.fd = PQsocket(conn),
						.events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT};
	int64_t rest = deadline - vg_now_ms();

	return rest > 0 && poll(&fd, 1, (int) rest) > 0;
}

/* False when it took too long. */
static bool
complete(PGconn *conn)
{
	int64_t deadline = vg_now_ms() + vg_config->connect_timeout;
	PostgresPollingStatusType wants = PGRES_POLLING_WRITING;

	while (wants != PGRES_POLLING_OK && wants != PGRES_POLLING_FAILED)
	{
		if (!wait_for_socket(conn, wants, deadline))
			return false;
		wants = PQconnectPoll(conn);
	}
	return true;
}

/* The code in "… FATAL:  28P01: …", whatever language "FATAL" is in. */
static void
find_sqlstate(const char *message, char sqlstate[6])
{
	strcpy(sqlstate, "08006");
	for (const char *at = strstr(message, ":  "); at; at = strstr(at + 1, ":  "))
	{
		const char *code = at + 3;
		int length = 0;

		while (length < 5 &&
			   (isupper((unsigned char) code[length]) || isdigit((unsigned char) code[length])))
			length++;
		if (length == 5 && code[5] == ':')
		{
			memcpy(sqlstate, code, 5);
			return;
		}
	}
}

bool
vg_is_refusal(const char *sqlstate)
{
	/* 42501: no right to connect to this database */
	return strncmp(sqlstate, "28", 2) == 0 || strcmp(sqlstate, "42501") == 0;
}

/* What a client is told says nothing of hosts and roles; the log does. */
static void
report(PGconn *conn, const char *name, bool is_in_time, VcError *error)
{
	const char *message = is_in_time ? PQerrorMessage(conn) : "it took longer than connect_timeout";
	char *line = vg_copy_n(message, strcspn(message, "\n"));
	char sqlstate[6];

	find_sqlstate(message, sqlstate);
	vg_log(name && vg_is_refusal(sqlstate) ? VG_LOG_INFO : VG_LOG_WARNING, NULL,
		   "could not log in to PostgreSQL", "role", name, "sqlstate", sqlstate, "error", line,
		   NULL);
	free(line);
	vg_count(&failed, 1);
	if (name && vg_is_refusal(sqlstate))
		vc_error_set(error, "28P01", "log-in failed", NULL, NULL);
	else if (vg_is_refusal(sqlstate))
		vc_error_set(error, "08004", "the gateway itself may not log in to the database", NULL,
					 "Its log has the reason.");
	else
		vc_error_set(error, sqlstate, "the database does not answer", NULL,
					 "Try again in a moment.");
}

PGconn *
vg_connect(const char *name, const char *password, VcError *error)
{
	PGconn *conn = begin(name, password);
	bool is_in_time;

	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	is_in_time = PQstatus(conn) == CONNECTION_BAD || complete(conn);
	if (!is_in_time || PQstatus(conn) != CONNECTION_OK)
	{
		report(conn, name, is_in_time, error);
		PQfinish(conn);
		return NULL;
	}
	if (name && !PQconnectionUsedPassword(conn))
	{
		/* pg_hba.conf lets this role in by trust, peer or certificate */
		vg_log(VG_LOG_ERROR, NULL, "PostgreSQL asked for no password, so none was checked", "role",
			   name, "hint", "require scram-sha-256 in pg_hba.conf for the gateway", NULL);
		vc_error_set(error, "28P01", "log-in failed", NULL, NULL);
		PQfinish(conn);
		return NULL;
	}
	PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	vg_count(&opened, 1);
	return conn;
}
