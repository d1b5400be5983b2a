/*
 * live_seat.h
 *	  How many sockets there may be, of all users and of one.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/src/request.h"

/* One socket from its handshake to its end; lives inside of it. */
typedef struct VgLiveSeat
{
	struct VgLiveSeat *next;
	const VgUser *user;
} VgLiveSeat;

/* False: there are too many, and *limit is the name of the setting that says so. */
extern bool vg_live_seat_take(VgLiveSeat *seat, const VgUser *user, const char **limit);

/* Before the user is released. */
extern void vg_live_seat_leave(VgLiveSeat *seat);

/* Waits until all are left; false: after wait_ms some are not. */
extern bool vg_live_seats_wait(int64_t wait_ms);
