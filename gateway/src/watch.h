/*
 * watch.h
 *	  The watcher: one thread that looks at all connections from outside.
 *
 * MHD does not look at a connection while a worker has its request, and its time-out
 * starts anew with each byte.  So the watcher
 *	- cancels the SQL of a request whose client went away,
 *	- ends connections whose request did not arrive as a whole in time,
 *	- closes idle connections to PostgreSQL once a second.
 */
#pragma once

#include "gateway/src/request.h"

#include <stdbool.h>

extern bool vg_watch_start(void);
extern void vg_watch_stop(void);

/* A new connection; its slot, -1 when there is none. */
extern int vg_watch_add(int fd);
/* It is closed soon; fd is not used any more afterwards. */
extern void vg_watch_remove(int slot);

/* A request must be here within read_timeout. */
extern void vg_watch_reading(int slot);
/* The next request's first line must be here within idle_timeout and read_timeout. */
extern void vg_watch_idle(int slot);
/* The connection speaks HTTP no more. */
extern void vg_watch_forget(int slot);

/* A worker has the request: from now to vg_watch_done() its client is looked after. */
extern void vg_watch_running(int slot, VgRequest *request);
/* Waits for a cancel that is on its way. */
extern void vg_watch_done(int slot);

/* Cancels the SQL of all running requests. */
extern void vg_watch_cancel_all(void);
