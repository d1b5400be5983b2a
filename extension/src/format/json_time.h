/*
 * json_time.h
 *	  Dates and times as RFC 3339 writes them, to and from microseconds.
 *
 * Plain C without PostgreSQL, tested alone.  Only the common form is known here; whoever
 * gets false asks PostgreSQL, which is slower and knows more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct VeloJsonTime
{
	int64_t us;	   /* since 2000-01-01 00:00:00 UTC, as in a timestamptz */
	bool has_time; /* false: only a date */
	bool has_zone; /* false: taken as UTC */
} VeloJsonTime;

/*
 * Reads 2026-01-31, 2026-01-31T23:59[:59[.123456789]] and the same with a blank instead of
 * the T and with Z, +hh:mm, +hhmm or +hh behind it; years 0001 to 9999.  False: something
 * else, or a case that PostgreSQL should decide (60 seconds, 24:00, exact halves of a
 * microsecond).
 */
extern bool velo_format_time_parse(const char *text, size_t length, VeloJsonTime *time);

#define VELO_JSON_TIME_MAX 32

/*
 * Writes 2026-01-31T23:59:59.123456Z: no fraction if it is zero, three digits if that
 * loses nothing, else six.  Returns the length, or 0 outside of the years 0001 to 9999.
 */
extern int velo_format_time_write(int64_t us, char *to);

/* Writes 2026-01-31 for days since 2000-01-01; as above. */
extern int velo_format_date_write(int32_t days, char *to);
