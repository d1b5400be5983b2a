/*
 * expressions.c
 *	  The dialect's spellings inside expressions.
 *
 * There is no expression parser here, only a walk over tokens that looks for a
 * few shapes PostgreSQL's grammar refuses or reads differently:
 *
 *	  INTERVAL 5 DAYS				its grammar wants a string, and reads
 *	  INTERVAL '5' DAYS				this as 5 seconds called "days"
 *	  TIMESTAMP(x), POSITION(a, b)	names its grammar has taken for syntax of
 *	  EXTRACT('part', t), ARRAY(a)	its own; in schema velo they are functions
 *	  x::STRING, CAST(x AS DOUBLE)	types under other names
 *
 * A function's name is prefixed with its schema, which is enough: behind a dot
 * PostgreSQL takes any word for a name.
 */
#include "lift/expressions.h"

#include "lift/duration.h"
#include "lift/edits.h"

#include <string.h>

/* How many commas stand directly in the parentheses at "open"? */
static int
count_commas(const LiftReader *reader, int open)
{
	int close = lift_token(reader, open)->match;
	int commas = 0;

	for (int at = open + 1; at < close; at = lift_after(reader, at))
		commas += velo_lift_is(reader, at, ",") ? 1 : 0;
	return commas;
}

/* Does one of the words stand directly in the parentheses at "open"? */
static bool
holds_word(const LiftReader *reader, int open, const char *const *words)
{
	int close = lift_token(reader, open)->match;

	for (int at = open + 1; at < close; at = lift_after(reader, at))
	{
		if (velo_lift_word_of(reader, at, words) >= 0)
			return true;
	}
	return false;
}

/* Two arguments and none of the words that make it PostgreSQL's own syntax? */
static bool
is_plain_pair(const LiftReader *reader, int open)
{
	static const char *const syntax[] = {"from",	"passing", "returning", "on",
										 "wrapper", "format",  "quotes",	NULL};

	return count_commas(reader, open) == 1 && !holds_word(reader, open, syntax);
}

/*
 * Can an expression begin at "at", rather than a type name?  A type follows :: or
 * AS, or the name it belongs to (a column's, an alias's).
 */
static bool
is_expression_start(const LiftReader *reader, int at)
{
	/* Words that may stand before an expression, unlike a column's name. */
	static const char *const leaders[] = {"select",	 "where",	 "and",	   "or",		"not",
										  "when",	 "then",	 "else",   "case",		"by",
										  "on",		 "having",	 "in",	   "like",		"ilike",
										  "between", "distinct", "all",	   "any",		"some",
										  "limit",	 "offset",	 "values", "default",	"returning",
										  "from",	 "set",		 "using",  "symmetric", "lateral",
										  "is",		 "to",		 "array",  "escape",	"except",
										  NULL};
	LiftTokenKind before = lift_kind(reader, at - 1);

	if (velo_lift_is(reader, at - 1, "::") || velo_lift_is(reader, at - 1, "."))
		return false;
	if (before == LIFT_TOKEN_WORD)
		return velo_lift_word_of(reader, at - 1, leaders) >= 0;
	return before != LIFT_TOKEN_QUOTED && before != LIFT_TOKEN_UQUOTED;
}

static bool
is_array_query(const LiftReader *reader, int open)
{
	static const char *const starts[] = {"select", "with", "values", "table", NULL};

	while (velo_lift_is(reader, open + 1, "("))
		open++;
	return velo_lift_word_of(reader, open + 1, starts) >= 0;
}

/* timestamp(3) without time zone, timestamp(3) '2026-01-01': a type after all */
static bool
is_timestamp_type(const LiftReader *reader, int open)
{
	int close = lift_token(reader, open)->match;

	return lift_is_string(reader, close + 1) ||
		   ((velo_lift_is_word(reader, close + 1, "with") ||
			 velo_lift_is_word(reader, close + 1, "without")) &&
			velo_lift_is_word(reader, close + 2, "time"));
}

static bool
is_over_call(const LiftReader *reader, int open)
{
	static const char *const options[] = {"respect", "ignore", NULL};
	int at = lift_token(reader, open)->match + 1;

	if (velo_lift_word_of(reader, at, options) >= 0 && velo_lift_is_word(reader, at + 1, "nulls"))
		at += 2;
	if (velo_lift_is_word(reader, at, "filter") && velo_lift_is(reader, at + 1, "("))
		at = lift_after(reader, at + 1);
	return velo_lift_is_word(reader, at, "over");
}

/* What a function call is replaced with, or NULL. */
static const char *
function_for(const LiftReader *reader, int at)
{
	int open = at + 1;

	if (velo_lift_is_word(reader, at, "timestamp"))
		return is_timestamp_type(reader, open) ? NULL : "velo.timestamp";
	if (velo_lift_is_word(reader, at, "position"))
		return count_commas(reader, open) > 0 ? "velo.position" : NULL;
	if (velo_lift_is_word(reader, at, "extract"))
		return is_plain_pair(reader, open) ? "velo.extract" : NULL;
	if (velo_lift_is_word(reader, at, "array"))
		return is_array_query(reader, open) ? NULL : "velo.array";
	if (velo_lift_is_word(reader, at, "json_value"))
		return is_plain_pair(reader, open) ? "velo.json_value" : NULL;
	if (velo_lift_is_word(reader, at, "json_query"))
		return is_plain_pair(reader, open) ? "velo.json_query" : NULL;
	if (velo_lift_is_word(reader, at, "json_exists"))
		return is_plain_pair(reader, open) ? "velo.json_exists" : NULL;
	if (velo_lift_is_word(reader, at, "first_value"))
		return is_over_call(reader, open) ? NULL : "velo.first";
	if (velo_lift_is_word(reader, at, "last_value"))
		return is_over_call(reader, open) ? NULL : "velo.last";
	return NULL;
}

