/*
 * script.c
 *	  Runs statements of the dialect and writes their rows as they come.
 *
 * The text goes to the server as one DO LANGUAGE velo: only there is it known where a
 * statement ends.  Rows are taken one by one (libpq's single-row mode) and written when
 * nothing more is waiting.  Everything that may happen meanwhile (rows, Ctrl-C, the end
 * of --for, a reader that has gone) is waited for in one poll.
 */
#include "script.h"

#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "output.h"
#include "query.h"
#include "report.h"
#include "status.h"
#include "style.h"
#include "text.h"
#include "writer.h"

/* Rows that come within it are written together, in columns that fit all of them. */
#define HOLD_S 0.05
/* How long a cancelled query may take to end before the connection is closed. */
#define CANCEL_S 5.0
#define CANCEL_AGAIN_S 0.2
#define PROGRESS_CODE "VE900"
#define STDOUT_BYTES 65536

typedef enum Stop
{
	STOP_NOT,
	STOP_LIMIT, /* --limit or --for: as wanted */
	STOP_INTERRUPT,
	STOP_OUTPUT /* it cannot be written: main says why */
} Stop;

typedef struct Run
{
	const CmdLine *line;
	const CmdScript *script;
	PGconn *conn;
	CmdWriter *writer;
	CmdStatus status;
	bool is_quiet;
	int before;		 /* characters of the statement before the text */
	double held_at;	 /* when the oldest row that is held back came */
	double deadline; /* of --for; 0: none */
	Stop stop;
	double stopped_at;
	double cancelled_at; /* the last time */
	VcError error;
} Run;

/* --- the statement --------------------------------------------------------------------- */

/*
 * DO LANGUAGE velo $tag$text$tag$, with a tag that ends where it shall: the text may hold
 * any, and may end with the beginning of one.
 */
static char *
wrap(const char *text, int *before)
{
	for (int number = 0;; number++)
	{
		char tag[40];
		char *statement;
		char *body;

		snprintf(tag, sizeof(tag), number ? "$velo%d$" : "$velo$", number);
		if (asprintf(&statement, "DO LANGUAGE velo %s%s%s", tag, text, tag) < 0)
			abort();
		body = statement + strlen("DO LANGUAGE velo ") + strlen(tag);
		if (strstr(body, tag) == body + strlen(text))
		{
			*before = body - statement;
			return statement;
		}
		free(statement);
	}
}

/* --- messages -------------------------------------------------------------------------- */

static void
show_message(Run *run, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	bool is_warning = severity && strcmp(severity, "WARNING") == 0;
	VcError message = {0};

	if (run->is_quiet && !is_warning)
		return;
	cmd_writer_flush(run->writer);
	cmd_status_erase(&run->status);
	vc_error_from_result(&message, result, run->script->text, run->before);
	if (is_warning)
		fprintf(stderr, "%swarning:%s ", cmd_style(stderr, CMD_STYLE_WARNING),
				cmd_style(stderr, CMD_STYLE_END));
	fprintf(stderr, "%s\n", message.message ? message.message : "");
	if (is_warning && message.line > 0)
		cmd_report_place(stderr, run->script->text, message.line, message.column, 1,
						 CMD_STYLE_WARNING);
	if (message.detail)
		fprintf(stderr, "detail: %s\n", message.detail);
	if (message.hint)
		fprintf(stderr, "hint: %s\n", message.hint);
	vc_error_clear(&message);
}

static void
on_message(void *arg, const PGresult *result)
{
	Run *run = arg;
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (code && strcmp(code, PROGRESS_CODE) == 0)
		cmd_status_told(&run->status, PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
	else
		show_message(run, result);
}

/* --- stopping -------------------------------------------------------------------------- */

static void
stop(Run *run, Stop why)
{
	if (run->stop != STOP_NOT)
		return;
	run->stop = why;
	run->stopped_at = cmd_status_clock();
	run->cancelled_at = run->stopped_at;
	cmd_cancel(run->conn);
}

/* A cancel that arrives before the query has begun is lost: say it again. */
static void
stop_again(Run *run)
{
	double now = cmd_status_clock();

	if (run->stop == STOP_NOT || now - run->cancelled_at < CANCEL_AGAIN_S)
		return;
	run->cancelled_at = now;
	cmd_cancel(run->conn);
}

static void
check_stop(Run *run)
{
	if (cmd_interrupted() || cmd_reader_gone())
		stop(run, STOP_INTERRUPT);
	else if (cmd_output_failed())
		stop(run, STOP_OUTPUT);
	else if (run->deadline > 0 && cmd_status_clock() >= run->deadline)
		stop(run, STOP_LIMIT);
	stop_again(run);
}

/* --- rows ------------------------------------------------------------------------------ */

static void
take_rows(Run *run, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result) && run->stop == STOP_NOT; row++)
	{
		if (!run->writer->is_holding)
			run->held_at = cmd_status_clock();
		cmd_writer_row(run->writer, result, row);
		run->status.rows++;
		if (run->script->limit >= 0 && run->status.rows >= run->script->limit)
			stop(run, STOP_LIMIT);
	}
}

static void
take_result(Run *run, const PGresult *result)
{
	switch (PQresultStatus(result))
	{
		case PGRES_SINGLE_TUPLE:
			take_rows(run, result);
			break;
		case PGRES_TUPLES_OK:
			if (run->stop == STOP_NOT)
				cmd_writer_end(run->writer, result);
			break;
		case PGRES_FATAL_ERROR:
		case PGRES_BAD_RESPONSE:
			/* our own cancelling is no error */
			if (run->stop == STOP_NOT)
				vc_error_from_result(&run->error, result, run->script->text, run->before);
			break;
		default:
			break;
	}
}

