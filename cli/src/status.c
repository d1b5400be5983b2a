/*
 * status.c
 *	  The line at the bottom of the terminal while rows come.
 *
 * Silence of a live query may mean that nothing happens, or that it is behind: the line
 * tells which, by the lag.  It is drawn over itself, on stderr, and taken away before rows
 * are written, so that neither the screen nor a file keeps any of it.
 */
#include "status.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "style.h"
#include "text.h"

/* Nothing is drawn for what is over at once. */
#define DELAY_S 0.4
#define RATE_S 1.0
#define LINE_BYTES_MAX 400

double
cmd_status_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void
cmd_status_start(CmdStatus *status, bool is_wanted)
{
	memset(status, 0, sizeof(*status));
	status->is_wanted = is_wanted;
	status->started_at = cmd_status_clock();
	status->rows_before_at = status->started_at;
	status->rate = -1;
	status->records = -1;
	status->lag_records = -1;
}

static double
parse_time(const char *text)
{
	struct tm fields = {0};
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &fields) : NULL;
	int hours = 0;
	int minutes = 0;

	if (rest == NULL)
		return 0;
	rest += strspn(rest, ".0123456789");
	sscanf(rest, "%3d:%2d", &hours, &minutes);
	return timegm(&fields) - hours * 3600 - (hours < 0 ? -minutes : minutes) * 60;
}

void
cmd_status_told(CmdStatus *status, const char *detail)
{
	json_t *object = detail ? json_loads(detail, 0, NULL) : NULL;
	json_t *lag = json_object_get(object, "lag_records");

	if (object == NULL)
		return;
	status->records = json_integer_value(json_object_get(object, "records"));
	status->lag_records = json_is_integer(lag) ? json_integer_value(lag) : -1;
	status->watermark_at = parse_time(json_string_value(json_object_get(object, "watermark")));
	json_decref(object);
}

/* A length of time for people: "0.24 s", "12 s", "3:05", "2:00:00". */
static const char *
duration(double seconds, char *to, size_t size)
{
	long whole = (long) seconds;

	if (seconds < 10)
		snprintf(to, size, "%.*f s", seconds < 1 ? 2 : 1, seconds);
	else if (seconds < 60)
		snprintf(to, size, "%ld s", whole);
	else if (seconds < 3600)
		snprintf(to, size, "%ld:%02ld min", whole / 60, whole % 60);
	else
		snprintf(to, size, "%ld:%02ld:%02ld h", whole / 3600, whole / 60 % 60, whole % 60);
	return to;
}

static const char *
row_count(long long rows, char *to, size_t size)
{
	snprintf(to, size, "%s row%s", cmd_text_number(rows), rows == 1 ? "" : "s");
	return to;
}

static void
update_rate(CmdStatus *status, double now)
{
	double passed = now - status->rows_before_at;

	if (passed < RATE_S)
		return;
	status->rate = (status->rows - status->rows_before) / passed;
	status->rows_before = status->rows;
	status->rows_before_at = now;
}

static void
compose(const CmdStatus *status, double now, char *to, size_t size)
{
	char part[60];
	long running = (long) (now - status->started_at);
	int used = snprintf(to, size, "%s", row_count(status->rows, part, sizeof(part)));

	if (status->rate >= 0)
		used += snprintf(to + used, size - used, " · %s rows/s", cmd_text_number(status->rate));
	if (status->lag_records == 0)
		used += snprintf(to + used, size - used, " · up to date");
	else if (status->lag_records > 0)
		used += snprintf(to + used, size - used, " · %s records behind",
						 cmd_text_number(status->lag_records));
	if (status->watermark_at > 0)
	{
		double behind = fmax(0, time(NULL) - status->watermark_at);

		used += snprintf(to + used, size - used, " · watermark %s ago",
						 duration(behind, part, sizeof(part)));
	}
	snprintf(to + used, size - used, " · %ld:%02ld · Ctrl-C stops", running / 60, running % 60);
}

/* A line that wraps could not be taken away again. */
static void
cut(char *text)
{
	struct winsize size;
	int room = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
	int used = 0;

	while (*text)
	{
		int columns;
		int bytes = cmd_text_character(text, &columns);

		if (used + columns >= room)
			break;
		used += columns;
		text += bytes;
	}
	*text = '\0';
}

void
cmd_status_draw(CmdStatus *status)
{
	double now = cmd_status_clock();
	char text[LINE_BYTES_MAX];

	update_rate(status, now);
	if (!status->is_wanted || now - status->started_at < DELAY_S)
		return;
	if (status->is_shown && now - status->drawn_at < CMD_STATUS_INTERVAL_MS / 1000.0)
		return;
	compose(status, now, text, sizeof(text));
	cut(text);
	fprintf(stderr, "\r\033[K%s%s%s", cmd_style(stderr, CMD_STYLE_DIM), text,
			cmd_style(stderr, CMD_STYLE_END));
	status->is_shown = true;
	status->drawn_at = now;
}

void
cmd_status_erase(CmdStatus *status)
{
	if (status->is_shown)
		fputs("\r\033[K", stderr);
	status->is_shown = false;
}

void
cmd_status_summary(const CmdStatus *status, bool has_rows)
{
	double seconds = cmd_status_clock() - status->started_at;
	char rows[60];
	char time[60];

	fprintf(stderr, "%s(%s in %s", cmd_style(stderr, CMD_STYLE_DIM),
			has_rows ? row_count(status->rows, rows, sizeof(rows)) : "done",
			duration(seconds, time, sizeof(time)));
	if (seconds >= 1 && status->rows > 0)
		fprintf(stderr, ", %.*f rows/s", status->rows / seconds < 10 ? 1 : 0,
				status->rows / seconds);
	fprintf(stderr, ")%s\n", cmd_style(stderr, CMD_STYLE_END));
}
