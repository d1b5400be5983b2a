/*
 * variables.c
 *	  ${NAME} in property values and annotations.
 *
 * What comes out is a value and is never read as SQL, so no quoting is needed and
 * none is done.  ${secret:name} is left alone: it is resolved where the secret is
 * used, and must not turn up in anything that is stored or shown.
 */
#include "lift/properties.h"

#include <string.h>

typedef struct Output
{
	LiftReader *reader;
	char *bytes;
	size_t length;
	size_t capacity;
} Output;

static void
put(Output *out, const char *bytes, size_t length)
{
	if (out->length + length + 1 > out->capacity)
	{
		size_t capacity = (out->length + length + 1) * 2;
		char *bigger = velo_lift_alloc(out->reader, capacity);

		if (out->length > 0)
			memcpy(bigger, out->bytes, out->length);
		out->bytes = bigger;
		out->capacity = capacity;
	}
	memcpy(out->bytes + out->length, bytes, length);
	out->length += length;
	out->bytes[out->length] = '\0';
}

static const char *
lookup(LiftReader *reader, const char *name, size_t length)
{
	if (reader->lookup == NULL)
		return NULL;
	return reader->lookup(reader->lookup_context, velo_lift_copy(reader, name, (int) length));
}

static size_t
name_length(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length &&
		   (lift_is_name_start((unsigned char) text[at]) ||
			(at > 0 && (lift_is_digit((unsigned char) text[at]) || text[at] == '.'))))
		at++;
	return at;
}

/*
 * Puts the value of what stands between the braces.  Returns false after an
 * error.
 */
static bool
put_variable(Output *out, const char *inside, size_t length, LiftSpan span, bool is_annotation)
{
	LiftReader *reader = out->reader;
	size_t at = 0;

	for (;;)
	{
		size_t name = name_length(inside + at, length - at);
		const char *value;

		if (name == 0)
			break;
		value = lookup(reader, inside + at, name);
		if (value != NULL)
		{
			put(out, value, strlen(value));
			return true;
		}
		at += name;
		if (at == length)
		{
			lift_error(reader, "22023", span, "variable \"%s\" is not set",
					   velo_lift_copy(reader, inside, (int) length))
				->hint = is_annotation ? "Set it, or write a default: ${NAME:default}."
									   : "Set it, or write a default: ${NAME:-default}.";
			return false;
		}
		if (!is_annotation || inside[at] != '|')
		{
			/* The text behind the colon, and in properties behind its - or ?. */
			if (inside[at] != ':')
				break;
			at++;
			if (is_annotation)
			{
				put(out, inside + at, length - at);
				return true;
			}
			if (at < length && inside[at] == '-')
			{
				put(out, inside + at + 1, length - at - 1);
				return true;
			}
			if (at < length && inside[at] == '?')
			{
				lift_error(reader, "22023", span, "variable \"%s\" is not set: %s",
						   velo_lift_copy(reader, inside, (int) at - 1),
						   velo_lift_copy(reader, inside + at + 1, (int) (length - at - 1)));
				return false;
			}
			break;
		}
		at++;
	}

	lift_error(reader, "22023", span, "invalid variable reference \"${%s}\"",
			   velo_lift_copy(reader, inside, (int) length))
		->hint = is_annotation ? "Write ${NAME}, ${NAME:default} or ${A|B:default}."
							   : "Write ${NAME}, ${NAME:-default} or ${NAME:?message}.";
	return false;
}

const char *
velo_lift_substitute(LiftReader *reader, const char *value, LiftSpan span, bool is_annotation)
{
	Output out = {.reader = reader};
	const char *rest = value;
	const char *open;

	while ((open = strstr(rest, "${")) != NULL)
	{
		const char *close = strchr(open, '}');

		if (close == NULL)
			break;
		put(&out, rest, (size_t) (open - rest));
		if (strncmp(open, "${secret:", 9) == 0)
			put(&out, open, (size_t) (close - open) + 1);
		else if (!put_variable(&out, open + 2, (size_t) (close - open) - 2, span, is_annotation))
			return NULL;
		rest = close + 1;
	}
	if (rest == value)
		return value;
	put(&out, rest, strlen(rest));
	return out.bytes;
}
