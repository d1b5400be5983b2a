/*
 * clock.c
 *	  Present time, real or virtual.
 */
#include "postgres.h"

#include "base/clock.h"

#include <access/xact.h>
#include <utils/timestamp.h>

static bool is_virtual = false;
static TimestampTz virtual_now;

static void
release_at_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		is_virtual = false;
}

TimestampTz
velo_clock_now(void)
{
	return is_virtual ? virtual_now : GetCurrentTimestamp();
}

void
velo_clock_hold(TimestampTz now)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(release_at_end, NULL);
		registered = true;
	}
	is_virtual = true;
	virtual_now = now;
}

void
velo_clock_release(void)
{
	is_virtual = false;
}

bool
velo_clock_is_virtual(void)
{
	return is_virtual;
}
