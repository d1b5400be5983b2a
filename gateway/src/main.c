/*
 * main.c
 *	  velo-gateway: starts its parts, waits for signals, and ends in order.
 *
 * All threads block signals; this one waits for them.  Ending: no new connections,
 * running requests may finish within drain_timeout, what is left is cancelled, then parts
 * stop from the outside in.
 */
#include "gateway/src/catalog.h"
#include "gateway/src/context.h"
#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/options.h"
#include "gateway/src/pool_private.h"
#include "gateway/src/route.h"
#include "gateway/src/server.h"
#include "gateway/src/session.h"
#include "gateway/src/watch.h"
#include "gateway/src/worker.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum
{
	EXIT_DATABASE = 1,
	EXIT_USAGE = 2,
	STEP_US = 10000,
	/* files open besides connections: the page's, threads' own, logs */
	SPARE_FILES = 256,
	/* after cancelling, before we give up waiting */
	CANCEL_WAIT_MS = 3000
};

static bool
start_parts(void)
{
	VG_FOREACH(parts, const VgPart, part)
	{
		if (part->start && !part->start())
		{
			vg_log(VG_LOG_ERROR, NULL, "a part could not start", "part", part->name, NULL);
			return false;
		}
	}
	return true;
}

static void
drain_parts(void)
{
	VG_FOREACH(parts, const VgPart, part)
	{
		if (part->drain)
			part->drain();
	}
}

static void
stop_parts(void)
{
	VG_FOREACH(parts, const VgPart, part)
	{
		if (part->stop)
			part->stop();
	}
}

/* Connections are files; systems allow a process few until it asks for more. */
static void
raise_file_limit(void)
{
	struct rlimit limit;
	rlim_t wanted = vg_config->connections_max + vg_config->database_connections + SPARE_FILES;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
		vg_log(VG_LOG_WARNING, NULL,
			   "the system allows fewer open files than connections_max needs", NULL);
}

static bool
start(void)
{
	raise_file_limit();
	return vg_context_start() && vg_users_start() && vg_watch_start() && vg_workers_start() &&
		   vg_catalog_start() && start_parts() && vg_server_start();
}

static void
wait_for_requests(int64_t until_ms)
{
	while (vg_server_in_flight() > 0 && vg_now_ms() < until_ms)
		usleep(STEP_US);
}

static void
stop(void)
{
	vg_log(VG_LOG_INFO, NULL, "stopping", NULL);
	vg_server_drain();
	drain_parts();
	wait_for_requests(vg_now_ms() + vg_config->drain_timeout);
	if (vg_server_in_flight() > 0)
	{
		vg_log(VG_LOG_WARNING, NULL, "cancelling requests that took longer than drain_timeout",
			   NULL);
		vg_watch_cancel_all();
		wait_for_requests(vg_now_ms() + CANCEL_WAIT_MS);
	}
	stop_parts();
	if (vg_server_in_flight() > 0)
	{
		/* PostgreSQL hangs; MHD must not be stopped under a suspended connection */
		vg_log(VG_LOG_ERROR, NULL, "ending with requests that could not be cancelled", NULL);
		_exit(EXIT_FAILURE);
	}
	vg_server_stop();
	vg_workers_stop();
	vg_catalog_stop();
	vg_watch_stop();
	vg_sessions_stop();
	vg_users_stop();
	vg_context_stop();
	vg_log(VG_LOG_INFO, NULL, "stopped", NULL);
}

/* Until it is told to end. */
static void
wait_for_signals(const sigset_t *signals)
{
	int number = 0;

	while (sigwait(signals, &number) != 0 || number == SIGHUP)
		if (number == SIGHUP)
		{
			vg_log(VG_LOG_INFO, NULL, "reading the routes again", NULL);
			vg_catalog_reload();
		}
}

static int
run(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!start())
		return EXIT_FAILURE;
	printf("velo-gateway listens on %s\n", vg_server_url());
	fflush(stdout);
	wait_for_signals(&signals);
	stop();
	return EXIT_SUCCESS;
}

static int
check(void)
{
	if (!vg_catalog_check())
	{
		fputs("velo-gateway: the settings are right, but the database does not answer as it "
			  "should\n",
			  stderr);
		return EXIT_DATABASE;
	}
	puts("velo-gateway: the settings are right and the database answers");
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	switch (vg_config_read(argc, argv))
	{
		case VG_ACTION_RUN:
			return run();
		case VG_ACTION_CHECK:
			return check();
		case VG_ACTION_HELP:
			vg_help_print(stdout);
			return EXIT_SUCCESS;
		case VG_ACTION_OPTIONS:
			vg_options_print(stdout);
			return EXIT_SUCCESS;
		case VG_ACTION_VERSION:
			printf("velo-gateway %s (libpq %d.%d)\n", VELO_VERSION, PQlibVersion() / 10000,
				   PQlibVersion() % 10000);
			return EXIT_SUCCESS;
		case VG_ACTION_WRONG:
			break;
	}
	return EXIT_USAGE;
}
