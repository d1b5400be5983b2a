/*
 * time_read.c
 *	  Times from texts of a given form.
 *
 * PostgreSQL's to_timestamp has another language of patterns, and skips over what does
 * not fit.  A pattern of Java's is turned into strftime's conversions first, so that there
 * is one reader.
 */
#include "postgres.h"

#include "base/time_text.h"

#include <ctype.h>

#include <common/int.h>
#include <utils/datetime.h>
#include <utils/timestamp.h>

/* --- Java's patterns ------------------------------------------------------------------- */

/* strftime's conversion for a letter that stands "count" times. */
static const char *
conversion_for(char letter, int count)
{
	switch (letter)
	{
		case 'y':
		case 'u':
			return count == 2 ? "%y" : "%Y";
		case 'M':
		case 'L':
			return count <= 2 ? "%m" : "%b";
		case 'd':
			return count <= 2 ? "%d" : NULL;
		case 'D':
			return "%j";
		case 'H':
			return count <= 2 ? "%H" : NULL;
		case 'h':
			return count <= 2 ? "%I" : NULL;
		case 'm':
			return count <= 2 ? "%M" : NULL;
		case 's':
			return count <= 2 ? "%S" : NULL;
		case 'S':
			return "%f";
		case 'a':
			return "%p";
		case 'E':
			return "%a";
		case 'X':
		case 'x':
		case 'Z':
			return "%z";
		case 'z':
			return "%Z";
		default:
			return NULL;
	}
}

/* Text between quotes; two quotes are one.  Returns behind it. */
static const char *
copy_quoted(StringInfo to, const char *format, const char *at)
{
	const char *start = at++;

	if (*at == '\'')
	{
		appendStringInfoChar(to, '\'');
		return at + 1;
	}
	for (; *at != '\0'; at++)
	{
		if (*at == '\'' && at[1] != '\'')
			return at + 1;
		if (*at == '\'')
			at++;
		appendStringInfoChar(to, *at);
	}
	velo_base_time_refuse_format(format, start, (int) strlen(start));
	return at;
}

static char *
from_java(const char *format)
{
	StringInfoData to;
	const char *at = format;

	initStringInfo(&to);
	while (*at != '\0')
	{
		int count = 1;
		const char *conversion;

		if (*at == '\'')
		{
			at = copy_quoted(&to, format, at);
			continue;
		}
		if (!isalpha((unsigned char) *at))
		{
			appendStringInfoChar(&to, *at++);
			continue;
		}
		while (at[count] == *at)
			count++;
		conversion = conversion_for(*at, count);
		if (conversion == NULL)
			velo_base_time_refuse_format(format, at, count);
		appendStringInfoString(&to, conversion);
		at += count;
	}
	return to.data;
}

/* --- reading --------------------------------------------------------------------------- */

static const char *const month_names[] = {"January",  "February", "March",	"April",	 "May",
										  "June",	  "July",	  "August", "September", "October",
										  "November", "December", NULL};
static const char *const day_names[] = {"Sunday",	"Monday", "Tuesday",  "Wednesday",
										"Thursday", "Friday", "Saturday", NULL};

typedef struct Reader
{
	const char *text;
	const char *at; /* what has not been read yet */
	int year;
	int month;
	int day;
	int year_day; /* 0: not given */
	int hour;
	int minute;
	int second;
	int micros;
	int afternoon; /* -1: not given */
	int zone;	   /* seconds east of UTC */
	bool has_epoch;
	int64 epoch;
} Reader;

static void
refuse_text(const Reader *self, const char *format)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
					errmsg("\"%s\" is not a time of format \"%s\"", self->text, format),
					errdetail("It does not fit from \"%s\" on.", self->at)));
}

/* Reads digits; false if there is none. */
static bool
read_number(Reader *self, int digits_max, int *number)
{
	int digits = 0;

	*number = 0;
	while (digits < digits_max && isdigit((unsigned char) *self->at))
	{
		*number = *number * 10 + (*self->at++ - '0');
		digits++;
	}
	return digits > 0;
}

