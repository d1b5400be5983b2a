/*
 * connect.c
 *	  Connecting as psql does.
 *
 * In steps, not with PQconnectdb: so that Ctrl-C works while a server does not answer,
 * and so that the server's SQLSTATE is known (a wrong password is another exit code than
 * no server), which libpq tells only as text and only when asked before it connects.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "line.h"

#define CONNECT_TIMEOUT_DEFAULT_S 20
#define PASSWORD_BYTES_MAX 1024

/* --- password -------------------------------------------------------------------------- */

/* Asks on the terminal; NULL: there is none, or the user gave up.  The caller frees it. */
static char *
ask_password(const char *user)
{
	struct termios before;
	struct termios silent;
	char password[PASSWORD_BYTES_MAX];
	char *copy;
	bool is_typed;
	int tty = isatty(STDERR_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;

	if (tty < 0)
		return NULL;
	tcgetattr(tty, &before);
	silent = before;
	silent.c_lflag &= ~ECHO;
	tcsetattr(tty, TCSAFLUSH, &silent);
	dprintf(tty, "Password for user %s: ", user);
	is_typed = cmd_interrupt_read(tty, password, sizeof(password));
	tcsetattr(tty, TCSAFLUSH, &before);
	dprintf(tty, "\n");
	close(tty);
	copy = is_typed ? strdup(password) : NULL;
	explicit_bzero(password, sizeof(password));
	return copy;
}

/* --- one attempt ----------------------------------------------------------------------- */

static int
timeout_seconds(PGconn *conn)
{
	PQconninfoOption *options = PQconninfo(conn);
	int seconds = 0;

	for (PQconninfoOption *o = options; o && o->keyword; o++)
		if (strcmp(o->keyword, "connect_timeout") == 0 && o->val)
			seconds = atoi(o->val);
	PQconninfoFree(options);
	return seconds > 0 ? seconds : CONNECT_TIMEOUT_DEFAULT_S;
}

/* False: interrupted, or the time is over; libpq's own failures are in conn. */
static bool
finish_connecting(PGconn *conn)
{
	time_t end = time(NULL) + timeout_seconds(conn);
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED)
	{
		cmd_interrupt_wait(PQsocket(conn), state == PGRES_POLLING_READING ? POLLIN : POLLOUT, 1000);
		if (cmd_interrupted() || time(NULL) > end)
			return false;
		/* nothing may have come, but asking again then is right too */
		state = PQconnectPoll(conn);
	}
	return true;
}

static PGconn *
attempt(const CmdLine *line, const char *password, bool *is_done)
{
	const char *names[] = {"dbname", "password", "fallback_application_name", "client_encoding",
						   NULL};
	const char *values[] = {line->dsn, password, "velo", "UTF8", NULL};
	PGconn *conn = PQconnectStartParams(names, values, true);

	if (conn == NULL)
		abort(); /* out of memory */
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	*is_done = PQstatus(conn) == CONNECTION_BAD || finish_connecting(conn);
	return conn;
}

/* --- what went wrong ------------------------------------------------------------------- */

/* "FATAL:  28P01: password authentication failed …", as a server of any language says it. */
static bool
server_refused(const char *message, VcError *error)
{
	regex_t pattern;
	regmatch_t found[3];
	bool matches;

	if (regcomp(&pattern, "[^ ]+:  ([0-9A-Z]{5}): ([^\n]*)", REG_EXTENDED) != 0)
		return false;
	matches = regexec(&pattern, message, 3, found, 0) == 0;
	regfree(&pattern);
	if (matches)
	{
		char code[6];
		char *text = strndup(message + found[2].rm_so, found[2].rm_eo - found[2].rm_so);

		snprintf(code, sizeof(code), "%.5s", message + found[1].rm_so);
		vc_error_set(error, code, text, NULL, NULL);
		free(text);
	}
	return matches;
}

static void
explain(PGconn *conn, bool is_done, VcError *error)
{
	if (cmd_interrupted())
		vc_error_set(error, "57014", "interrupted while connecting", NULL, NULL);
	else if (!is_done)
		vc_error_set(error, "08001", "the server did not answer in time", PQhost(conn),
					 "connect_timeout in the connection string says how long to wait.");
	else if (PQconnectionNeedsPassword(conn))
		vc_error_set(error, "28P01", "the server wants a password, and none was given", NULL,
					 "Put it into ~/.pgpass or PGPASSWORD, or run velo on a terminal.");
	else if (!server_refused(PQerrorMessage(conn), error))
	{
		vc_error_from_connection(error, conn);
		free(error->hint);
		error->hint = strdup("Where is the server? Say it with --dsn or PGHOST and PGPORT.");
	}
}

/* libpq quotes a connection string that it cannot read, with the password in it. */
static bool
can_read_dsn(const char *dsn, VcError *error)
{
	PQconninfoOption *options;
	char *message = NULL;

	if (dsn == NULL || (strchr(dsn, '=') == NULL && strstr(dsn, "://") == NULL))
		return true;
	options = PQconninfoParse(dsn, &message);
	if (options == NULL)
	{
		bool may_tell = strstr(dsn, "pass") == NULL && strchr(dsn, '@') == NULL;

		if (message)
			message[strcspn(message, "\n")] = '\0';
		vc_error_set(error, "22023", "cannot read the connection string", may_tell ? message : NULL,
					 "Write it as \"host=… port=… dbname=… user=…\" or "
					 "postgresql://user@host:port/database.");
	}
	PQfreemem(message);
	PQconninfoFree(options);
	return options != NULL;
}

PGconn *
cmd_connect(const CmdLine *line, VcError *error)
{
	bool is_done;
	PGconn *conn;

	cmd_interrupt_catch();
	if (!can_read_dsn(line->dsn, error))
		return NULL;
	conn = attempt(line, NULL, &is_done);
	if (is_done && PQstatus(conn) != CONNECTION_OK && PQconnectionNeedsPassword(conn))
	{
		char *password = ask_password(PQuser(conn));

		if (password)
		{
			PQfinish(conn);
			conn = attempt(line, password, &is_done);
			explicit_bzero(password, strlen(password));
			free(password);
		}
	}
	if (PQstatus(conn) == CONNECTION_OK)
	{
		PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
		return conn;
	}
	explain(conn, is_done, error);
	PQfinish(conn);
	return NULL;
}
