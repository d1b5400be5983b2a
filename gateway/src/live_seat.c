/*
 * live_seat.c
 *	  The list of all sockets, under a lock.
 *
 * A handshake runs on a worker's thread, so it cannot ask the event thread's list.  Users
 * are compared by name: one that logs in again may be another VgUser.
 */
#include "gateway/src/live_seat.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "gateway/src/config.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static VgLiveSeat *seats;
static int count;

VG_COUNTER(sockets_open, "velo_gateway_live_sockets", "gauge", "WebSockets that are open.");

static int
count_of(const char *name)
{
	int n = 0;

	for (const VgLiveSeat *seat = seats; seat; seat = seat->next)
		n += strcmp(vg_user_name(seat->user), name) == 0;
	return n;
}

bool
vg_live_seat_take(VgLiveSeat *seat, const VgUser *user, const char **limit)
{
	*limit = NULL;
	pthread_mutex_lock(&lock);
	if (count >= vg_config->live_sockets_max)
		*limit = "live_sockets_max";
	else if (count_of(vg_user_name(user)) >= vg_config->live_sockets_per_user)
		*limit = "live_sockets_per_user";
	else
	{
		seat->user = user;
		seat->next = seats;
		seats = seat;
		count++;
		vg_count(&sockets_open, 1);
	}
	pthread_mutex_unlock(&lock);
	return *limit == NULL;
}

void
vg_live_seat_leave(VgLiveSeat *seat)
{
	VgLiveSeat **at = &seats;

	pthread_mutex_lock(&lock);
	while (*at != seat)
		at = &(*at)->next;
	*at = seat->next;
	count--;
	vg_count(&sockets_open, -1);
	pthread_cond_broadcast(&left);
	pthread_mutex_unlock(&lock);
}

bool
vg_live_seats_wait(int64_t wait_ms)
{
	struct timespec until;
	bool is_empty;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += wait_ms / 1000;
	pthread_mutex_lock(&lock);
	while (count > 0 && pthread_cond_timedwait(&left, &lock, &until) == 0)
		;
	is_empty = count == 0;
	pthread_mutex_unlock(&lock);
	return is_empty;
}
