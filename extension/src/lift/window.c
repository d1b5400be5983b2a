/*
 * window.c
 *	  Window specifications.
 *
 * Arguments are classed by their shape alone (a duration, or an expression), so
 * their order is mostly free: TUMBLING(5m, t) is TUMBLING(t, 5m).  What comes out
 * has one order whatever was written: the time expression if there is one, then
 * size and advance, or gap and key.  The functional forms in GROUP BY are other
 * spellings of the same, with HOP taking its advance first.
 */
#include "lift/window.h"

#include "lift/duration.h"
#include "lift/edits.h"

#include <string.h>

static const char *const kinds[] = {"tumbling", "sliding", "hopping", "session", NULL};

enum
{
	ARGUMENTS_MAX = 3
};

/* One kind's shape: how many durations it takes, and what may follow them. */
typedef struct Shape
{
	const char *name;
	LiftWindowKind kind;
	int ndurations;
	bool takes_key; /* an expression behind the last duration */
	const char *forms;
} Shape;

static const Shape shapes[] = {
	{"TUMBLING", LIFT_WINDOW_TUMBLING, 1, false,
	 "Write TUMBLING(size), TUMBLING(time, size) or TUMBLING(size, time); a size is written like "
	 "5m."},
	{"SLIDING", LIFT_WINDOW_SLIDING, 2, false,
	 "Write SLIDING(size, advance) or SLIDING(time, size, advance); a size is written like 5m."},
	{"HOPPING", LIFT_WINDOW_SLIDING, 2, false,
	 "Write HOPPING(size, advance) or HOPPING(time, size, advance); a size is written like 5m."},
	{"SESSION", LIFT_WINDOW_SESSION, 1, true,
	 "Write SESSION(gap), SESSION(time, gap) or SESSION(time, gap, key); a gap is written like "
	 "30s."},
};

/* The forms in GROUP BY. */
static const char *const group_kinds[] = {"tumble", "hop", "session", NULL};
static const Shape group_shapes[] = {
	{"TUMBLE", LIFT_WINDOW_TUMBLING, 1, false,
	 "Write TUMBLE(time, size); a size is written like INTERVAL '5 minutes' or 5m."},
	{"HOP", LIFT_WINDOW_SLIDING, 2, false,
	 "Write HOP(time, advance, size), the advance first; a size is written like 5m."},
	{"SESSION", LIFT_WINDOW_SESSION, 1, false,
	 "Write SESSION(time, gap); a gap is written like 30s."},
};

bool
velo_lift_is_window(const LiftReader *reader, int at)
{
	if (!velo_lift_is_word(reader, at, "window"))
		return false;
	/* WINDOW w AS (…) is PostgreSQL's, also if w is called tumbling. */
	if (velo_lift_is_word(reader, at + 2, "as"))
		return false;
	return lift_is_any_word(reader, at + 1);
}

bool
velo_lift_is_group_window(const LiftReader *reader, int at)
{
	return velo_lift_word_of(reader, at, group_kinds) >= 0 && velo_lift_is(reader, at + 1, "(") &&
		   lift_token(reader, at + 1)->match > at;
}

/* The end of the argument at "at": its comma or the closing parenthesis. */
static int
argument_end(const LiftReader *reader, int at, int close)
{
	while (at < close && !velo_lift_is(reader, at, ","))
		at = lift_after(reader, at);
	return at;
}

static LiftWindowArg *
read_argument(LiftReader *reader, int first, int end)
{
	LiftWindowArg *argument = velo_lift_alloc(reader, sizeof(LiftWindowArg));
	LiftDuration duration;

	argument->span = lift_span(reader, first, end - 1);
	if (velo_lift_duration_at(reader, first, true, &duration) && duration.end == end)
	{
		if (!duration.valid)
		{
			lift_error(reader, "22023", argument->span, "invalid duration %s",
					   velo_lift_span_text(reader, argument->span))
				->hint = "A duration is written like 5m, '1 minute' or INTERVAL '5' MINUTE; months "
						 "and years cannot be mixed with smaller units.";
			return NULL;
		}
		argument->is_duration = true;
		argument->micros = duration.micros;
		argument->months = duration.months;
	}
	else
		argument->expr = velo_lift_text(reader, first, end);
	return argument;
}

