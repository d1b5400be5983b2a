/*
 * metrics.c
 *	  GET /metrics: what velo.metrics_text() says, and the gateway's own figures.
 *
 * Its own ones stand there also when the database is away, because that is when they are
 * wanted; then velo_gateway_database_up is 0.
 */
#include "gateway/src/metrics.h"

#include "gateway/src/call.h"
#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/pool.h"
#include "gateway/src/route.h"
#include "gateway/src/sql_route.h"

#include <stdlib.h>
#include <string.h>

enum
{
	COUNTERS_MAX = 256
};

static const char content_type[] = "text/plain; version=0.0.4; charset=utf-8";

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(VgCounter *const *) a)->name, (*(VgCounter *const *) b)->name);
}

static void
add_counter(VgText *text, VgCounter *counter, const VgCounter *before)
{
	int family = strcspn(counter->name, "{");
	int64_t value = counter->read ? counter->read() : counter->value;

	if (before == NULL || strncmp(before->name, counter->name, family) != 0 ||
		(before->name[family] != '{' && before->name[family] != '\0'))
		vg_text_format(text, "# HELP %.*s %s\n# TYPE %.*s %s\n", family, counter->name,
					   counter->help, family, counter->name, counter->type);
	vg_text_format(text, "%s %lld\n", counter->name, (long long) value);
}

char *
vg_metrics_text(void)
{
	VgCounter *sorted[COUNTERS_MAX] = {0};
	int count = 0;
	VgText text = {0};

	VG_FOREACH(counters, VgCounter, counter)
	{
		if (count == COUNTERS_MAX)
			abort(); /* raise it */
		sorted[count++] = counter;
	}
	qsort(sorted, count, sizeof(sorted[0]), by_name);
	for (int i = 0; i < count; i++)
		add_counter(&text, sorted[i], i ? sorted[i - 1] : NULL);
	return text.bytes;
}

static const VgSqlRoute *
find_route(const VgRouteTable *table)
{
	for (int i = 0; table && i < vg_route_table_size(table); i++)
		if (strcmp(vg_route_table_at(table, i)->path, "/metrics") == 0)
			return vg_route_table_at(table, i);
	return NULL;
}

/* The database's figures, for free(); NULL: error is set. */
static char *
ask_database(VgRequest *request, VcError *error)
{
	const VgRouteTable *table = vg_route_table_hold();
	const VgSqlRoute *route = find_route(table);
	VgUser *user = vg_request_user(request);
	PGconn *conn = route ? vg_pool_take(user, error) : NULL;
	char *text = NULL;
	size_t size;

	if (route == NULL)
		vc_error_set(error, "57P03", "the routes are not known yet", NULL, NULL);
	if (conn)
	{
		VgCall call = {.function = route->function,
					   .result = VG_RESULT_TEXT,
					   .is_read_only = route->is_read_only,
					   .door = "http",
					   .request = request};

		text = vg_call_text(conn, &call, &size, error);
		vg_pool_give(user, conn, true);
	}
	if (table)
		vg_route_table_release(table);
	return text;
}

static bool
is_trouble(const VcError *error)
{
	return strncmp(error->sqlstate, "08", 2) == 0 || strncmp(error->sqlstate, "57", 2) == 0 ||
		   strncmp(error->sqlstate, "53", 2) == 0;
}

static void
handle_metrics(VgRequest *request, VgReply *reply)
{
	VcError error = {0};
	char *theirs = ask_database(request, &error);
	char *ours = vg_metrics_text();
	VgText text = {0};

	/* a refusal (no right to see them) is one */
	if (theirs == NULL && !is_trouble(&error))
		vg_reply_error(reply, &error);
	else
	{
		vg_text_add(&text, theirs ? theirs : "");
		if (text.size && text.bytes[text.size - 1] != '\n')
			vg_text_add(&text, "\n");
		vg_text_add(&text, ours);
		vg_text_format(&text,
					   "# HELP velo_gateway_database_up 1: the database gave its figures.\n"
					   "# TYPE velo_gateway_database_up gauge\nvelo_gateway_database_up %d\n",
					   theirs != NULL);
		vg_reply_bytes(reply, content_type, text.bytes, text.size);
	}
	vc_error_clear(&error);
	free(theirs);
	free(ours);
}

VG_ROUTE(metrics_route) = {.method = "GET", .path = "/metrics", .handle = handle_metrics};
