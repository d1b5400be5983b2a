/*
 * clock.h
 *	  The one clock: watermarks, timers, retention and generated time ask here.
 *
 * A bounded run sets a virtual time and moves it, so that windows can be proved
 * without waiting.  Virtual time belongs to the process and ends with the
 * transaction that set it.
 */
#pragma once

#include <datatype/timestamp.h>

/* Present time: virtual if set, else the machine's. */
extern TimestampTz velo_clock_now(void);

/* Sets virtual time until velo_clock_release() or the end of the transaction. */
extern void velo_clock_hold(TimestampTz now);
extern void velo_clock_release(void);
extern bool velo_clock_is_virtual(void);