static bool
read_range(Reader *self, int digits_max, int least, int most, int *number)
{
	const char *start = self->at;

	if (read_number(self, digits_max, number) && *number >= least && *number <= most)
		return true;
	self->at = start;
	return false;
}

/* One of these names, in full or its first three letters. */
static bool
read_name(Reader *self, const char *const *names, int *number)
{
	for (int i = 0; names[i] != NULL; i++)
	{
		size_t length = strlen(names[i]);

		if (pg_strncasecmp(self->at, names[i], length) != 0)
		{
			if (pg_strncasecmp(self->at, names[i], 3) != 0)
				continue;
			length = 3;
		}
		self->at += length;
		*number = i + 1;
		return true;
	}
	return false;
}

static bool
read_fraction(Reader *self)
{
	int scale = 100000;

	if (!isdigit((unsigned char) *self->at))
		return false;
	/* Digits behind the sixth are cut off. */
	for (self->micros = 0; isdigit((unsigned char) *self->at); self->at++, scale /= 10)
		self->micros += (*self->at - '0') * scale;
	return true;
}

/* Z, +hh, +hhmm or +hh:mm */
static bool
read_offset(Reader *self)
{
	int sign = *self->at == '-' ? -1 : 1;
	int hours;
	int minutes = 0;

	if (*self->at == 'Z' || *self->at == 'z')
	{
		self->at++;
		self->zone = 0;
		return true;
	}
	if (*self->at != '+' && *self->at != '-')
		return false;
	self->at++;
	if (!read_range(self, 2, 0, 15, &hours))
		return false;
	if (*self->at == ':')
		self->at++;
	if (isdigit((unsigned char) *self->at) && !read_range(self, 2, 0, 59, &minutes))
		return false;
	self->zone = sign * (hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE);
	return true;
}

static bool
read_zone_name(Reader *self)
{
	if (pg_strncasecmp(self->at, "UTC", 3) == 0 || pg_strncasecmp(self->at, "GMT", 3) == 0)
	{
		self->at += 3;
		self->zone = 0;
		return true;
	}
	return read_offset(self);
}

static bool
read_epoch(Reader *self)
{
	char *end;

	errno = 0;
	self->epoch = strtoi64(self->at, &end, 10);
	if (end == self->at || errno != 0)
		return false;
	self->at = end;
	self->has_epoch = true;
	return true;
}

static bool
read_year(Reader *self)
{
	bool minus = *self->at == '-';

	if (minus)
		self->at++;
	if (!read_number(self, 4, &self->year))
		return false;
	self->year = minus ? -self->year : self->year;
	return true;
}

static bool
read_half_of_day(Reader *self)
{
	if (pg_strncasecmp(self->at, "AM", 2) != 0 && pg_strncasecmp(self->at, "PM", 2) != 0)
		return false;
	self->afternoon = *self->at == 'P' || *self->at == 'p';
	self->at += 2;
	return true;
}

static bool read_format(Reader *self, const char *format, const char *shown);

/* Reads one conversion; false if the text is not like that. */
static bool
read_conversion(Reader *self, char letter, const char *format, const char *at)
{
	int number;

	switch (letter)
	{
		case 'Y':
			return read_year(self);
		case 'y':
			if (!read_range(self, 2, 0, 99, &number))
				return false;
			self->year = number + (number < 69 ? 2000 : 1900);
			return true;
		case 'm':
			return read_range(self, 2, 1, 12, &self->month);
		case 'b':
		case 'B':
		case 'h':
			return read_name(self, month_names, &self->month);
		case 'e':
		case 'd':
			while (letter == 'e' && *self->at == ' ')
				self->at++;
			return read_range(self, 2, 1, 31, &self->day);
		case 'j':
			return read_range(self, 3, 1, 366, &self->year_day);
		case 'a':
		case 'A':
			return read_name(self, day_names, &number);
		case 'H':
			return read_range(self, 2, 0, 23, &self->hour);
		case 'I':
			return read_range(self, 2, 1, 12, &self->hour);
		case 'M':
			return read_range(self, 2, 0, 59, &self->minute);
		case 'S':
			return read_range(self, 2, 0, 60, &self->second);
		case 'p':
			return read_half_of_day(self);
		case 'f':
			return read_fraction(self);
		case 'z':
			return read_offset(self);
		case 'Z':
			return read_zone_name(self);
		case 's':
			return read_epoch(self);
		case 'F':
			return read_format(self, "%Y-%m-%d", format);
		case 'D':
			return read_format(self, "%m/%d/%y", format);
		case 'T':
			return read_format(self, "%H:%M:%S", format);
		case 'R':
			return read_format(self, "%H:%M", format);
		case '%':
			return *self->at++ == '%';
		default:
			velo_base_time_refuse_format(format, at, letter == '\0' ? 1 : 2);
			return false;
	}
}

