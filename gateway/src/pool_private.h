/*
 * pool_private.h
 *	  Users from the inside: for pool.c, users.c, and what logs people in.
 */
#pragma once

#include "common/error.h"
#include "gateway/src/pool.h"
#include "gateway/src/random.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct VgMember
{
	PGconn *conn; /* NULL: none */
	bool is_taken;
	int64_t opened_ms;
	int64_t given_ms; /* back to the pool */
} VgMember;

struct VgUser
{
	_Atomic int holders;
	char *name;
	char *password; /* NULL in open mode: that of `database` */
	unsigned char password_hash[VG_HASH_SIZE];
	_Atomic bool is_valid;
	_Atomic int64_t used_ms;
	VgUser *next; /* in the list of users */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t given;
	VgMember *members; /* pool_size of them */
	int live_count;
};

/* ------------------------------------------------------------ users.c */

extern bool vg_users_start(void);
extern void vg_users_stop(void);

/* Whoever asks in open mode; held. */
extern VgUser *vg_user_open_mode(void);

/* Who proves by a password to be this role; held.  NULL: error is set, 28P01 when name
 * and password do not fit. */
extern VgUser *vg_user_login(const char *name, const char *password, VcError *error);

/* The user may not log in any more: sessions and connections end. */
extern void vg_user_invalidate(VgUser *user);

/* Forgets users who are not there any more. */
extern void vg_users_reap(void);

/* Calls visit for each user until it returns true. */
extern bool vg_users_find(bool (*visit)(VgUser *user));

/* ------------------------------------------------------------ pool.c */

/* Closes connections that were idle too long; vg_users_reap() too. */
extern void vg_pool_reap(void);
/* Puts a first connection into a new user's pool. */
extern void vg_pool_adopt(VgUser *user, PGconn *conn);
extern void vg_pool_close_all(VgUser *user);
/* One connection more or less of database_connections. */
extern bool vg_pool_reserve(VcError *error);
extern void vg_pool_unreserve(void);

/* ------------------------------------------------------------ connect.c */

/*
 * Logs in.  name and password: NULL for those of `database`.  With a password it is an
 * error if the server did not ask for it: then it proves nothing.
 */
extern PGconn *vg_connect(const char *name, const char *password, VcError *error);

/* Is this SQLSTATE a refusal of the user, and not a trouble of the server? */
extern bool vg_is_refusal(const char *sqlstate);
