/*
 * duration.c
 *	  Durations, in all the spellings the dialect has for them.
 *
 * One grammar reads them all: a sequence of "number unit", an optional clock part
 * (01:30:00), or ISO 8601 (PT5M).  Units may be written as PostgreSQL's interval
 * input has them, and "m" is a minute.  Arithmetic is exact: integers and decimal
 * fractions, never floating point.
 */
#include "lift/duration.h"

#include <limits.h>
#include <string.h>

#define SECOND_MICROS 1000000LL

typedef struct Unit
{
	const char *name; /* lower case; a plural "s" is accepted if longer than two */
	long long nanos;
	int months;
} Unit;

static const Unit units[] = {
	{"ns", 1, 0},
	{"nanosecond", 1, 0},
	{"us", 1000, 0},
	{"\xC2\xB5s", 1000, 0},
	{"\xCE\xBCs", 1000, 0},
	{"usec", 1000, 0},
	{"microsecond", 1000, 0},
	{"ms", 1000000, 0},
	{"msec", 1000000, 0},
	{"millisecond", 1000000, 0},
	{"s", 1000000000LL, 0},
	{"sec", 1000000000LL, 0},
	{"second", 1000000000LL, 0},
	{"m", 60 * 1000000000LL, 0},
	{"min", 60 * 1000000000LL, 0},
	{"minute", 60 * 1000000000LL, 0},
	{"h", 3600 * 1000000000LL, 0},
	{"hr", 3600 * 1000000000LL, 0},
	{"hour", 3600 * 1000000000LL, 0},
	{"d", 86400 * 1000000000LL, 0},
	{"day", 86400 * 1000000000LL, 0},
	{"w", 7 * 86400 * 1000000000LL, 0},
	{"week", 7 * 86400 * 1000000000LL, 0},
	{"mon", 0, 1},
	{"month", 0, 1},
	{"y", 0, 12},
	{"yr", 0, 12},
	{"year", 0, 12},
};

/* A number, possibly with decimals: whole + fraction / scale. */
typedef struct Number
{
	long long whole;
	long long fraction;
	long long scale;
} Number;

/* What has been read; nanoseconds are kept apart so that days do not overflow. */
typedef struct Sum
{
	long long micros;
	long long nanos; /* less than a microsecond's worth per part */
	long long months;
	bool too_large;
	bool has_months; /* "0 months" is one of months too */
} Sum;

typedef struct Cursor
{
	const char *text;
	size_t length;
	size_t at;
} Cursor;

static unsigned char
peek(const Cursor *cursor)
{
	return cursor->at < cursor->length ? (unsigned char) cursor->text[cursor->at] : 0;
}

static void
skip_spaces(Cursor *cursor)
{
	while (lift_is_space(peek(cursor)))
		cursor->at++;
}

static bool
read_number(Cursor *cursor, Number *number, bool *too_large)
{
	bool any = false;

	*number = (Number) {0, 0, 1};
	for (; lift_is_digit(peek(cursor)); cursor->at++, any = true)
	{
		if (__builtin_mul_overflow(number->whole, 10LL, &number->whole) ||
			__builtin_add_overflow(number->whole, (long long) (peek(cursor) - '0'), &number->whole))
			*too_large = true;
	}
	if (peek(cursor) == '.')
	{
		cursor->at++;
		for (; lift_is_digit(peek(cursor)); cursor->at++, any = true)
		{
			/* Nine decimals are all that can matter beside nanoseconds … days. */
			if (number->scale < 1000000000LL)
			{
				number->scale *= 10;
				number->fraction = number->fraction * 10 + (peek(cursor) - '0');
			}
		}
	}
	return any;
}

static void
add_micros(Sum *sum, long long micros)
{
	if (__builtin_add_overflow(sum->micros, micros, &sum->micros))
		sum->too_large = true;
}

static void
add_nanos(Sum *sum, const Number *number, long long unit_nanos)
{
	long long micros;

	if (unit_nanos >= 1000)
	{
		if (__builtin_mul_overflow(number->whole, unit_nanos / 1000, &micros))
			sum->too_large = true;
		else
			add_micros(sum, micros);

		/* fraction * unit / scale, in two steps that both stay below 2^63 */
		if (number->fraction > 0)
		{
			long long nanos = number->fraction * (unit_nanos / number->scale) +
							  number->fraction * (unit_nanos % number->scale) / number->scale;

			add_micros(sum, nanos / 1000);
			sum->nanos += nanos % 1000;
		}
	}
	else
	{
		add_micros(sum, number->whole / 1000);
		sum->nanos += number->whole % 1000;
	}
}