/* %f may say how many digits there are and have its point before it: both change nothing. */
static const char *
skip_modifiers(Reader *self, const char *at, bool *is_done)
{
	const char *next = at;
	bool with_point = *next == '.';

	*is_done = false;
	if (with_point)
		next++;
	if (*next == '3' || *next == '6' || *next == '9')
		next++;
	if (*next != 'f')
		return *at == ':' && at[1] == 'z' ? at + 1 : *at == '-' ? at + 1 : at;
	/* %.f: nothing at all is a fraction too. */
	if (with_point && *self->at == '.')
		self->at++;
	else if (with_point)
		*is_done = true;
	return next;
}

static bool
read_format(Reader *self, const char *format, const char *shown)
{
	for (const char *at = format; *at != '\0'; at++)
	{
		bool is_done;

		if (isspace((unsigned char) *at))
		{
			while (isspace((unsigned char) *self->at))
				self->at++;
			continue;
		}
		if (*at != '%')
		{
			if (*self->at != *at)
				return false;
			self->at++;
			continue;
		}
		at = skip_modifiers(self, at + 1, &is_done);
		if (!is_done && !read_conversion(self, *at, shown, at - 1))
			return false;
	}
	return true;
}

static void
refuse_time(const Reader *self)
{
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg("date/time field value out of range: \"%s\"", self->text)));
}

static TimestampTz
to_timestamp(const Reader *self)
{
	int64 seconds;
	int64 micros;

	if (self->has_epoch)
		seconds = self->epoch;
	else
	{
		int hour = self->afternoon < 0 ? self->hour : self->hour % 12 + 12 * self->afternoon;
		int date;

		if (self->year < -4713 || self->year > 294276 ||
			self->day > day_tab[isleap(self->year)][self->month - 1] ||
			self->year_day > 365 + isleap(self->year))
			refuse_time(self);
		date = self->year_day > 0 ? date2j(self->year, 1, 1) + self->year_day - 1
								  : date2j(self->year, self->month, self->day);
		seconds = (int64) (date - UNIX_EPOCH_JDATE) * SECS_PER_DAY + hour * SECS_PER_HOUR +
				  self->minute * SECS_PER_MINUTE + self->second;
	}
	seconds -= self->zone;
	if (pg_sub_s64_overflow(seconds, VELO_EPOCH_SECONDS, &seconds) ||
		pg_mul_s64_overflow(seconds, USECS_PER_SEC, &micros) ||
		pg_add_s64_overflow(micros, self->micros, &micros) || !IS_VALID_TIMESTAMP(micros))
		refuse_time(self);
	return micros;
}

TimestampTz
velo_base_time_read(const char *text, const char *format)
{
	Reader self = {.text = text, .at = text, .year = 1970, .month = 1, .day = 1, .afternoon = -1};
	const char *conversions = strchr(format, '%') ? format : from_java(format);

	while (isspace((unsigned char) *self.at))
		self.at++;
	if (!read_format(&self, conversions, format))
		refuse_text(&self, format);
	while (isspace((unsigned char) *self.at))
		self.at++;
	if (*self.at != '\0')
		refuse_text(&self, format);
	return to_timestamp(&self);
}