static bool
is_number_text(const char *text)
{
	size_t length = strlen(text);

	if (*text == '-' || *text == '+')
		text++, length--;
	return length > 0 && strspn(text, "0123456789.") == length && text[length - 1] != '.';
}

/* INTERVAL 'value unit', for a value and a unit that are tokens [at, end). */
static const char *
interval_text(LiftReader *reader, const char *value, int unit)
{
	const LiftToken *token = lift_token(reader, unit);
	size_t value_length = strlen(value);
	size_t unit_length = (size_t) (token->to - token->from);
	char *text = velo_lift_alloc(reader, value_length + unit_length + 14);
	char *end = text;

	memcpy(end, "INTERVAL '", 10);
	end += 10;
	memcpy(end, value, value_length);
	end += value_length;
	*end++ = ' ';
	memcpy(end, reader->text + token->from, unit_length);
	end += unit_length;
	*end = '\'';
	return text;
}

/* Units for which INTERVAL '5' UNIT is PostgreSQL's own. */
static bool
is_field(const LiftReader *reader, int at)
{
	static const char *const fields[] = {"year", "month", "day", "hour", "minute", "second", NULL};

	return velo_lift_word_of(reader, at, fields) >= 0;
}

static bool
lift_interval(LiftReader *reader, int at, int end)
{
	int number = at + 1;
	const char *value = NULL;

	if (velo_lift_is(reader, at - 1, ".") || !velo_lift_is_word(reader, at, "interval"))
		return false;
	if (velo_lift_is(reader, number, "-") && lift_kind(reader, number + 1) == LIFT_TOKEN_NUMBER)
		number++;
	if (number + 1 >= end || !velo_lift_is_unit(reader, number + 1))
		return false;
	if (lift_kind(reader, number) == LIFT_TOKEN_NUMBER)
	{
		LiftSpan span = lift_span(reader, number, number);
		char *copy = velo_lift_alloc(reader, (size_t) (span.to - span.from) + 2);

		copy[0] = '-';
		memcpy(copy + (number - at - 1), reader->text + span.from, (size_t) (span.to - span.from));
		value = copy;
	}
	else if (lift_kind(reader, number) == LIFT_TOKEN_STRING && !is_field(reader, number + 1))
		value = velo_lift_value(reader, number);
	if (value == NULL || !is_number_text(value))
		return false;
	velo_lift_replace(reader, at, number + 2, interval_text(reader, value, number + 1));
	return true;
}

/*
 * A bare duration as an argument of TUMBLE_START and its like, where a duration
 * is expected, is an interval.
 */
static bool
lift_duration(LiftReader *reader, int at)
{
	static const char *const functions[] = {"tumble_start",	 "tumble_end",	"hop_start", "hop_end",
											"session_start", "session_end", NULL};
	const LiftToken *token = lift_token(reader, at);
	LiftDuration duration;
	char *text;
	int length = 0;
	long long rest;

	if (token->kind != LIFT_TOKEN_DURATION ||
		velo_lift_word_of(reader, token->parent - 1, functions) < 0 ||
		!velo_lift_duration_at(reader, at, false, &duration) || !duration.valid)
		return false;

	/* INTERVAL 'n microseconds': exact for every unit. */
	text = velo_lift_alloc(reader, 64);
	for (rest = duration.micros; rest > 0; rest /= 10)
		length++;
	length = length == 0 ? 1 : length;
	memcpy(text, "INTERVAL '", 10);
	rest = duration.micros;
	for (int i = length - 1; i >= 0; i--, rest /= 10)
		text[10 + i] = (char) ('0' + rest % 10);
	memcpy(text + 10 + length, " microseconds'", 15);
	velo_lift_replace(reader, at, at + 1, text);
	return true;
}

/* The AS of CAST(x AS type)? */
static bool
is_cast_as(const LiftReader *reader, int at)
{
	return velo_lift_is_word(reader, at, "as") &&
		   velo_lift_is_word(reader, lift_token(reader, at)->parent - 1, "cast");
}

bool
velo_lift_expressions(LiftReader *reader, int first, int end)
{
	bool any = false;

	for (int at = first; at < end; at++)
	{
		if (reader->tokens[at].edit_last >= at)
			at = reader->tokens[at].edit_last;
		else if (lift_kind(reader, at) == LIFT_TOKEN_DURATION)
			any |= lift_duration(reader, at);
		else if (velo_lift_is(reader, at, "::") || is_cast_as(reader, at))
		{
			any |= velo_lift_type(reader, at + 1, end);
			/* timestamp(3) is no call here. */
			if (velo_lift_is(reader, at + 2, "("))
				at = lift_token(reader, at + 2)->match;
		}
		else if (!lift_is_any_word(reader, at))
			continue;
		else if (lift_interval(reader, at, end))
			any = true;
		else if (velo_lift_is(reader, at + 1, "(") && lift_token(reader, at + 1)->match > at &&
				 is_expression_start(reader, at))
		{
			const char *function = function_for(reader, at);

			if (function != NULL)
			{
				velo_lift_replace(reader, at, at + 1, function);
				any = true;
			}
		}
	}
	return any;
}
