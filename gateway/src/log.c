/*
 * log.c
 *	  Log lines.
 *
 * A line is made whole and written by one write(2), so that lines of several threads
 * never mix.
 */
#include "gateway/src/log.h"

#include "gateway/src/config.h"
#include "gateway/src/exchange.h"
#include "gateway/src/memory.h"
#include "gateway/src/pool.h"

#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

bool
vg_log_is_on(VgLevel level)
{
	return (int) level >= vg_config->log_level;
}

static void
add(VgText *line, const char *name, const char *value)
{
	if (value == NULL)
		return;
	vg_text_format(line, ",\"%s\":", name);
	vg_text_add_json(line, value);
}

static void
add_time(VgText *line)
{
	struct timespec now;
	struct tm parts;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	vg_text_format(line, "{\"ts\":\"%s.%03dZ\"", text, (int) (now.tv_nsec / 1000000));
}

void
vg_log(VgLevel level, const VgRequest *request, const char *message, ...)
{
	static const char *const levels[] = {"debug", "info", "warning", "error"};
	VgText line = {0};
	va_list pairs;
	const char *name;

	if (!vg_log_is_on(level))
		return;
	add_time(&line);
	add(&line, "level", levels[level]);
	add(&line, "msg", message);
	if (request)
	{
		add(&line, "request_id", request->id);
		add(&line, "address", request->address);
		add(&line, "method", request->is_head ? "HEAD" : request->method);
		/* Of a target that could not be taken apart nothing: it may be anything. */
		add(&line, "path", request->path);
		add(&line, "user", request->user ? vg_user_name(request->user) : NULL);
	}
	va_start(pairs, message);
	while ((name = va_arg(pairs, const char *)) != NULL)
		add(&line, name, va_arg(pairs, const char *));
	va_end(pairs);
	vg_text_add(&line, "}\n");
	/* Nobody could be told if it fails. */
	if (write(STDERR_FILENO, line.bytes, line.size) < 0)
		(void) 0;
	free(line.bytes);
}
