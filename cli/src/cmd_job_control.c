/*
 * cmd_job_control.c
 *	  velo job start, stop, pause, resume and reset.
 *
 * The SQL functions only say what is wanted; workers do it.  --wait waits until they have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "query.h"
#include "status.h"
#include "style.h"
#include "text.h"
#include "writer.h"

#define POLL_MS 100

typedef struct Control
{
	const char *sql; /* $1: the name, $2: what the options say */
	const char *value;
	const char *text;	/* a statement of the user's in it; NULL: none */
	const char *wanted; /* statuses that --wait waits for, "a|b" */
} Control;

#define WAIT_OPTION {"wait", 0, "TIME", "wait until it is so, at most that time: 10s", NULL, false}

static PGresult *
ask_status(PGconn *conn, const char *name, VcError *error)
{
	return cmd_query(conn,
					 "SELECT name AS job, status, condition, last_error FROM velo.job_list() "
					 "WHERE name = $1",
					 1, &name, error);
}

static bool
is_one_of(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
		if ((at == words || at[-1] == '|') && (at[length] == '|' || at[length] == '\0'))
			return true;
	return false;
}

/* The status as it is, or once it is as wanted; NULL: error. */
static PGresult *
wait_for_status(PGconn *conn, const char *name, const char *wanted, long wait_ms, VcError *error)
{
	double end = cmd_status_clock() + wait_ms / 1000.0;

	for (;;)
	{
		PGresult *result = ask_status(conn, name, error);
		const char *status;
		char message[300];

		if (result == NULL || PQntuples(result) == 0 || wait_ms < 0)
			return result;
		status = PQgetvalue(result, 0, 1);
		if (is_one_of(wanted, status))
			return result;
		snprintf(message, sizeof(message), "job \"%s\" is %s after %g s", name, status,
				 wait_ms / 1000.0);
		/* What failed or has ended will not become what was waited for. */
		if (strcmp(status, "failed") == 0 || strcmp(status, "finished") == 0)
		{
			snprintf(message, sizeof(message), "job \"%s\" is %s", name, status);
			vc_error_set(error, "55000", message, PQgetvalue(result, 0, 3), NULL);
		}
		else if (cmd_status_clock() >= end)
			vc_error_set(error, "57014", message, NULL, "\"velo job status\" tells more.");
		else if (cmd_interrupted())
			vc_error_set(error, "57014", "interrupted", NULL, NULL);
		PQclear(result);
		if (vc_error_is_set(error))
			return NULL;
		cmd_interrupt_wait(-1, 0, POLL_MS);
	}
}

static void
show_status(const CmdLine *line, const PGresult *result)
{
	CmdWriter *writer;
	const char *condition;

	if (cmd_output(line) != CMD_OUTPUT_TABLE)
	{
		writer = cmd_writer_open(&(CmdWriterOptions) {.output = cmd_output(line)});
		cmd_writer_result(writer, result);
		cmd_writer_close(writer);
		return;
	}
	if (PQntuples(result) == 0 || cmd_has(line, "quiet"))
		return;
	condition = PQgetvalue(result, 0, 2);
	printf("%s: %s%s%s\n", PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1),
		   strcmp(condition, "ok") == 0 ? "" : ", ", strcmp(condition, "ok") == 0 ? "" : condition);
}

static int
control_connected(const CmdLine *line, PGconn *conn, const Control *control, long wait_ms)
{
	const char *name = cmd_argument(line, 0);
	const char *values[] = {name, control->value};
	VcError error = {0};
	PGresult *result = cmd_query_in(conn, control->sql, 2, values, control->text, &error);

	if (result == NULL)
		return cmd_fail_in(line, &error, control->text, NULL);
	PQclear(result);
	result = wait_for_status(conn, name, control->wanted, wait_ms, &error);
	if (result == NULL)
		return cmd_fail(line, &error);
	show_status(line, result);
	PQclear(result);
	return VC_EXIT_OK;
}

static int
control_job(const CmdLine *line, const Control *control)
{
	const char *wait = cmd_value(line, "wait");
	long wait_ms = wait ? cmd_text_duration_ms(wait) : -1;
	VcError error = {0};
	PGconn *conn;
	int exit_code;

	if (wait && wait_ms < 0)
		return cmd_usage(line, "--wait needs a time such as 10s, not \"%s\"", wait);
	conn = cmd_connect(line, &error);
	if (conn == NULL)
		return cmd_fail(line, &error);
	exit_code = control_connected(line, conn, control, wait_ms);
	PQfinish(conn);
	return exit_code;
}

/* --- start ----------------------------------------------------------------------------- */

static const CmdOption start_options[] = {
	{"as", 0, "STATEMENT", "a new job that runs this statement", NULL, false},
	WAIT_OPTION,
	{0},
};

static int
run_start(const CmdLine *line)
{
	Control control = {
		.sql = "SELECT velo.job_start($1, $2)",
		.value = cmd_value(line, "as"),
		.text = cmd_value(line, "as"),
		.wanted = "running",
	};

	return control_job(line, &control);
}

