/*
 * time_text.h
 *	  Times as texts of a given form: strftime's conversions, both ways, and patterns
 *	  as Java writes them.
 */
#pragma once

#include <datatype/timestamp.h>
#include <lib/stringinfo.h>
#include <pgtime.h>

/* Seconds from 1970 to 2000, where PostgreSQL counts from. */
#define VELO_EPOCH_SECONDS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/*
 * Appends a time in the form of strftime: "micros" since 2000-01-01 in the time zone, or
 * as they are if zone is NULL (then %Z is UTC).  Besides PostgreSQL's own conversions:
 * %f (microseconds), %3f %6f %9f (so many digits), %.f %.3f %.6f %.9f (with the point),
 * %s (seconds since 1970), %:z (+hh:mm), and - behind the % (no leading zeros).
 * Raises 22023 for what is none of these, 22008 for infinity.
 */
extern void velo_base_time_write(StringInfo to, int64 micros, pg_tz *zone, const char *format);

/*
 * Reads a text by a format: strftime's conversions if there is a % in it, else a pattern
 * of Java's (yyyy-MM-dd HH:mm:ss.SSSXXX).  Without a zone in the text it is UTC, without a
 * date 1970-01-01.  Raises 22007 if the text is not of this form, 22008 if it is no time
 * that there is, and 22023 for a format that is none.
 */
extern TimestampTz velo_base_time_read(const char *text, const char *format);

/* Raises 22023: so many bytes at a place of a format are no conversion. */
extern void velo_base_time_refuse_format(const char *format, const char *at, int length);