/* OFFSET d or OFFSET 'zone', the argument being [first, end). */
static bool
read_offset(LiftReader *reader, LiftWindow *window, int first, int end, int close)
{
	LiftDuration duration;

	if (end < close || first + 1 >= end)
	{
		velo_lift_syntax_error(reader, end)
			->hint = "OFFSET is the last argument of a window, written like OFFSET 6h.";
		return false;
	}
	window->offset_span = lift_span(reader, first + 1, end - 1);
	if (lift_is_string(reader, first + 1) && first + 2 == end)
	{
		const char *value = velo_lift_value(reader, first + 1);
		long long micros;
		int months;

		if (value == NULL)
			return false;
		/* '6 hours' is a duration, 'Europe/Berlin' and '+02:00' are zones. */
		if (strchr(value, ':') != NULL ||
			!velo_lift_duration(value, strlen(value), 1000000, &micros, &months))
		{
			window->offset_zone = value;
			return true;
		}
	}
	if (!velo_lift_duration_at(reader, first + 1, true, &duration) || duration.end != end)
	{
		velo_lift_syntax_error(reader, first + 1)
			->hint = "Write OFFSET and a duration, such as OFFSET 6h.";
		return false;
	}
	window->offset = read_argument(reader, first + 1, end);
	if (window->offset == NULL)
		return false;
	if (window->offset->months != 0)
	{
		lift_error(reader, "0A000", window->offset->span,
				   "OFFSET in months or years is not supported");
		return false;
	}
	return true;
}

/* Splits the parentheses at "open" into arguments; false after an error. */
static bool
read_arguments(LiftReader *reader, int open, const Shape *shape, bool takes_offset,
			   LiftWindow *window, LiftWindowArg **arguments)
{
	int close = lift_token(reader, open)->match;
	int at = open + 1;

	while (at < close)
	{
		int end = argument_end(reader, at, close);

		if (at == end || end + 1 == close)
		{
			/* Two commas, or one before the parenthesis. */
			velo_lift_syntax_error(reader, at == end ? at : close)->hint = shape->forms;
			return false;
		}
		if (takes_offset && velo_lift_is_word(reader, at, "offset"))
		{
			if (!read_offset(reader, window, at, end, close))
				return false;
		}
		else if (window->nargs == ARGUMENTS_MAX)
		{
			lift_error(reader, "42601", lift_span(reader, at, end - 1),
					   "too many arguments for WINDOW %s", shape->name)
				->hint = shape->forms;
			return false;
		}
		else
		{
			LiftWindowArg *argument = read_argument(reader, at, end);

			if (argument == NULL)
				return false;
			arguments[window->nargs++] = argument;
		}
		at = end + 1;
	}
	return true;
}

/*
 * Puts the arguments into their order: time, durations, key.  Returns false if
 * they do not have the shape.
 */
static bool
order_arguments(const Shape *shape, LiftWindowArg **arguments, int count)
{
	int ndurations = 0;
	int nexpressions;

	for (int i = 0; i < count; i++)
		ndurations += arguments[i]->is_duration ? 1 : 0;
	nexpressions = count - ndurations;
	if (ndurations != shape->ndurations || nexpressions > (shape->takes_key ? 2 : 1))
		return false;

	if (nexpressions == 1 && !arguments[count - 1]->is_duration)
	{
		/* (size, time), (size, advance, time): the time to the front. */
		LiftWindowArg *time = arguments[count - 1];

		memmove(arguments + 1, arguments, sizeof(arguments[0]) * (size_t) (count - 1));
		arguments[0] = time;
		return true;
	}
	if (nexpressions == 2)
		return arguments[1]->is_duration;
	return nexpressions == 0 || !arguments[0]->is_duration;
}