/* The screen belongs to the rows. */
static void
make_room(void *arg)
{
	cmd_status_erase(&((Run *) arg)->status);
}

/* Until something comes, or something has to be shown. */
static void
wait_for_more(Run *run)
{
	double now = cmd_status_clock();
	double wait = run->status.is_wanted ? CMD_STATUS_INTERVAL_MS / 1000.0 : 3600;

	if (run->writer->is_holding && now - run->held_at >= HOLD_S)
		cmd_writer_flush(run->writer);
	if (run->writer->is_holding)
		wait = fmin(wait, HOLD_S - (now - run->held_at));
	/* the status line comes after what was written, or stands in the middle of it */
	cmd_output_flush();
	cmd_status_draw(&run->status);
	if (run->deadline > 0)
		wait = fmin(wait, run->deadline - now);
	if (run->stop != STOP_NOT)
		wait = 0.05;
	cmd_interrupt_wait(PQsocket(run->conn), POLLIN, (int) ceil(fmax(0, wait) * 1000));
}

/* False: it has not ended in time after it was cancelled. */
static bool
take_everything(Run *run)
{
	for (;;)
	{
		check_stop(run);
		if (run->stop != STOP_NOT && cmd_status_clock() - run->stopped_at > CANCEL_S)
			return false;
		if (PQisBusy(run->conn))
		{
			wait_for_more(run);
			/* a lost connection becomes a result with the error */
			PQconsumeInput(run->conn);
			continue;
		}

		PGresult *result = PQgetResult(run->conn);

		if (result == NULL)
			return true;
		take_result(run, result);
		PQclear(result);
	}
}

/* --- the session ----------------------------------------------------------------------- */

/* False: run->error. */
static bool
set_setting(Run *run, const char *name, const char *value, bool must_exist)
{
	const char *values[] = {name, value};
	/* a server whose velostream is older has no such setting, and may refuse the prefix */
	PGresult *result = PQexecParams(
		run->conn,
		must_exist ? "SELECT pg_catalog.set_config($1, $2, false)"
				   : "SELECT pg_catalog.set_config(name, $2, false) FROM pg_catalog.pg_settings "
					 "WHERE name = $1",
		2, NULL, values, NULL, NULL, 0);
	bool is_good = PQresultStatus(result) == PGRES_TUPLES_OK;

	if (!is_good)
		vc_error_from_result(&run->error, result, NULL, 0);
	PQclear(result);
	return is_good;
}

/* --param NAME=VALUE: what ${NAME} in properties stands for. */
static bool
set_parameters(Run *run)
{
	const char *given;

	for (int i = 0; (given = cmd_value_at(run->line, "param", i)); i++)
	{
		char setting[100];
		int length = strcspn(given, "=");

		snprintf(setting, sizeof(setting), "velo.var.%.*s", length, given);
		if (!set_setting(run, setting, given + length + 1, true))
			return false;
	}
	return true;
}

static bool
prepare(Run *run)
{
	return set_setting(run, "velo.live_rows", "result", false) &&
		   (!run->status.is_wanted || set_setting(run, "velo.progress_interval", "500", false)) &&
		   set_parameters(run);
}

static void
run_statement(Run *run)
{
	char *statement = wrap(run->script->text, &run->before);

	if (PQsendQuery(run->conn, statement) && PQsetSingleRowMode(run->conn))
	{
		if (!take_everything(run))
			fprintf(stderr, "The query did not end within %.0f s of being cancelled.\n", CANCEL_S);
	}
	else
		vc_error_from_connection(&run->error, run->conn);
	free(statement);
}

/* A person wants to see that it is over, and whoever stopped it how far it came. */
static void
show_summary(const Run *run)
{
	if (run->is_quiet || cmd_reader_gone() || vc_error_is_set(&run->error))
		return;
	if (run->stop == STOP_INTERRUPT || isatty(STDERR_FILENO))
		cmd_status_summary(&run->status, run->writer->sets > 0 || run->stop != STOP_NOT);
}

static int
finish(Run *run)
{
	bool is_stopped = run->stop == STOP_INTERRUPT;

	cmd_status_erase(&run->status);
	cmd_writer_flush(run->writer);
	show_summary(run);
	cmd_writer_close(run->writer);
	if (vc_error_is_set(&run->error))
		return cmd_fail_in(run->line, &run->error, run->script->text, run->script->name);
	return is_stopped ? cmd_interrupt_exit() : VC_EXIT_OK;
}

int
cmd_script_run(const CmdLine *line, PGconn *conn, const CmdScript *script)
{
	static char buffer[STDOUT_BYTES];
	Run run = {
		.line = line,
		.script = script,
		.conn = conn,
		.is_quiet = cmd_has(line, "quiet"),
	};

	/* not by lines on a terminal: it is flushed when rows have been written */
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	run.writer = cmd_writer_open(&(CmdWriterOptions) {
		.output = cmd_output(line),
		.is_live = true,
		.before_write = make_room,
		.arg = &run,
	});
	cmd_interrupt_catch();
	cmd_status_start(&run.status, !run.is_quiet && isatty(STDERR_FILENO) && isatty(STDOUT_FILENO));
	if (script->for_ms >= 0)
		run.deadline = run.status.started_at + script->for_ms / 1000.0;
	if (prepare(&run))
	{
		PQsetNoticeReceiver(conn, on_message, &run);
		run_statement(&run);
		PQsetNoticeReceiver(conn, NULL, NULL);
	}
	return finish(&run);
}
