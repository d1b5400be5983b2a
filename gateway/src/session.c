/*
 * session.c
 *	  The table of sessions.
 *
 * It keeps hashes of tokens, so neither its memory nor the time a search takes says
 * anything about a token.  A session whose time is over, or whose user may not log in any
 * more, goes when somebody meets it.
 */
#include "gateway/src/session.h"

#include "gateway/src/config.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool_private.h"

#include <stdlib.h>
#include <string.h>

enum
{
	BUCKETS = 1024
};

static const int64_t MS = 1000; /* microseconds */

typedef struct Session
{
	struct Session *next;
	unsigned char hash[VG_HASH_SIZE];
	VgUser *user;
	int64_t begun_us;
	int64_t used_us;
} Session;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Session *buckets[BUCKETS];
static int session_count;

static int64_t
read_sessions(void)
{
	return __atomic_load_n(&session_count, __ATOMIC_RELAXED);
}
VG_GAUGE(sessions_gauge, "velo_gateway_sessions", "Sessions.", read_sessions);

static Session **
bucket_of(const unsigned char *hash)
{
	return &buckets[(hash[0] | hash[1] << 8) % BUCKETS];
}

static void
remove_session(Session **at)
{
	Session *session = *at;

	*at = session->next;
	__atomic_sub_fetch(&session_count, 1, __ATOMIC_RELAXED);
	vg_user_release(session->user);
	explicit_bzero(session, sizeof(*session));
	free(session);
}

static bool
is_over(const Session *session, int64_t now)
{
	return now - session->begun_us > vg_config->session_max_age * MS ||
		   now - session->used_us > vg_config->session_idle_timeout * MS ||
		   !vg_user_is_valid(session->user);
}

/* Removes what is over, counts those of the user, and finds the oldest: of the user if
 * there are too many of him, of all if there are too many. */
static Session **
sweep(const VgUser *user)
{
	int64_t now = vg_now_us();
	Session **oldest = NULL;
	Session **oldest_of_user = NULL;
	int of_user = 0;

	for (int i = 0; i < BUCKETS; i++)
		for (Session **at = &buckets[i]; *at;)
		{
			if (is_over(*at, now))
			{
				remove_session(at);
				continue;
			}
			if (oldest == NULL || (*at)->used_us < (*oldest)->used_us)
				oldest = at;
			if ((*at)->user == user)
			{
				of_user++;
				if (oldest_of_user == NULL || (*at)->used_us < (*oldest_of_user)->used_us)
					oldest_of_user = at;
			}
			at = &(*at)->next;
		}
	if (of_user >= vg_config->sessions_per_user)
		return oldest_of_user;
	return session_count >= vg_config->sessions_max ? oldest : NULL;
}

void
vg_session_begin(VgUser *user, char token[VG_TOKEN_SIZE])
{
	Session *session = vg_alloc(sizeof(Session));
	Session **bucket;
	Session **too_many;

	vg_random_hex(token, VG_TOKEN_SIZE - 1);
	vg_hash(token, session->hash);
	session->user = vg_user_hold(user);
	session->begun_us = session->used_us = vg_now_us();
	bucket = bucket_of(session->hash);
	pthread_mutex_lock(&lock);
	too_many = sweep(user);
	if (too_many)
		remove_session(too_many);
	session->next = *bucket;
	*bucket = session;
	__atomic_add_fetch(&session_count, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
}

/* Its place in its bucket; NULL: there is none. */
static Session **
find_locked(const char *token)
{
	unsigned char hash[VG_HASH_SIZE];

	vg_hash(token, hash);
	for (Session **at = bucket_of(hash); *at; at = &(*at)->next)
		if (vg_is_equal((*at)->hash, hash, VG_HASH_SIZE))
			return at;
	return NULL;
}

VgUser *
vg_session_find(const char *token)
{
	int64_t now = vg_now_us();
	VgUser *user = NULL;
	Session **at;

	pthread_mutex_lock(&lock);
	at = find_locked(token);
	if (at && is_over(*at, now))
		remove_session(at);
	else if (at)
	{
		(*at)->used_us = now;
		user = vg_user_hold((*at)->user);
		user->used_ms = now / MS;
	}
	pthread_mutex_unlock(&lock);
	return user;
}

void
vg_session_end(const char *token)
{
	Session **at;

	pthread_mutex_lock(&lock);
	at = find_locked(token);
	if (at)
		remove_session(at);
	pthread_mutex_unlock(&lock);
}

void
vg_sessions_stop(void)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < BUCKETS; i++)
		while (buckets[i])
			remove_session(&buckets[i]);
	pthread_mutex_unlock(&lock);
}
