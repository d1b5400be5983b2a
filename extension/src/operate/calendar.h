/*
 * calendar.h
 *	  Windows that begin and end at midnights.
 */
#pragma once

#include "plan/plan.h"

/* Does the window go by the calendar rather than by a fixed length? */
static inline bool
velo_operate_is_calendar(const VeloWindow *window)
{
	return window->size_months != 0 || window->tz != NULL;
}

/*
 * The window that holds t, or of sliding ones the back-th before the latest that begins
 * not after t; back: 0 …  Raises 22008 beyond PostgreSQL's times.
 */
extern void velo_operate_calendar_window(const VeloWindow *window, TimestampTz t, int back,
										 TimestampTz *start, TimestampTz *end);

/* Where the next window begins, after the one that begins there. */
extern TimestampTz velo_operate_calendar_next(const VeloWindow *window, TimestampTz start);

/* The end of the window that begins there. */
extern TimestampTz velo_operate_calendar_end(const VeloWindow *window, TimestampTz start);
