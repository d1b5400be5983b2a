/*
 * catalog.c
 *	  One thread with one connection of the user of `database`.
 *
 * It reads velo.routes at the start, on a NOTIFY velo_routes and on SIGHUP.  Without the
 * database it tries again, waiting longer each time; the last routes stay meanwhile, and
 * /ready says 503.
 */
#include "gateway/src/catalog.h"

#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool_private.h"
#include "gateway/src/sql_route.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum
{
	FIRST_WAIT_MS = 200,
	LONGEST_WAIT_MS = 10000,
	/* a dead connection is noticed within this time, if no reset tells of it */
	PROBE_EVERY_MS = 10000
};

static pthread_t thread;
static int wake_fd = -1;
static _Atomic bool must_stop;
static _Atomic bool must_reload;
static _Atomic bool is_ready;

VG_COUNTER(reloads, "velo_gateway_route_loads_total", "counter", "Times the routes were read.");

static int64_t
read_ready(void)
{
	return is_ready;
}
VG_GAUGE(ready_gauge, "velo_gateway_ready", "1: the database answers and routes are known.",
		 read_ready);

bool
vg_catalog_is_ready(void)
{
	return is_ready;
}

static void
wake(void)
{
	uint64_t one = 1;

	/* a full counter wakes as well */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		(void) 0;
}

void
vg_catalog_reload(void)
{
	must_reload = true;
	wake();
}

/* Sleeps until the socket (-1: none) or somebody wakes us. */
static void
wait_for(int socket, int timeout_ms)
{
	struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
	uint64_t count;

	poll(fds, socket >= 0 ? 2 : 1, timeout_ms);
	if ((fds[0].revents & POLLIN) && read(wake_fd, &count, sizeof(count)) < 0)
		(void) 0;
}

static void
log_error(const char *what, const VcError *error)
{
	vg_log(VG_LOG_WARNING, NULL, what, "sqlstate", error->sqlstate, "error", error->message, "hint",
		   error->hint, NULL);
}

static bool
load(PGconn *conn)
{
	VcError error = {0};
	VgRouteTable *table = vg_route_table_read(conn, &error);
	char count[16];

	if (table == NULL)
	{
		/* 42P01, 3F000: another database, or an older extension */
		log_error("the routes could not be read: is the extension velostream there?", &error);
		vc_error_clear(&error);
		return false;
	}
	snprintf(count, sizeof(count), "%d", vg_route_table_size(table));
	vg_route_table_publish(table);
	vg_count(&reloads, 1);
	vg_log(VG_LOG_INFO, NULL, "routes loaded", "count", count, NULL);
	return true;
}

static bool
run(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);
	bool is_good = PQresultStatus(result) == PGRES_COMMAND_OK ||
				   PQresultStatus(result) == PGRES_TUPLES_OK;

	PQclear(result);
	return is_good;
}

static bool
has_notices(PGconn *conn)
{
	bool is_any = false;
	PGnotify *notice;

	while ((notice = PQnotifies(conn)) != NULL)
	{
		is_any = true;
		PQfreemem(notice);
	}
	return is_any;
}

static bool
must_read(PGconn *conn)
{
	/* both are asked, so that one reading serves both */
	bool is_told = has_notices(conn);
	bool is_asked = atomic_exchange(&must_reload, false);

	return is_told || is_asked;
}

/* Until the connection is lost or the gateway ends. */
static void
listen_to(PGconn *conn)
{
	int64_t probed_ms = vg_now_ms();

	is_ready = run(conn, "LISTEN velo_routes") && load(conn);
	while (is_ready && !must_stop)
	{
		wait_for(PQsocket(conn), PROBE_EVERY_MS);
		if (!PQconsumeInput(conn))
			break;
		if (must_read(conn))
			load(conn);
		if (vg_now_ms() - probed_ms >= PROBE_EVERY_MS)
		{
			if (!run(conn, "SELECT 1"))
				break;
			probed_ms = vg_now_ms();
		}
	}
	is_ready = false;
}

static void *
work(void *arg)
{
	int wait_ms = FIRST_WAIT_MS;

	while (!must_stop)
	{
		VcError error = {0};
		PGconn *conn = vg_connect(NULL, NULL, &error);

		vc_error_clear(&error);
		if (conn)
		{
			listen_to(conn);
			if (!must_stop && PQstatus(conn) != CONNECTION_OK)
			{
				vg_log(VG_LOG_WARNING, NULL, "the connection to the database was lost", NULL);
				wait_ms = FIRST_WAIT_MS;
			}
			PQfinish(conn);
		}
		if (!must_stop)
			wait_for(-1, wait_ms);
		wait_ms = wait_ms * 2 < LONGEST_WAIT_MS ? wait_ms * 2 : LONGEST_WAIT_MS;
	}
	return NULL;
}

bool
vg_catalog_start(void)
{
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return wake_fd >= 0 && pthread_create(&thread, NULL, work, NULL) == 0;
}

void
vg_catalog_stop(void)
{
	must_stop = true;
	wake();
	pthread_join(thread, NULL);
	close(wake_fd);
	vg_route_table_publish(NULL);
}

bool
vg_catalog_check(void)
{
	VcError error = {0};
	PGconn *conn = vg_connect(NULL, NULL, &error);
	bool is_good = conn && load(conn);

	vc_error_clear(&error);
	PQfinish(conn);
	vg_route_table_publish(NULL);
	return is_good;
}
