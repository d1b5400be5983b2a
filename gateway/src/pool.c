/*
 * pool.c
 *	  Connections of users.
 *
 * Each user has pool_size places.  A place is taken under the user's lock, and whatever
 * blocks (logging in, cleaning) is done without it.  All users' connections together are
 * counted by one number; when it is full, somebody's idle connection is closed for who
 * needs one.
 */
#include "gateway/src/pool.h"

#include "gateway/src/config.h"
#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool_private.h"
#include "gateway/src/prepared.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static _Atomic int open_count;

static int64_t
read_open(void)
{
	return open_count;
}
VG_GAUGE(open_gauge, "velo_gateway_database_connections", "Connections to PostgreSQL.", read_open);
VG_COUNTER(waits, "velo_gateway_pool_waits_total", "counter",
		   "Requests that waited for a connection of their user.");
VG_COUNTER(time_outs, "velo_gateway_pool_timeouts_total", "counter",
		   "Requests that waited for one in vain.");

/* ------------------------------------------------------------ all connections */

static bool
try_reserve(void)
{
	int count = open_count;

	while (count < vg_config->database_connections)
		if (atomic_compare_exchange_weak(&open_count, &count, count + 1))
			return true;
	return false;
}

/* Closes one idle connection of the user; false: it has none. */
static bool
evict(VgUser *user)
{
	PGconn *conn = NULL;

	if (pthread_mutex_trylock(&user->lock) != 0)
		return false;
	for (int i = 0; i < vg_config->pool_size && conn == NULL; i++)
		if (user->members[i].conn && !user->members[i].is_taken)
		{
			conn = user->members[i].conn;
			user->members[i].conn = NULL;
		}
	pthread_mutex_unlock(&user->lock);
	if (conn == NULL)
		return false;
	PQfinish(conn);
	vg_pool_unreserve();
	return true;
}

bool
vg_pool_reserve(VcError *error)
{
	if (try_reserve() || (vg_users_find(evict) && try_reserve()))
		return true;
	vc_error_set(error, "53300", "all connections to the database are in use", NULL,
				 "Try again in a moment; the limit is database_connections.");
	return false;
}

void
vg_pool_unreserve(void)
{
	open_count--;
}

/* ------------------------------------------------------------ one user's */

/* A place to use: of the idle connections the one used last, else an empty one. */
static VgMember *
find_place(VgUser *user)
{
	VgMember *best = NULL;

	for (int i = 0; i < vg_config->pool_size; i++)
	{
		VgMember *member = &user->members[i];

		if (!member->is_taken && (best == NULL || (member->conn && best->conn == NULL) ||
								  (member->conn && member->given_ms > best->given_ms)))
			best = member;
	}
	return best;
}

/* Waits for a place and takes it; NULL: not within pool_wait. */
static VgMember *
take_place(VgUser *user)
{
	VgMember *member;
	struct timespec deadline;
	int state = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += vg_config->pool_wait / 1000;
	deadline.tv_nsec += vg_config->pool_wait % 1000 * 1000000L;
	if (deadline.tv_nsec >= 1000000000L)
	{
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&user->lock);
	member = find_place(user);
	if (member == NULL)
		vg_count(&waits, 1);
	while (member == NULL && state == 0)
	{
		state = pthread_cond_timedwait(&user->given, &user->lock, &deadline);
		member = find_place(user);
	}
	if (member)
		member->is_taken = true;
	pthread_mutex_unlock(&user->lock);
	return member;
}

static void
leave_place(VgUser *user, VgMember *member)
{
	pthread_mutex_lock(&user->lock);
	member->is_taken = false;
	member->given_ms = vg_now_ms();
	pthread_cond_signal(&user->given);
	pthread_mutex_unlock(&user->lock);
}

static void
set_conn(VgUser *user, VgMember *member, PGconn *conn)
{
	pthread_mutex_lock(&user->lock);
	member->conn = conn;
	member->opened_ms = vg_now_ms();
	pthread_mutex_unlock(&user->lock);
}

static void
close_member(VgUser *user, VgMember *member)
{
	PGconn *conn = member->conn;

	set_conn(user, member, NULL);
	PQfinish(conn);
	vg_pool_unreserve();
}

/*
 * Between requests a server says nothing but that it ends, or that a setting of its
 * changed.  In the second case the connection is replaced for nothing, which is rare; to
 * read the message would not tell whether the end follows right behind it.
 */
static bool
is_usable(const VgMember *member)
{
	struct pollfd fd = {.fd = PQsocket(member->conn), .events = POLLIN};

	return vg_now_ms() - member->opened_ms <= vg_config->connection_max_age &&
		   PQstatus(member->conn) == CONNECTION_OK && poll(&fd, 1, 0) == 0;
}

