/*
 * pool.h
 *	  Users, and their connections to PostgreSQL.
 *
 * Every connection is logged in as the user who asks.  Idle ones wait in the user's pool;
 * how many there may be a user and in all, and how long, are settings (config.h).
 */
#pragma once

#include "common/error.h"
#include "gateway/src/request.h"

#include <libpq-fe.h>
#include <stdbool.h>

/*
 * A connection of the user's, idle and outside of a transaction.  Waits at most
 * pool_wait for one.  NULL: error says why (53300 all in use, 28… not allowed any more,
 * 08… no server).  Give it back with vg_pool_give().
 */
extern PGconn *vg_pool_take(VgUser *user, VcError *error);

/* is_clean: nothing of the session was changed; otherwise it is cleaned (DISCARD ALL), or
 * closed when it is in a transaction or broken. */
extern void vg_pool_give(VgUser *user, PGconn *conn, bool is_clean);

/*
 * A connection for the caller alone (a live query), counted against live_per_user and
 * database_connections.  NULL: error says why.  End it with vg_pool_close(), also when
 * it is broken.
 */
extern PGconn *vg_pool_open(VgUser *user, VcError *error);
extern void vg_pool_close(VgUser *user, PGconn *conn);

/* A user stays while somebody holds it.  Returns user. */
extern VgUser *vg_user_hold(VgUser *user);
extern void vg_user_release(VgUser *user);

/* The role's name. */
extern const char *vg_user_name(const VgUser *user);

/* False once the user's right to log in was taken away or the log-in ended. */
extern bool vg_user_is_valid(const VgUser *user);
