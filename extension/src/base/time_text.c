/*
 * time_text.c
 *	  Times as texts of a given form: writing.  time_read.c reads.
 *
 * Most conversions are left to pg_strftime, which always speaks English.
 */
#include "postgres.h"

#include "base/time_text.h"

#include <utils/timestamp.h>

#define FRACTION_DIGITS 6

void
velo_base_time_refuse_format(const char *format, const char *at, int length)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%.*s\" in time format \"%s\" is not known", length, at, format),
					errhint("Use the conversions of strftime, such as %%Y-%%m-%%d %%H:%%M:%%S.")));
}

/* --- writing --------------------------------------------------------------------------- */

typedef struct Writer
{
	StringInfo to;
	const char *format;
	struct pg_tm tm;
	int64 seconds; /* since 1970 */
	int micros;
} Writer;

/* Digits of the fraction, in front of which may stand a point. */
static void
write_fraction(Writer *self, int digits, bool with_point)
{
	char text[16];

	snprintf(text, sizeof(text), "%06d000", self->micros);
	if (digits == 0)
	{
		/* %.f: as many as are needed, in threes. */
		digits = self->micros == 0 ? 0 : self->micros % 1000 == 0 ? 3 : 6;
		if (digits == 0)
			return;
	}
	if (with_point)
		appendStringInfoChar(self->to, '.');
	appendBinaryStringInfo(self->to, text, digits);
}

/* %f, %3f, %.f, %.3f …: returns its length, or 0 if it is none. */
static int
write_fraction_conversion(Writer *self, const char *at)
{
	const char *start = at++;
	bool with_point = *at == '.';
	int digits = with_point ? 0 : FRACTION_DIGITS;

	if (with_point)
		at++;
	if (*at == '3' || *at == '6' || *at == '9')
		digits = *at++ - '0';
	if (*at != 'f')
		return 0;
	write_fraction(self, digits, with_point);
	return (int) (at - start) + 1;
}

static void
write_conversion(Writer *self, char letter, bool unpadded)
{
	char format[3] = {'%', letter, '\0'};
	char text[128];
	char *at = text;
	size_t length = pg_strftime(text, sizeof(text), format, &self->tm);

	text[length] = '\0';
	while (unpadded && (*at == '0' || *at == ' ') && at[1] != '\0')
		at++;
	appendStringInfoString(self->to, at);
}

/* Writes the conversion at a %; returns its length. */
static int
write_at(Writer *self, const char *at)
{
	int length = write_fraction_conversion(self, at);

	if (length > 0)
		return length;
	if (at[1] == 's')
	{
		appendStringInfo(self->to, INT64_FORMAT, self->seconds);
		return 2;
	}
	if (at[1] == ':' && at[2] == 'z')
	{
		int minutes = (int) (self->tm.tm_gmtoff / SECS_PER_MINUTE);

		appendStringInfo(self->to, "%c%02d:%02d", minutes < 0 ? '-' : '+',
						 abs(minutes) / MINS_PER_HOUR, abs(minutes) % MINS_PER_HOUR);
		return 3;
	}
	length = at[1] == '-' ? 3 : 2;
	if (at[length - 1] == '\0' ||
		strchr("aAbBcCdDeFgGhHIjklmMnprRStTuUVvwWxXyYzZ%", at[length - 1]) == NULL)
		velo_base_time_refuse_format(self->format, at,
									 at[1] == '\0'			  ? 1
									 : at[length - 1] == '\0' ? length - 1
															  : length);
	write_conversion(self, at[length - 1], length == 3);
	return length;
}

void
velo_base_time_write(StringInfo to, int64 micros, pg_tz *zone, const char *format)
{
	Writer self = {.to = to, .format = format};
	struct pg_tm *tm;
	pg_time_t time;

	self.seconds = micros / USECS_PER_SEC;
	self.micros = (int) (micros % USECS_PER_SEC);
	if (self.micros < 0)
	{
		self.micros += USECS_PER_SEC;
		self.seconds--;
	}
	self.seconds += VELO_EPOCH_SECONDS;
	time = (pg_time_t) self.seconds;
	tm = zone ? pg_localtime(&time, zone) : pg_gmtime(&time);
	if (tm == NULL || TIMESTAMP_NOT_FINITE(micros))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	self.tm = *tm;
	if (zone == NULL)
		self.tm.tm_zone = "UTC";
	for (const char *at = format; *at != '\0';)
	{
		if (*at == '%')
			at += write_at(&self, at);
		else
			appendStringInfoChar(to, *at++);
	}
}
