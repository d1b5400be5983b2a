/*
 * json_time.c
 *	  Dates and times as RFC 3339 writes them, to and from microseconds.
 *
 * PostgreSQL's own parser accepts hundreds of notations and costs 170 ns; this one
 * accepts the notation that machines write, in a tenth of that.
 */
#include "format/json_time.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* Days from 0000-03-01 to 2000-01-01 of the Gregorian calendar. */
#define DAYS_TO_2000 730425

/* Years are counted from March, so that the leap day is the last one. */
static int32_t
days_from_date(int year, int month, int day)
{
	int y = year - (month <= 2);
	int month_from_march = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * month_from_march + 2) / 5 + day - 1 -
		   DAYS_TO_2000;
}

static void
date_from_days(int32_t days, int *year, int *month, int *day)
{
	uint32_t n = (uint32_t) (days + DAYS_TO_2000); /* from 0000-03-01, not negative */
	uint32_t era = n / 146097;
	uint32_t in_era = n % 146097;
	uint32_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint32_t in_year = in_era - (365 * y + y / 4 - y / 100);
	uint32_t m = (5 * in_year + 2) / 153;

	*day = (int) (in_year - (153 * m + 2) / 5 + 1);
	*month = (int) (m < 10 ? m + 3 : m - 9);
	*year = (int) (y + era * 400) + (*month <= 2);
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

/* Two digits at p, or a negative number. */
static inline int
two_digits(const char *p)
{
	unsigned high = (unsigned char) (p[0] - '0');
	unsigned low = (unsigned char) (p[1] - '0');

	return high <= 9 && low <= 9 ? (int) (high * 10 + low) : -1000;
}

static bool
parse_date(const char *p, int32_t *days)
{
	int year = two_digits(p) * 100 + two_digits(p + 2);
	int month = two_digits(p + 5);
	int day = two_digits(p + 8);

	if (p[4] != '-' || p[7] != '-' || year < 1 || month < 1 || month > 12 || day < 1 ||
		day > days_in_month(year, month))
		return false;
	*days = days_from_date(year, month, day);
	return true;
}

/* Digits behind the point; returns behind them, or NULL. */
static const char *
parse_fraction(const char *p, const char *end, int64_t *us)
{
	const char *start = p;
	int64_t value = 0;
	int64_t rest = 0;
	int64_t half = 0; /* of one unit of value, in units of rest */

	for (; p < end && (unsigned char) (*p - '0') <= 9; p++)
	{
		if (p - start < 6)
			value = value * 10 + (*p - '0');
		else if (p - start < 12)
		{
			rest = rest * 10 + (*p - '0');
			half = half ? half * 10 : 5;
		}
		else
			return NULL;
	}
	if (p == start)
		return NULL;
	for (long n = p - start; n < 6; n++)
		value *= 10;
	if (half && rest == half)
		return NULL;
	*us += value + (rest > half);
	return p;
}

/* Z, +hh:mm, +hhmm, +hh or nothing, up to the end. */
static bool
parse_zone(const char *p, const char *end, VeloJsonTime *time)
{
	int sign;
	int hours;
	int minutes = 0;

	time->has_zone = p < end;
	if (p == end)
		return true;
	if (*p == 'Z' || *p == 'z')
		return end - p == 1;
	if (*p != '+' && *p != '-')
		return false;
	sign = *p++ == '-' ? 1 : -1;
	if (end - p != 2 && end - p != 4 && !(end - p == 5 && p[2] == ':'))
		return false;
	hours = two_digits(p);
	if (end - p > 2)
		minutes = two_digits(end - 2);
	/* PostgreSQL's bound is a little wider and depends on its version. */
	if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return false;
	time->us += sign * (hours * HOUR_US + minutes * MINUTE_US);
	return true;
}

bool
velo_format_time_parse(const char *text, size_t length, VeloJsonTime *time)
{
	const char *p = text;
	const char *end = text + length;
	int32_t days;
	int hour;
	int minute;
	int second = 0;

	if (length < 10 || !parse_date(p, &days))
		return false;
	time->us = days * DAY_US;
	time->has_time = length > 10;
	time->has_zone = false;
	if (!time->has_time)
		return true;
	p += 10;
	if ((*p != 'T' && *p != 't' && *p != ' ') || end - p < 6 || p[3] != ':')
		return false;
	hour = two_digits(p + 1);
	minute = two_digits(p + 4);
	p += 6;
	if (end - p >= 3 && *p == ':')
	{
		second = two_digits(p + 1);
		p += 3;
		if (p < end && *p == '.')
		{
			p = parse_fraction(p + 1, end, &time->us);
			if (p == NULL)
				return false;
		}
	}
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	time->us += hour * HOUR_US + minute * MINUTE_US + second * SECOND_US;
	return parse_zone(p, end, time);
}

static void
put_digits(char *to, int64_t value, int digits)
{
	while (digits-- > 0)
	{
		to[digits] = (char) ('0' + value % 10);
		value /= 10;
	}
}

int
velo_format_date_write(int32_t days, char *to)
{
	int year;
	int month;
	int day;

	/* 0001-01-01 to 9999-12-31 */
	if (days < -730119 || days > 2921939)
		return 0;
	date_from_days(days, &year, &month, &day);
	put_digits(to, year, 4);
	to[4] = '-';
	put_digits(to + 5, month, 2);
	to[7] = '-';
	put_digits(to + 8, day, 2);
	return 10;
}

int
velo_format_time_write(int64_t us, char *to)
{
	int64_t days = us / DAY_US;
	int64_t rest = us % DAY_US;
	int n;

	if (rest < 0)
	{
		rest += DAY_US;
		days--;
	}
	if (days < INT32_MIN || days > INT32_MAX)
		return 0;
	n = velo_format_date_write((int32_t) days, to);
	if (n == 0)
		return 0;
	to[n++] = 'T';
	put_digits(to + n, rest / HOUR_US, 2);
	to[n + 2] = ':';
	put_digits(to + n + 3, rest / MINUTE_US % 60, 2);
	to[n + 5] = ':';
	put_digits(to + n + 6, rest / SECOND_US % 60, 2);
	n += 8;
	rest %= SECOND_US;
	if (rest != 0)
	{
		int digits = rest % 1000 == 0 ? 3 : 6;

		to[n++] = '.';
		put_digits(to + n, digits == 3 ? rest / 1000 : rest, digits);
		n += digits;
	}
	to[n++] = 'Z';
	return n;
}
