/*
 * properties.c
 *	  WITH ( key = value, … ).
 *
 * Keys and values are free text to us; what they mean is decided where they are
 * used.  "…" is a string here, as it is in the configuration languages people
 * come from.  After an error reading goes on behind the next comma, so that all
 * mistakes of a long list are reported at once.
 */
#include "lift/properties.h"

#include <string.h>

static bool
is_quoted(const LiftReader *reader, int at)
{
	LiftTokenKind kind = lift_kind(reader, at);

	return lift_is_string(reader, at) || kind == LIFT_TOKEN_QUOTED || kind == LIFT_TOKEN_UQUOTED;
}

/* name.name.name: the token behind it; "at" itself if there is no name. */
static int
dotted_end(const LiftReader *reader, int at)
{
	if (!lift_is_any_word(reader, at))
		return at;
	at++;
	while (velo_lift_is(reader, at, ".") && lift_is_any_word(reader, at + 1))
		at += 2;
	return at;
}

/* Its text in lower case, without what stands between its tokens. */
static const char *
dotted_text(LiftReader *reader, int first, int end)
{
	LiftSpan span = lift_span(reader, first, end - 1);
	char *text = velo_lift_alloc(reader, (size_t) (span.to - span.from) + 1);
	int length = 0;

	for (int at = first; at < end; at++)
	{
		const LiftToken *token = lift_token(reader, at);

		for (int i = token->from; i < token->to; i++)
			text[length++] = (char) lift_lower((unsigned char) reader->text[i]);
	}
	return text;
}

/* Reads a key at *at and goes behind it; NULL after an error. */
static const char *
read_key(LiftReader *reader, int *at)
{
	int first = *at;
	int end = dotted_end(reader, first);

	if (is_quoted(reader, first))
	{
		*at = first + 1;
		return velo_lift_value(reader, first);
	}
	if (end > first)
	{
		*at = end;
		return dotted_text(reader, first, end);
	}
	velo_lift_syntax_error(reader, first)
		->hint = "A property is written 'key' = 'value', with commas between properties.";
	return NULL;
}

/* A number with its sign as it was written; the token behind it, or "at". */
static int
number_end(const LiftReader *reader, int at)
{
	int number = at;

	if (velo_lift_is(reader, at, "-") || velo_lift_is(reader, at, "+"))
		number++;
	return lift_kind(reader, number) == LIFT_TOKEN_NUMBER ? number + 1 : at;
}

static const char *
read_value(LiftReader *reader, int *at)
{
	int first = *at;
	int end;

	if (is_quoted(reader, first))
	{
		*at = first + 1;
		return velo_lift_value(reader, first);
	}
	if ((end = number_end(reader, first)) > first)
	{
		LiftSpan number = lift_span(reader, end - 1, end - 1);
		bool is_negative = velo_lift_is(reader, first, "-");
		char *text = velo_lift_alloc(reader, (size_t) (number.to - number.from) + 2);

		text[0] = '-';
		memcpy(text + is_negative, reader->text + number.from, (size_t) (number.to - number.from));
		*at = end;
		return text;
	}
	if ((end = dotted_end(reader, first)) > first)
	{
		*at = end;
		return dotted_text(reader, first, end);
	}
	if (lift_kind(reader, first) == LIFT_TOKEN_DURATION)
		velo_lift_syntax_error(reader, first)->hint = "Put a duration in quotes here: '5m'.";
	else if (velo_lift_is(reader, first, "$"))
		velo_lift_syntax_error(reader, first)->hint = "Put a variable in quotes: '${NAME}'.";
	else
		velo_lift_syntax_error(reader, first)->hint = "A value is a string, a word or a number.";
	return NULL;
}

/* Reads one property; returns false after an error. */
static bool
read_property(LiftReader *reader, int *at, LiftProperty *property)
{
	int key = *at;
	int value;

	property->key = read_key(reader, at);
	if (property->key == NULL)
		return false;
	property->key_span = lift_span(reader, key, *at - 1);
	if (!velo_lift_is(reader, *at, "="))
	{
		LiftDiagnostic *error;

		if (velo_lift_is(reader, *at, ",") || velo_lift_is(reader, *at, ")"))
			error = lift_error(reader, "42601", property->key_span, "property \"%s\" has no value",
							   property->key);
		else
			error = velo_lift_syntax_error(reader, *at);
		error->hint = "Write 'key' = 'value'.";
		return false;
	}
	value = ++*at;
	property->value = read_value(reader, at);
	if (property->value == NULL)
		return false;
	property->value_span = lift_span(reader, value, *at - 1);
	property->value = velo_lift_substitute(reader, property->value, property->value_span, false);
	if (property->value == NULL)
		return false;
	if (!velo_lift_is(reader, *at, ",") && !velo_lift_is(reader, *at, ")"))
	{
		velo_lift_syntax_error(reader, *at)
			->hint = is_quoted(reader, *at) || dotted_end(reader, *at) > *at
						 ? "There must be a comma between two properties."
						 : "A value is a string, a word or a number.";
		return false;
	}
	return true;
}

void
velo_lift_properties(LiftReader *reader, int at, const char *source, LiftProperty **properties)
{
	int close = lift_token(reader, at)->match;
	LiftProperty **tail;

	if (close < 0)
		return;
	/* Sources may have lists by the thousand: do not look for the end each time. */
	tail = reader->properties == properties ? reader->properties_tail : properties;
	while (*tail != NULL)
		tail = &(*tail)->next;
	reader->properties = properties;
	reader->properties_tail = tail;
	at++;
	if (at == close)
	{
		velo_lift_syntax_error(reader, close)->hint = "WITH needs at least one property.";
		return;
	}
	for (;;)
	{
		LiftProperty *property = velo_lift_alloc(reader, sizeof(LiftProperty));

		property->source = source;
		if (read_property(reader, &at, property))
		{
			*tail = property;
			tail = &property->next;
			reader->properties_tail = tail;
		}
		else
		{
			while (at < close && !velo_lift_is(reader, at, ","))
				at = lift_after(reader, at);
		}
		if (at >= close)
			return;
		at++; /* the comma */
	}
}

bool
velo_lift_has_dialect_key(LiftReader *reader, int at, bool quoted_too)
{
	int close = lift_token(reader, at)->match;

	at++;
	while (at < close)
	{
		int end = dotted_end(reader, at);

		if (is_quoted(reader, at))
		{
			const LiftToken *token = lift_token(reader, at);
			int from = token->from + 1;
			int length = token->to - token->from - 2;

			/* Without unescaping: nobody writes these keys with escapes. */
			if (quoted_too ||
				(length > 0 && memchr(reader->text + from, '.', (size_t) length) != NULL) ||
				(length == 4 && memcmp(reader->text + from, "type", 4) == 0))
				return true;
		}
		else if (end > at && (velo_lift_is_word(reader, at, "type") ||
							  (end > at + 1 && !velo_lift_is_word(reader, at, "toast"))))
			return true;
		while (at < close && !velo_lift_is(reader, at, ","))
			at = lift_after(reader, at);
		at++;
	}
	return false;
}
