/*
 * values.c
 *	  The contents of string literals and quoted names.
 *
 * Escapes are decoded as PostgreSQL does for a UTF-8 database.  Elsewhere \u
 * escapes above ASCII would need the server's conversion functions; there the
 * bytes come out as UTF-8, and only in property values and names.
 */
#include "lift/reader.h"

#include <string.h>

typedef struct Output
{
	char *bytes;
	int length;
} Output;

static int
hex_value(unsigned char c)
{
	c = lift_lower(c);
	if (lift_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads exactly "digits" hexadecimal digits, or returns -1. */
static long
hex_read(const LiftReader *reader, int at, int to, int digits)
{
	long value = 0;

	if (at + digits > to)
		return -1;
	for (int i = 0; i < digits; i++)
	{
		int digit = hex_value((unsigned char) reader->text[at + i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static void
put(Output *out, long byte)
{
	out->bytes[out->length++] = (char) byte;
}

/* No escape is shorter than the UTF-8 bytes it stands for. */
static void
put_character(Output *out, long code)
{
	if (code < 0x80)
		put(out, code);
	else if (code < 0x800)
	{
		put(out, 0xC0 | (code >> 6));
		put(out, 0x80 | (code & 0x3F));
	}
	else if (code < 0x10000)
	{
		put(out, 0xE0 | (code >> 12));
		put(out, 0x80 | ((code >> 6) & 0x3F));
		put(out, 0x80 | (code & 0x3F));
	}
	else
	{
		put(out, 0xF0 | (code >> 18));
		put(out, 0x80 | ((code >> 12) & 0x3F));
		put(out, 0x80 | ((code >> 6) & 0x3F));
		put(out, 0x80 | (code & 0x3F));
	}
}

static bool
is_surrogate(long code, long first)
{
	return code >= first && code < first + 0x400;
}

/*
 * Decodes the Unicode escape at "at", which has "skip" bytes before its digits
 * and "digits" of them, and a low surrogate behind it.  Returns where to go on,
 * or -1.
 */
static int
unicode_escape(const LiftReader *reader, int at, int to, int skip, int digits, Output *out)
{
	long code = hex_read(reader, at + skip, to, digits);

	at += skip + digits;
	if (is_surrogate(code, 0xD800) && at + skip <= to &&
		memcmp(reader->text + at, reader->text + at - skip - digits, (size_t) skip) == 0)
	{
		long low = hex_read(reader, at + skip, to, digits);

		if (!is_surrogate(low, 0xDC00))
			return -1;
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
		at += skip + digits;
	}
	if (code <= 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
		return -1;
	put_character(out, code);
	return at;
}

/* \n, \x41, \101, A and the like; "at" is the backslash.  -1: invalid. */
static int
backslash_escape(const LiftReader *reader, int at, int to, Output *out)
{
	static const char letters[] = "bfnrtv";
	static const char meanings[] = "\b\f\n\r\t\v";
	unsigned char c = at + 1 < to ? (unsigned char) reader->text[at + 1] : 0;
	const char *letter;
	int value = 0;
	int digits = 0;

	if (c == 0)
		return -1;
	if (c == 'u' || c == 'U')
		return unicode_escape(reader, at, to, 2, c == 'u' ? 4 : 8, out);
	if (c >= '0' && c <= '7')
	{
		at++;
		while (digits < 3 && at < to && reader->text[at] >= '0' && reader->text[at] <= '7')
		{
			value = value * 8 + (reader->text[at++] - '0');
			digits++;
		}
		put(out, value & 0xFF);
		return (value & 0xFF) == 0 ? -1 : at;
	}
	if (c == 'x' && at + 2 < to && hex_value((unsigned char) reader->text[at + 2]) >= 0)
	{
		at += 2;
		while (digits < 2 && at < to && hex_value((unsigned char) reader->text[at]) >= 0)
		{
			value = value * 16 + hex_value((unsigned char) reader->text[at++]);
			digits++;
		}
		put(out, value);
		return value == 0 ? -1 : at;
	}
	letter = strchr(letters, c);
	put(out, letter == NULL ? c : meanings[letter - letters]);
	return at + 2;
}

/* The escapes of U&'…': \0041, \+000041 and \\. */
static int
standard_escape(const LiftReader *reader, int at, int to, Output *out)
{
	unsigned char c = at + 1 < to ? (unsigned char) reader->text[at + 1] : 0;

	if (c == '\\')
	{
		put(out, '\\');
		return at + 2;
	}
	return c == '+' ? unicode_escape(reader, at, to, 2, 6, out)
					: unicode_escape(reader, at, to, 1, 4, out);
}

static const char *
dollar_value(LiftReader *reader, const LiftToken *token)
{
	const char *text = reader->text + token->from;
	const char *second = memchr(text + 1, '$', (size_t) (token->to - token->from - 1));
	int tag_length = (int) (second - text) + 1;

	return velo_lift_copy(reader, second + 1, token->to - token->from - 2 * tag_length);
}

const char *
velo_lift_value(LiftReader *reader, int number)
{
	const LiftToken *token = lift_token(reader, number);
	LiftTokenKind kind = token->kind;
	bool is_name = kind == LIFT_TOKEN_QUOTED || kind == LIFT_TOKEN_UQUOTED;
	bool is_unicode = kind == LIFT_TOKEN_USTRING || kind == LIFT_TOKEN_UQUOTED;
	char quote = is_name ? '"' : '\'';
	Output out = {0};
	int at = token->from;

	if (kind == LIFT_TOKEN_DOLLAR)
		return dollar_value(reader, token);
	if (!is_name && !lift_is_string(reader, number))
		return NULL;

	out.bytes = velo_lift_alloc(reader, (size_t) (token->to - token->from) + 1);
	at += is_unicode ? 3 : kind == LIFT_TOKEN_ESTRING ? 2 : 1;
	while (at < token->to)
	{
		char c = reader->text[at];

		if (c == quote)
		{
			if (at + 1 < token->to && reader->text[at + 1] == quote)
			{
				put(&out, c);
				at += 2;
				continue;
			}
			/* The end, or a continuation in a later line. */
			at = velo_lift_string_continue(reader->text, token->to, at + 1);
			if (at < 0)
				break;
		}
		else if (c == '\\' && (is_unicode || kind == LIFT_TOKEN_ESTRING))
		{
			int from = at;

			at = is_unicode ? standard_escape(reader, at, token->to, &out)
							: backslash_escape(reader, at, token->to, &out);
			if (at < 0)
			{
				lift_error(reader, "22025", ((LiftSpan) {from, from + 1}),
						   is_unicode ? "invalid Unicode escape" : "invalid escape sequence");
				return NULL;
			}
		}
		else
		{
			put(&out, c);
			at++;
		}
	}
	return out.bytes;
}
