/*
 * watch.c
 *	  Clients that leave, and requests that never come whole.
 *
 * epoll tells of a closed or half-closed connection without reading from it.  A slot's
 * number and generation travel through epoll, never a pointer, so an event that comes late
 * finds that its slot is somebody else's.
 *
 * A cancel is sent without the table's lock, because it connects to PostgreSQL; the slot
 * is pinned meanwhile, and vg_watch_done() waits for that.
 */
#include "gateway/src/watch.h"

#include "gateway/src/config.h"
#include "gateway/src/exchange.h"
#include "gateway/src/log.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum
{
	TICK_MS = 100,
	REAP_EVERY_MS = 1000,
	EVENTS = 64,
	SPARE_SLOTS = 64 /* MHD may open one before it closes another */
};

typedef struct Slot
{
	int fd; /* -1: free */
	uint32_t generation;
	int64_t deadline_ms; /* 0: none */
	VgRequest *request;	 /* that a worker has */
	int pins;
} Slot;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t unpinned = PTHREAD_COND_INITIALIZER;
static Slot *slots;
static int slot_count;
static int next_free;
static int epoll = -1;
static bool must_stop;
static pthread_t thread;

VG_COUNTER(slow, "velo_gateway_slow_requests_total", "counter",
		   "Connections closed because their request did not arrive in time.");
VG_COUNTER(abandoned, "velo_gateway_abandoned_total", "counter",
		   "Requests whose client went away before the answer.");

int
vg_watch_add(int fd)
{
	int found = -1;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < slot_count && found < 0; i++)
	{
		int at = (next_free + i) % slot_count;

		if (slots[at].fd < 0)
			found = at;
	}
	if (found >= 0)
	{
		slots[found].fd = fd;
		slots[found].generation++;
		slots[found].deadline_ms = vg_now_ms() + vg_config->read_timeout;
		next_free = (found + 1) % slot_count;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

void
vg_watch_remove(int slot)
{
	pthread_mutex_lock(&lock);
	slots[slot].fd = -1;
	slots[slot].deadline_ms = 0;
	pthread_mutex_unlock(&lock);
}

static void
set_deadline(int slot, int64_t deadline)
{
	pthread_mutex_lock(&lock);
	slots[slot].deadline_ms = deadline;
	pthread_mutex_unlock(&lock);
}

void
vg_watch_reading(int slot)
{
	set_deadline(slot, vg_now_ms() + vg_config->read_timeout);
}

void
vg_watch_idle(int slot)
{
	set_deadline(slot, vg_now_ms() + vg_config->idle_timeout + vg_config->read_timeout);
}

void
vg_watch_forget(int slot)
{
	set_deadline(slot, 0);
}

void
vg_watch_running(int slot, VgRequest *request)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT};

	pthread_mutex_lock(&lock);
	slots[slot].deadline_ms = 0;
	slots[slot].request = request;
	event.data.u64 = (uint64_t) slots[slot].generation << 32 | (uint32_t) slot;
	/* Without it a client that leaves is noticed when the answer is sent. */
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, slots[slot].fd, &event) < 0)
		vg_log(VG_LOG_WARNING, request, "a client cannot be watched", "error", strerror(errno),
			   NULL);
	pthread_mutex_unlock(&lock);
}

void
vg_watch_done(int slot)
{
	pthread_mutex_lock(&lock);
	epoll_ctl(epoll, EPOLL_CTL_DEL, slots[slot].fd, NULL);
	slots[slot].request = NULL;
	while (slots[slot].pins > 0)
		pthread_cond_wait(&unpinned, &lock);
	pthread_mutex_unlock(&lock);
}

/* Holding request->lock: the connection cannot be given to somebody else meanwhile. */
static void
cancel(VgRequest *request)
{
	char error[256] = "";

	pthread_mutex_lock(&request->lock);
	request->is_abandoned = true;
	if (request->cancel && !PQcancel(request->cancel, error, sizeof(error)))
		vg_log(VG_LOG_WARNING, request, "SQL could not be cancelled", "error", error, NULL);
	pthread_mutex_unlock(&request->lock);
}

/* generation: 0 takes any */
static void
cancel_slot(int number, uint32_t generation)
{
	Slot *slot = &slots[number];
	VgRequest *request;

	pthread_mutex_lock(&lock);
	request = generation == 0 || slot->generation == generation ? slot->request : NULL;
	if (request)
		slot->pins++;
	pthread_mutex_unlock(&lock);
	if (request == NULL)
		return;
	cancel(request);
	pthread_mutex_lock(&lock);
	slot->pins--;
	pthread_cond_broadcast(&unpinned);
	pthread_mutex_unlock(&lock);
	vg_count(&abandoned, 1);
}

void
vg_watch_cancel_all(void)
{
	for (int i = 0; i < slot_count; i++)
		cancel_slot(i, 0);
}

/* MHD then reads the end of the connection and closes it. */
static void
end_slow_ones(void)
{
	int64_t now = vg_now_ms();

	pthread_mutex_lock(&lock);
	for (int i = 0; i < slot_count; i++)
		if (slots[i].fd >= 0 && slots[i].deadline_ms > 0 && slots[i].deadline_ms < now)
		{
			slots[i].deadline_ms = 0;
			shutdown(slots[i].fd, SHUT_RDWR);
			vg_count(&slow, 1);
		}
	pthread_mutex_unlock(&lock);
}

static void *
watch(void *arg)
{
	struct epoll_event events[EVENTS];
	int64_t reaped_ms = 0;

	while (!__atomic_load_n(&must_stop, __ATOMIC_ACQUIRE))
	{
		int count = epoll_wait(epoll, events, EVENTS, TICK_MS);

		for (int i = 0; i < count; i++)
			cancel_slot((uint32_t) events[i].data.u64, events[i].data.u64 >> 32);
		end_slow_ones();
		if (vg_now_ms() - reaped_ms > REAP_EVERY_MS)
		{
			vg_pool_reap();
			reaped_ms = vg_now_ms();
		}
	}
	return NULL;
}

bool
vg_watch_start(void)
{
	slot_count = vg_config->connections_max + SPARE_SLOTS;
	slots = vg_alloc(slot_count * sizeof(Slot));
	for (int i = 0; i < slot_count; i++)
		slots[i].fd = -1;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	return epoll >= 0 && pthread_create(&thread, NULL, watch, NULL) == 0;
}

void
vg_watch_stop(void)
{
	__atomic_store_n(&must_stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	close(epoll);
	free(slots);
}
