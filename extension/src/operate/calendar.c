/*
 * calendar.c
 *	  Windows of calendar days, weeks and months.
 *
 * They are counted in local days or months: day 0 is 1970-01-01, month 0 January 1970.
 * Whole weeks are counted from a Monday.  A bound is the midnight with which a day
 * begins, so a window of one day has 23 or 25 hours where clocks are changed; where they
 * are changed at midnight, PostgreSQL says when such a day begins.
 */
#include "postgres.h"

#include "operate/calendar.h"

#include <datatype/timestamp.h>
#include <utils/datetime.h>
#include <utils/timestamp.h>

#define DAYS_PER_WEEK 7
/* 1970-01-05 was a Monday. */
#define FIRST_MONDAY 4

static int64
floor_div(int64 value, int64 step)
{
	int64 quotient = value / step;

	return value % step < 0 ? quotient - 1 : quotient;
}

static void
out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
}

/* What the calendar shows there at t; UTC without a zone, moved by the offset. */
static void
to_local(const VeloWindow *window, TimestampTz t, struct pg_tm *tm)
{
	fsec_t fraction;
	int zone;

	if (timestamp2tm(t - window->offset_us, window->tz ? &zone : NULL, tm, &fraction, NULL,
					 window->tz) != 0)
		out_of_range();
}

/* When a day begins. */
static TimestampTz
midnight(const VeloWindow *window, int64 day)
{
	struct pg_tm tm = {0};
	int year;
	int month;
	int mday;
	TimestampTz t = (day - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)) * USECS_PER_DAY;

	if (window->tz)
	{
		j2date(day + UNIX_EPOCH_JDATE, &year, &month, &mday);
		tm.tm_year = year;
		tm.tm_mon = month;
		tm.tm_mday = mday;
		t += (int64) DetermineTimeZoneOffset(&tm, window->tz) * USECS_PER_SEC;
	}
	if (!IS_VALID_TIMESTAMP(t))
		out_of_range();
	return t + window->offset_us;
}

static int64
month_day(int64 month)
{
	return date2j(1970 + floor_div(month, 12), month - floor_div(month, 12) * 12 + 1, 1) -
		   UNIX_EPOCH_JDATE;
}

/* Local days at which windows begin are this, plus multiples of the advance. */
static int64
first_day(int64 size)
{
	return size % DAYS_PER_WEEK == 0 ? FIRST_MONDAY : 0;
}

void
velo_operate_calendar_window(const VeloWindow *window, TimestampTz t, int back, TimestampTz *start,
							 TimestampTz *end)
{
	struct pg_tm tm;

	to_local(window, t, &tm);
	if (window->size_months)
	{
		int64 size = window->size_months;
		int64 month = floor_div((tm.tm_year - 1970) * 12 + tm.tm_mon - 1, size) * size;

		*start = midnight(window, month_day(month));
		*end = midnight(window, month_day(month + size));
	}
	else
	{
		int64 size = window->size_us / USECS_PER_DAY;
		int64 advance = window->advance_us / USECS_PER_DAY;
		int64 first = first_day(advance);
		int64 day = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - UNIX_EPOCH_JDATE;

		day = first + (floor_div(day - first, advance) - back) * advance;
		*start = midnight(window, day);
		*end = midnight(window, day + size);
	}
}

TimestampTz
velo_operate_calendar_next(const VeloWindow *window, TimestampTz start)
{
	TimestampTz next;
	TimestampTz end;

	velo_operate_calendar_window(window, start, -1, &next, &end);
	return window->size_months ? end : next;
}

TimestampTz
velo_operate_calendar_end(const VeloWindow *window, TimestampTz start)
{
	TimestampTz end;

	velo_operate_calendar_window(window, start, 0, &start, &end);
	return end;
}