static const Command job_start = {
	.name = "job start",
	.summary = "start a stopped or failed job, or a new one",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.names = "jobs",
	.help = "A stopped job goes on where it stopped.\n"
			"\n"
			"  velo job start revenue --wait 10s\n"
			"  velo job start big_orders --as \"SELECT * FROM orders WHERE price > 30\"\n",
	.options = start_options,
	.run = run_start,
};
CMD_COMMAND(job_start);

/* --- stop ------------------------------------------------------------------------------ */

static const CmdOption stop_options[] = {
	{"force", 0, NULL, "do not wait for the running batch; it is rolled back", NULL, false},
	WAIT_OPTION,
	{0},
};

static int
run_stop(const CmdLine *line)
{
	Control control = {
		.sql = "SELECT velo.job_stop($1, $2)",
		.value = cmd_has(line, "force") ? "true" : "false",
		.wanted = "stopped",
	};

	return control_job(line, &control);
}

static const Command job_stop = {
	.name = "job stop",
	.summary = "stop a job; state and positions stay",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.names = "jobs",
	.help = "It ends after its running batch. \"velo job start\" lets it go on from there.\n"
			"\n"
			"  velo job stop revenue --wait 10s\n",
	.options = stop_options,
	.run = run_stop,
};
CMD_COMMAND(job_stop);

/* --- pause and resume ------------------------------------------------------------------ */

static const CmdOption wait_options[] = {WAIT_OPTION, {0}};

static int
run_pause(const CmdLine *line)
{
	Control control = {
		.sql = "SELECT velo.job_pause($1) WHERE $2::text IS NULL",
		.wanted = "paused",
	};

	return control_job(line, &control);
}

static int
run_resume(const CmdLine *line)
{
	Control control = {
		.sql = "SELECT velo.job_resume($1) WHERE $2::text IS NULL",
		.wanted = "running",
	};

	return control_job(line, &control);
}

static const Command job_pause = {
	.name = "job pause",
	.summary = "make a job stop reading; its worker stays",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.names = "jobs",
	.help = "  velo job pause revenue\n",
	.options = wait_options,
	.run = run_pause,
};
CMD_COMMAND(job_pause);

static const Command job_resume = {
	.name = "job resume",
	.summary = "let a paused job go on",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.names = "jobs",
	.help = "  velo job resume revenue\n",
	.options = wait_options,
	.run = run_resume,
};
CMD_COMMAND(job_resume);

/* --- reset ----------------------------------------------------------------------------- */

static const CmdOption reset_options[] = {
	{"to", 0, "WHERE", "earliest, latest, a time, or JSON as velo.job_reset takes it", NULL, false},
	{"yes", 'y', NULL, "do not ask", NULL, false},
	{0},
};

/* The second argument of velo.job_reset; the caller frees it. */
static char *
reset_target(const char *to)
{
	json_t *value;
	char *text;

	if (*to == '{' || *to == '"')
		return strdup(to);
	if (strcmp(to, "earliest") == 0 || strcmp(to, "latest") == 0)
		value = json_string(to);
	else
		value = json_pack("{s:s}", "timestamp", to);
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(value);
	return text;
}

/* Only a person can be asked; a program has to say it. */
static bool
has_agreed(const CmdLine *line)
{
	char answer[20];

	if (cmd_has(line, "yes"))
		return true;
	cmd_interrupt_catch();
	fprintf(stderr, "Discard the state and the output of job \"%s\"? [y/N] ",
			cmd_argument(line, 0));
	if (!cmd_interrupt_read(STDIN_FILENO, answer, sizeof(answer)))
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

static int
run_reset(const CmdLine *line)
{
	const char *to = cmd_value(line, "to");
	Control control = {.sql = "SELECT velo.job_reset($1, $2)", .wanted = ""};
	char *target;
	int exit_code;

	if (to == NULL || *to == '\0')
		return cmd_usage(line, "velo job reset needs --to: earliest, latest or a time");
	if (!cmd_has(line, "yes") && !(isatty(STDIN_FILENO) && isatty(STDERR_FILENO)))
		return cmd_usage(line, "this discards the job's state and output: say --yes");
	if (!has_agreed(line))
	{
		fprintf(stderr, "%sNothing was done.\n", cmd_interrupted() ? "\n" : "");
		return cmd_interrupted() ? cmd_interrupt_exit() : VC_EXIT_ERROR;
	}
	target = reset_target(to);
	control.value = target;
	exit_code = control_job(line, &control);
	free(target);
	return exit_code;
}

static const Command job_reset = {
	.name = "job reset",
	.summary = "give a stopped job a new start; discards its state and output",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.names = "jobs",
	.help = "The output stays if the job has the property keep.output. Asks first on a\n"
			"terminal; elsewhere --yes is needed.\n"
			"\n"
			"  velo job stop revenue --wait 10s\n"
			"  velo job reset revenue --to earliest --yes\n"
			"  velo job reset revenue --to '2026-03-01 08:00Z' --yes\n"
			"  velo job reset clicks --to '{\"offsets\": {\"0\": 1200}}' --yes\n",
	.options = reset_options,
	.run = run_reset,
};
CMD_COMMAND(job_reset);
