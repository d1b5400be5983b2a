/*
 * cmd_doctor.c
 *	  velo doctor: is everything in order, and if not, what to do.
 *
 * The checks are in check_<what>.c.  They look and change nothing.
 */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "output.h"
#include "query.h"
#include "style.h"

#define FINDINGS_MAX 1000
#define CHECKS_MAX 100
#define TEXT_BYTES_MAX 2000

typedef enum Verdict
{
	VERDICT_OK,
	VERDICT_WARN,
	VERDICT_FAIL
} Verdict;

static const char *const verdict_names[] = {"ok", "warn", "fail"};

extern const DoctorCheck *const __start_velo_doctor[];
extern const DoctorCheck *const __stop_velo_doctor[];

/* One program, one doctor: what was found so far. */
static int found[3];
static CmdOutput output;

/* Further lines of a text stand below its first. */
static void
print_indented(const char *text)
{
	for (const char *c = text; *c; c++)
	{
		putchar(*c);
		if (*c == '\n')
			printf("%19s", "");
	}
	putchar('\n');
}

static void
show_as_table(Verdict verdict, const char *check, const char *action, const char *text)
{
	static const CmdStyle styles[] = {CMD_STYLE_GOOD, CMD_STYLE_WARNING, CMD_STYLE_ERROR};

	printf("%s%-4s%s  %-11s  ", cmd_style(stdout, styles[verdict]), verdict_names[verdict],
		   cmd_style(stdout, CMD_STYLE_END), check);
	print_indented(text);
	if (action)
	{
		printf("%16s-> ", "");
		print_indented(action);
	}
	cmd_output_flush();
}

static void
show_as_json(Verdict verdict, const char *check, const char *action, const char *text)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "result",
							   verdict_names[verdict], "message", text, "action", action);

	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void
tell(Verdict verdict, const char *check, const char *action, const char *format, va_list values)
{
	char text[TEXT_BYTES_MAX];

	vsnprintf(text, sizeof(text), format, values);
	found[verdict]++;
	if (output == CMD_OUTPUT_JSON)
		show_as_json(verdict, check, action, text);
	else
		show_as_table(verdict, check, action, text);
}

void
doctor_ok(const char *check, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	tell(VERDICT_OK, check, NULL, format, values);
	va_end(values);
}

void
doctor_warn(const char *check, const char *action, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	tell(VERDICT_WARN, check, action, format, values);
	va_end(values);
}

void
doctor_fail(const char *check, const char *action, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	tell(VERDICT_FAIL, check, action, format, values);
	va_end(values);
}

PGresult *
doctor_query(Doctor *doctor, const char *check, const char *sql)
{
	VcError error = {0};
	PGresult *result = cmd_query(doctor->conn, sql, 0, NULL, &error);

	if (result == NULL)
		doctor_fail(check, error.hint, "%s%s%s", error.message, error.detail ? "\n" : "",
					error.detail ? error.detail : "");
	vc_error_clear(&error);
	return result;
}

const char *
doctor_value(const PGresult *result, int column)
{
	return PQntuples(result) > 0 ? PQgetvalue(result, 0, column) : "";
}

/* --- the command ----------------------------------------------------------------------- */

static int
by_order(const void *a, const void *b)
{
	const DoctorCheck *left = *(const DoctorCheck *const *) a;
	const DoctorCheck *right = *(const DoctorCheck *const *) b;

	return left->order != right->order ? left->order - right->order
									   : strcmp(left->name, right->name);
}

static void
run_checks(Doctor *doctor)
{
	const DoctorCheck *checks[CHECKS_MAX] = {0};
	int count = 0;

	for (const DoctorCheck *const *at = __start_velo_doctor; at < __stop_velo_doctor; at++)
	{
		if (count == CHECKS_MAX)
			abort();
		checks[count++] = *at;
	}
	qsort(checks, count, sizeof(checks[0]), by_order);
	for (int i = 0; i < count && !cmd_interrupted(); i++)
		if (!checks[i]->needs_extension || doctor->has_extension)
			checks[i]->run(doctor, checks[i]->name);
}

static void
summary(void)
{
	if (output != CMD_OUTPUT_TABLE)
		return;
	if (found[VERDICT_FAIL] == 0 && found[VERDICT_WARN] == 0)
		printf("\nEverything is in order.\n");
	else
		printf("\n%d failed, %d warned, %d in order.\n", found[VERDICT_FAIL], found[VERDICT_WARN],
			   found[VERDICT_OK]);
}

static const CmdOption options[] = {
	{"gateway", 0, "URL", "also look at the gateway there: http://host:port", NULL, false},
	{0},
};

static int
run(const CmdLine *line)
{
	Doctor doctor = {.line = line};
	VcError error = {0};
	int exit_code = VC_EXIT_OK;

	if (cmd_output(line) == CMD_OUTPUT_CSV)
		return cmd_usage(line, "velo doctor has no CSV; use -o json");
	output = cmd_output(line);
	doctor.conn = cmd_connect(line, &error);
	if (doctor.conn == NULL)
	{
		exit_code = vc_sqlstate_meaning(error.sqlstate)->exit_code;
		doctor_fail("connection", error.hint, "%s%s%s", error.message, error.detail ? "\n" : "",
					error.detail ? error.detail : "");
		vc_error_clear(&error);
	}
	else
		run_checks(&doctor);
	PQfinish(doctor.conn);
	if (cmd_interrupted())
		return cmd_interrupt_exit();
	summary();
	if (exit_code != VC_EXIT_OK)
		return exit_code;
	return found[VERDICT_FAIL] > 0 ? VC_EXIT_ERROR : VC_EXIT_OK;
}

static const Command doctor = {
	.name = "doctor",
	.summary = "is everything in order, and if not, what to do",
	.help = "Looks at the connection, the server's settings, the extension, your rights, jobs,\n"
			"connections to Kafka and, with --gateway, the gateway. Changes nothing. The exit\n"
			"code is 0 when nothing failed, also with warnings, 1 when something did, and that\n"
			"of the error when there is no connection.\n"
			"\n"
			"  velo doctor\n"
			"  velo doctor --gateway http://127.0.0.1:8499\n"
			"  velo doctor -o json | jq 'select(.result != \"ok\")'\n",
	.options = options,
	.run = run,
};
CMD_COMMAND(doctor);