static void
add_months(Sum *sum, const Number *number, int months)
{
	long long total;

	sum->has_months = true;
	if (number->fraction != 0 ||
		__builtin_mul_overflow(number->whole, (long long) months, &total) ||
		__builtin_add_overflow(sum->months, total, &sum->months))
		sum->too_large = true;
}

static const Unit *
find_unit(const char *text, size_t length)
{
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++)
	{
		size_t unit_length = strlen(units[u].name);
		size_t same = 0;

		if (length != unit_length && !(unit_length > 1 && length == unit_length + 1 &&
									   lift_lower((unsigned char) text[unit_length]) == 's' &&
									   units[u].name[unit_length - 1] != 's'))
			continue;
		while (same < unit_length &&
			   lift_lower((unsigned char) text[same]) == (unsigned char) units[u].name[same])
			same++;
		if (same == unit_length)
			return &units[u];
	}
	return NULL;
}

static const Unit *
read_unit(Cursor *cursor)
{
	size_t from = cursor->at;

	while (lift_is_name_start(peek(cursor)))
		cursor->at++;
	return find_unit(cursor->text + from, cursor->at - from);
}

/* The minutes and seconds of 1:30 or 1:30:05.5, its hours being read. */
static bool
read_clock(Cursor *cursor, const Number *hours, Sum *sum)
{
	static const long long nanos[] = {60 * 1000000000LL, 1000000000LL};
	Number part;

	if (hours->scale != 1)
		return false;
	add_nanos(sum, hours, 3600 * 1000000000LL);
	for (int i = 0; i < 2 && peek(cursor) == ':'; i++)
	{
		cursor->at++;
		if (!read_number(cursor, &part, &sum->too_large) || part.whole > 59 ||
			(i == 0 && part.scale != 1))
			return false;
		add_nanos(sum, &part, nanos[i]);
	}
	return true;
}

/* P1DT2H: date parts, then behind T the time's; M means month or minute. */
static bool
read_iso(Cursor *cursor, Sum *sum)
{
	bool in_time = false;
	bool any = false;

	cursor->at++;
	while (cursor->at < cursor->length)
	{
		static const char letters[] = "hmsdw";
		static const long long seconds[] = {3600, 60, 1, 86400, 7 * 86400};
		Number number;
		unsigned char letter;
		const char *found;

		if (!in_time && lift_lower(peek(cursor)) == 't')
		{
			in_time = true;
			cursor->at++;
			continue;
		}
		if (!read_number(cursor, &number, &sum->too_large))
			return false;
		letter = lift_lower(peek(cursor));
		cursor->at++;
		found = letter == 0 ? NULL : strchr(letters, letter);
		if (!in_time && (letter == 'y' || letter == 'm'))
			add_months(sum, &number, letter == 'y' ? 12 : 1);
		else if (found != NULL && in_time == (found - letters < 3))
			add_nanos(sum, &number, seconds[found - letters] * 1000000000LL);
		else
			return false;
		any = true;
	}
	return any;
}

static bool
read_parts(Cursor *cursor, long long default_unit_micros, Sum *sum)
{
	bool any = false;

	while (cursor->at < cursor->length)
	{
		Number number;
		const Unit *unit;

		if (!read_number(cursor, &number, &sum->too_large))
			return false;
		if (peek(cursor) == ':')
		{
			if (!read_clock(cursor, &number, sum))
				return false;
			skip_spaces(cursor);
			return cursor->at == cursor->length;
		}
		skip_spaces(cursor);
		if (cursor->at == cursor->length && !any && default_unit_micros > 0)
		{
			Sum unused = {0};

			/* Units are kept in nanoseconds; a default longer than 292 years is not. */
			if (__builtin_mul_overflow(default_unit_micros, 1000LL, &unused.nanos))
				return false;
			add_nanos(sum, &number, unused.nanos);
			return true;
		}
		unit = read_unit(cursor);
		if (unit == NULL)
			return false;
		if (unit->months != 0)
			add_months(sum, &number, unit->months);
		else
			add_nanos(sum, &number, unit->nanos);
		any = true;
		skip_spaces(cursor);
	}
	return any;
}

