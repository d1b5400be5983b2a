/*
 * worker.c
 *	  Running requests.
 */
#include "gateway/src/worker.h"

#include "gateway/src/config.h"
#include "gateway/src/exchange.h"
#include "gateway/src/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_work = PTHREAD_COND_INITIALIZER;
static VgRequest *first;
static VgRequest **last = &first;
static int waiting;
static int busy;
static bool must_stop;
static pthread_t *threads;
static int thread_count;

VG_COUNTER(turned_away, "velo_gateway_queue_full_total", "counter",
		   "Requests refused because queue_max others were waiting.");

static int64_t
read_waiting(void)
{
	return __atomic_load_n(&waiting, __ATOMIC_RELAXED);
}
VG_GAUGE(waiting_gauge, "velo_gateway_queue_length", "Requests that wait for a worker.",
		 read_waiting);

static int64_t
read_busy(void)
{
	return __atomic_load_n(&busy, __ATOMIC_RELAXED);
}
VG_GAUGE(busy_gauge, "velo_gateway_workers_busy", "Workers that run a request.", read_busy);

bool
vg_worker_give(VgRequest *request)
{
	bool is_full;

	pthread_mutex_lock(&lock);
	is_full = waiting >= vg_config->queue_max || must_stop;
	if (!is_full)
	{
		request->next = NULL;
		*last = request;
		last = &request->next;
		__atomic_add_fetch(&waiting, 1, __ATOMIC_RELAXED);
		pthread_cond_signal(&has_work);
	}
	pthread_mutex_unlock(&lock);
	if (is_full)
		vg_count(&turned_away, 1);
	return !is_full;
}

/* NULL: stop */
static VgRequest *
take(void)
{
	VgRequest *request;

	pthread_mutex_lock(&lock);
	while (first == NULL && !must_stop)
		pthread_cond_wait(&has_work, &lock);
	request = first;
	if (request)
	{
		first = request->next;
		if (first == NULL)
			last = &first;
		__atomic_sub_fetch(&waiting, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&busy, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&lock);
	return request;
}

static void *
work(void *arg)
{
	VgRequest *request;

	while ((request = take()) != NULL)
	{
		vg_exchange_run(request);
		vg_reply_finish(request);
		__atomic_sub_fetch(&busy, 1, __ATOMIC_RELAXED);
		vg_server_answer(request);
	}
	return NULL;
}

static bool
is_json(const VgRequest *request)
{
	const char *type = vg_request_header(request, "Content-Type");
	size_t length = type ? strcspn(type, "; \t") : 0;

	return length == strlen("application/json") &&
		   strncasecmp(type, "application/json", length) == 0;
}

void
vg_exchange_run(VgRequest *request)
{
	const VgRoute *route = request->match.route;

	if (vg_request_is_abandoned(request))
	{
		vg_reply_refuse(&request->reply, MHD_HTTP_SERVICE_UNAVAILABLE, "57014",
						"the client went away", NULL);
		return;
	}
	/* A form of another page cannot send this type without asking first (CORS). */
	if (request->body.size > 0 && !(route && route->takes_any_body) && !is_json(request))
	{
		vg_reply_refuse(&request->reply, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "22023",
						"the body must be JSON", "Send Content-Type: application/json.");
		return;
	}
	if (!(route && route->access == VG_ACCESS_ANYONE) && !vg_authenticate(request))
		return;
	if (route)
		route->handle(request, &request->reply);
	else
		vg_sql_route_handle(request->match.sql, request, &request->reply);
}

bool
vg_workers_start(void)
{
	threads = vg_alloc(vg_config->workers * sizeof(threads[0]));
	for (; thread_count < vg_config->workers; thread_count++)
		if (pthread_create(&threads[thread_count], NULL, work, NULL) != 0)
			return false;
	return true;
}

void
vg_workers_stop(void)
{
	pthread_mutex_lock(&lock);
	must_stop = true;
	pthread_cond_broadcast(&has_work);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < thread_count; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}