static bool
check_sizes(LiftReader *reader, const Shape *shape, LiftWindowArg **arguments, int count)
{
	LiftWindowArg *size = NULL;
	bool good = true;

	for (int i = 0; i < count; i++)
	{
		LiftWindowArg *argument = arguments[i];
		const char *what = shape->kind == LIFT_WINDOW_SESSION ? "gap"
						   : size == NULL					  ? "size"
															  : "advance";

		if (!argument->is_duration)
			continue;
		if (argument->months == 0 ? argument->micros <= 0 : argument->months < 0)
		{
			lift_error(reader, "22023", argument->span, "%s of a window must be greater than zero",
					   what);
			good = false;
		}
		else if (argument->months != 0 && shape->kind != LIFT_WINDOW_TUMBLING)
		{
			lift_error(reader, "0A000", argument->span,
					   "%s of WINDOW %s in months or years is not supported", what, shape->name)
				->hint = "Only TUMBLING windows have sizes in months and years.";
			good = false;
		}
		else if (size != NULL && size->months == 0 && argument->micros > size->micros)
		{
			lift_error(reader, "22023", argument->span,
					   "advance of a window must not be greater than its size");
			good = false;
		}
		size = argument;
	}
	return good;
}

static LiftWindow *
read_window(LiftReader *reader, int first, int open, const Shape *shape, bool in_group)
{
	LiftWindow *window = velo_lift_alloc(reader, sizeof(LiftWindow));
	LiftWindowArg *arguments[ARGUMENTS_MAX];
	int close = lift_token(reader, open)->match;

	window->kind = shape->kind;
	window->span = lift_span(reader, first, close);
	if (!read_arguments(reader, open, shape, !in_group, window, arguments))
		return NULL;

	if (!order_arguments(shape, arguments, window->nargs) ||
		(in_group && window->nargs != shape->ndurations + 1))
	{
		lift_error(reader, "42601", window->span, "wrong arguments for %s%s",
				   in_group ? "" : "WINDOW ", shape->name)
			->hint = shape->forms;
		return NULL;
	}
	if (in_group && shape->ndurations == 2)
	{
		LiftWindowArg *advance = arguments[1];

		arguments[1] = arguments[2];
		arguments[2] = advance;
	}
	if (!check_sizes(reader, shape, arguments, window->nargs))
		return NULL;

	for (int i = window->nargs - 1; i >= 0; i--)
	{
		arguments[i]->next = window->args;
		window->args = arguments[i];
	}
	return window;
}

LiftWindow *
velo_lift_window(LiftReader *reader, int *at)
{
	int first = *at;
	int kind = velo_lift_word_of(reader, first + 1, kinds);

	if (kind < 0)
	{
		if (velo_lift_is(reader, first + 2, "("))
			lift_error(reader, "42601", lift_span(reader, first + 1, first + 1),
					   "unknown window kind \"%s\"", velo_lift_token_text(reader, first + 1))
				->hint = "Use TUMBLING, SLIDING, HOPPING or SESSION.";
		else
			velo_lift_syntax_error(reader, first + 2)
				->hint = "Write WINDOW TUMBLING(size) for a time window, or WINDOW name AS (...).";
		return NULL;
	}
	if (!velo_lift_is(reader, first + 2, "("))
	{
		velo_lift_syntax_error(reader, first + 2)->hint = shapes[kind].forms;
		return NULL;
	}
	*at = lift_token(reader, first + 2)->match + 1;
	return read_window(reader, first, first + 2, &shapes[kind], false);
}

LiftWindow *
velo_lift_group_window(LiftReader *reader, int at)
{
	return read_window(reader, at, at + 1,
					   &group_shapes[velo_lift_word_of(reader, at, group_kinds)], true);
}
