/*
 * query.c
 *	  Asking the database something small, and showing the answer.
 */
#include "query.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "output.h"
#include "style.h"
#include "text.h"
#include "writer.h"

#define WATCH_DEFAULT_MS 2000
#define CANCEL_AGAIN_MS 200
/* An answer is for a screen, so it is buffered whole and the screen does not flicker. */
#define SCREEN_BYTES_MAX 65536

void
cmd_cancel(PGconn *conn)
{
	PGcancel *cancel = PQgetCancel(conn);
	char message[256];

	if (cancel)
		PQcancel(cancel, message, sizeof(message));
	PQfreeCancel(cancel);
}

/* Until something comes; once interrupted it is cancelled, and again until it ends. */
static void
wait_for_result(PGconn *conn)
{
	struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};

	if (!cmd_interrupted())
		cmd_interrupt_wait(fd.fd, POLLIN, -1);
	if (cmd_interrupted())
	{
		/* a cancel that arrives before the query has begun is lost */
		cmd_cancel(conn);
		poll(&fd, 1, CANCEL_AGAIN_MS);
	}
	PQconsumeInput(conn);
}

static PGresult *
last_result(PGconn *conn)
{
	PGresult *last = NULL;

	for (;;)
	{
		PGresult *next;

		while (PQisBusy(conn))
			wait_for_result(conn);
		next = PQgetResult(conn);
		if (next == NULL)
			return last;
		PQclear(last);
		last = next;
	}
}

PGresult *
cmd_query(PGconn *conn, const char *sql, int count, const char *const *values, VcError *error)
{
	return cmd_query_in(conn, sql, count, values, NULL, error);
}

PGresult *
cmd_query_in(PGconn *conn, const char *sql, int count, const char *const *values, const char *text,
			 VcError *error)
{
	PGresult *result;

	if (!PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0))
	{
		vc_error_from_connection(error, conn);
		return NULL;
	}
	result = last_result(conn);
	if (PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK)
		return result;
	vc_error_from_result(error, result, text, 0);
	PQclear(result);
	return NULL;
}

int
cmd_show(const CmdLine *line, PGconn *conn, const CmdShow *show)
{
	bool is_table = cmd_output(line) == CMD_OUTPUT_TABLE;
	VcError error = {0};
	CmdWriter *writer;
	PGresult *result = cmd_query(conn, is_table ? show->table_sql : show->data_sql, show->count,
								 show->values, &error);

	if (result && PQntuples(result) == 0 && show->missing)
		vc_error_set(&error, "42704", show->missing, NULL, show->missing_hint);
	if (vc_error_is_set(&error))
	{
		PQclear(result);
		return cmd_fail(line, &error);
	}
	writer = cmd_writer_open(&(CmdWriterOptions) {
		.output = cmd_output(line),
		.is_vertical = show->is_vertical,
		.has_no_null = true,
	});
	cmd_writer_result(writer, result);
	cmd_writer_close(writer);
	PQclear(result);
	return VC_EXIT_OK;
}

/* --- again and again ------------------------------------------------------------------- */

/* On a terminal each answer takes the place of the last. */
static void
begin_screen(long interval_ms)
{
	char now[20];
	time_t seconds = time(NULL);
	struct tm local;

	strftime(now, sizeof(now), "%H:%M:%S", localtime_r(&seconds, &local));
	printf("\033[H\033[2J%severy %g s · %s · Ctrl-C stops%s\n\n", cmd_style(stdout, CMD_STYLE_DIM),
		   interval_ms / 1000.0, now, cmd_style(stdout, CMD_STYLE_END));
}

static int
watch(const CmdLine *line, PGconn *conn, const CmdShow *show, long interval_ms)
{
	bool is_screen = isatty(STDOUT_FILENO) && cmd_output(line) == CMD_OUTPUT_TABLE;
	bool is_first = true;
	int exit_code = VC_EXIT_OK;

	if (is_screen)
		setvbuf(stdout, NULL, _IOFBF, SCREEN_BYTES_MAX);
	while (exit_code == VC_EXIT_OK)
	{
		if (is_screen)
			begin_screen(interval_ms);
		else if (!is_first && cmd_output(line) == CMD_OUTPUT_TABLE)
			putchar('\n');
		is_first = false;
		exit_code = cmd_show(line, conn, show);
		cmd_output_flush();
		cmd_interrupt_wait(-1, 0, (int) interval_ms);
		if (cmd_interrupted() || cmd_reader_gone())
			return cmd_interrupt_exit();
		if (cmd_output_failed())
			return VC_EXIT_ERROR;
	}
	return exit_code;
}

int
cmd_show_watched(const CmdLine *line, const CmdShow *show)
{
	const char *every = cmd_value(line, "every");
	long interval_ms = every ? cmd_text_duration_ms(every) : WATCH_DEFAULT_MS;
	VcError error = {0};
	PGconn *conn;
	int exit_code;

	if (interval_ms < 0 || interval_ms > 24 * 3600 * 1000)
		return cmd_usage(line, "--every needs a time such as 500ms, 2s or 1m, not \"%s\"", every);
	conn = cmd_connect(line, &error);
	if (conn == NULL)
		return cmd_fail(line, &error);
	if (cmd_has(line, "watch") || every)
		exit_code = watch(line, conn, show, interval_ms);
	else
		exit_code = cmd_show(line, conn, show);
	PQfinish(conn);
	return exit_code;
}