bool
velo_lift_duration(const char *text, size_t length, long long default_unit_micros,
				   long long *micros, int *months)
{
	Cursor cursor = {text, length, 0};
	Sum sum = {0};
	bool is_negative = false;
	bool is_duration;

	skip_spaces(&cursor);
	if (peek(&cursor) == '-' || peek(&cursor) == '+')
	{
		is_negative = peek(&cursor) == '-';
		cursor.at++;
		skip_spaces(&cursor);
	}
	while (cursor.length > cursor.at && lift_is_space((unsigned char) text[cursor.length - 1]))
		cursor.length--;

	is_duration = lift_lower(peek(&cursor)) == 'p' ? read_iso(&cursor, &sum)
												   : read_parts(&cursor, default_unit_micros, &sum);
	add_micros(&sum, sum.nanos / 1000);

	/* A size is either of fixed length or of the calendar. */
	if (!is_duration || sum.too_large || sum.months > INT_MAX ||
		(sum.has_months && sum.micros != 0))
		return false;
	*micros = is_negative ? -sum.micros : sum.micros;
	*months = (int) (is_negative ? -sum.months : sum.months);
	return true;
}

bool
velo_lift_is_unit(const LiftReader *reader, int at)
{
	/* Abbreviations are not units here: INTERVAL '5' min is a column called min. */
	static const char *const names[] = {"nanosecond",	"nanoseconds", "microsecond",
										"microseconds", "millisecond", "milliseconds",
										"second",		"seconds",	   "minute",
										"minutes",		"hour",		   "hours",
										"day",			"days",		   "week",
										"weeks",		"month",	   "months",
										"year",			"years",	   NULL};

	return velo_lift_word_of(reader, at, names) >= 0;
}

/* Reads "value unit" when the unit is a token of its own. */
static bool
read_with_unit(LiftReader *reader, const char *value, int unit, LiftDuration *duration)
{
	const LiftToken *token = lift_token(reader, unit);
	size_t value_length = strlen(value);
	size_t unit_length = (size_t) (token->to - token->from);
	char *joined = velo_lift_alloc(reader, value_length + unit_length + 2);

	memcpy(joined, value, value_length);
	joined[value_length] = ' ';
	memcpy(joined + value_length + 1, reader->text + token->from, unit_length);
	return velo_lift_duration(joined, value_length + 1 + unit_length, 0, &duration->micros,
							  &duration->months);
}

bool
velo_lift_duration_at(LiftReader *reader, int at, bool strings_too, LiftDuration *duration)
{
	bool is_interval = velo_lift_is_word(reader, at, "interval");
	bool is_negative = false;
	const LiftToken *token;

	*duration = (LiftDuration) {0};
	if (is_interval)
		at++;
	if ((velo_lift_is(reader, at, "-") || velo_lift_is(reader, at, "+")) &&
		!lift_is_string(reader, at + 1))
	{
		is_negative = velo_lift_is(reader, at, "-");
		at++;
	}
	token = lift_token(reader, at);
	duration->end = at + 1;

	if (lift_is_string(reader, at) && (strings_too || is_interval))
	{
		const char *value = velo_lift_value(reader, at);

		if (value == NULL)
			return true;
		if (is_interval && velo_lift_is_unit(reader, at + 1))
		{
			duration->valid = read_with_unit(reader, value, at + 1, duration);
			duration->end = at + 2;
		}
		else
			duration->valid = velo_lift_duration(value, strlen(value), SECOND_MICROS,
												 &duration->micros, &duration->months);
	}
	else if (token->kind == LIFT_TOKEN_DURATION && !is_interval)
		duration->valid = velo_lift_duration(reader->text + token->from,
											 (size_t) (token->to - token->from), 0,
											 &duration->micros, &duration->months);
	else if (token->kind == LIFT_TOKEN_NUMBER)
	{
		const char *value = velo_lift_copy(reader, reader->text + token->from,
										   token->to - token->from);

		/* A bare number must be whole: 1.5 is an expression. */
		if (!is_interval && strspn(value, "0123456789") != strlen(value))
			return false;
		if (is_interval && velo_lift_is_unit(reader, at + 1))
		{
			duration->valid = read_with_unit(reader, value, at + 1, duration);
			duration->end = at + 2;
		}
		else if (is_interval)
			return false;
		else
			duration->valid = velo_lift_duration(value, strlen(value), SECOND_MICROS,
												 &duration->micros, &duration->months);
	}
	else
		return false;

	if (is_negative)
	{
		duration->micros = -duration->micros;
		duration->months = -duration->months;
	}
	return true;
}