static PGconn *
open_for(VgUser *user, VcError *error)
{
	PGconn *conn;

	if (!vg_pool_reserve(error))
		return NULL;
	conn = vg_connect(user->password ? user->name : NULL, user->password, error);
	if (conn)
		return conn;
	vg_pool_unreserve();
	if (user->password && vg_is_refusal(error->sqlstate))
		vg_user_invalidate(user);
	return NULL;
}

static bool
check_valid(VgUser *user, VcError *error)
{
	user->used_ms = vg_now_ms();
	if (user->is_valid)
		return true;
	vc_error_set(error, "28000", "the log-in has ended", NULL, "Log in again.");
	return false;
}

PGconn *
vg_pool_take(VgUser *user, VcError *error)
{
	VgMember *member;
	PGconn *conn;

	vc_error_clear(error);
	if (!check_valid(user, error))
		return NULL;
	member = take_place(user);
	if (member == NULL)
	{
		vg_count(&time_outs, 1);
		vc_error_set(error, "53300", "all connections of this user are in use", NULL,
					 "Try again in a moment; the limit is pool_size.");
		return NULL;
	}
	if (member->conn && !is_usable(member))
		close_member(user, member);
	if (member->conn == NULL)
		set_conn(user, member, open_for(user, error));
	/* from here another thread may take the place */
	conn = member->conn;
	if (conn == NULL)
		leave_place(user, member);
	return conn;
}

/* False when the connection is not worth keeping. */
static bool
clean(PGconn *conn, bool is_clean)
{
	PGresult *result;
	bool is_good;

	if (PQstatus(conn) != CONNECTION_OK || PQtransactionStatus(conn) != PQTRANS_IDLE)
		return false;
	if (is_clean)
		return true;
	vg_prepared_forget(conn);
	result = PQexec(conn, "DISCARD ALL");
	is_good = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	return is_good;
}

void
vg_pool_give(VgUser *user, PGconn *conn, bool is_clean)
{
	VgMember *member = NULL;

	pthread_mutex_lock(&user->lock);
	for (int i = 0; i < vg_config->pool_size; i++)
		if (user->members[i].conn == conn)
			member = &user->members[i];
	pthread_mutex_unlock(&user->lock);
	if (member == NULL)
		abort(); /* it is not of this pool */
	if (!clean(conn, is_clean) || !user->is_valid)
		close_member(user, member);
	leave_place(user, member);
}

PGconn *
vg_pool_open(VgUser *user, VcError *error)
{
	PGconn *conn = NULL;
	bool is_counted;

	vc_error_clear(error);
	if (!check_valid(user, error))
		return NULL;
	pthread_mutex_lock(&user->lock);
	is_counted = user->live_count < vg_config->live_per_user;
	user->live_count += is_counted;
	pthread_mutex_unlock(&user->lock);
	if (!is_counted)
	{
		vc_error_set(error, "53400", "this user has too many live queries", NULL,
					 "End one; the limit is live_per_user.");
		return NULL;
	}
	conn = open_for(user, error);
	if (conn == NULL)
	{
		pthread_mutex_lock(&user->lock);
		user->live_count--;
		pthread_mutex_unlock(&user->lock);
	}
	return conn;
}

void
vg_pool_close(VgUser *user, PGconn *conn)
{
	PQfinish(conn);
	vg_pool_unreserve();
	pthread_mutex_lock(&user->lock);
	user->live_count--;
	pthread_mutex_unlock(&user->lock);
}

void
vg_pool_adopt(VgUser *user, PGconn *conn)
{
	user->members[0] = (VgMember) {.conn = conn,
								   .is_taken = false,
								   .opened_ms = vg_now_ms(),
								   .given_ms = vg_now_ms()};
}

/* ------------------------------------------------------------ closing what is idle */

static void
close_idle(VgUser *user, int64_t given_before)
{
	for (int i = 0; i < vg_config->pool_size; i++)
	{
		VgMember *member = &user->members[i];
		PGconn *conn = NULL;

		pthread_mutex_lock(&user->lock);
		if (member->conn && !member->is_taken && member->given_ms < given_before)
		{
			conn = member->conn;
			member->conn = NULL;
		}
		pthread_mutex_unlock(&user->lock);
		if (conn == NULL)
			continue;
		PQfinish(conn);
		vg_pool_unreserve();
	}
}

void
vg_pool_close_all(VgUser *user)
{
	close_idle(user, INT64_MAX);
}

static bool
reap(VgUser *user)
{
	close_idle(user, user->is_valid ? vg_now_ms() - vg_config->connection_idle_timeout : INT64_MAX);
	return false;
}

void
vg_pool_reap(void)
{
	vg_users_find(reap);
	vg_users_reap();
}
