/*
 * tokens.c
 *	  The scanner.
 *
 * PostgreSQL's own scanner cannot be used here: it refuses 5m, drops comments,
 * needs a backend around it and is not installed with the headers since 16.  So
 * its rules (src/backend/parser/scan.l) are written out by hand, and
 * tests/unit/scanner_diff compares the two token by token.
 *
 * Where versions differ we follow the newest: 0x1F and 1_000 are numbers.  An
 * older server still sees the same bytes in the core text and refuses them with
 * its own message.
 *
 * The scanner holds no state between tokens and allocates nothing.  A token it
 * cannot finish is LIFT_TOKEN_BROKEN with the reason in "fault"; whether that is
 * reported, and how, is the reader's business.
 */
#include "lift/tokens.h"

#include <stddef.h>
#include <string.h>

enum
{
	OPERATOR_BYTES_MAX = 64
};

/* The text being read; bytes past its end read as NUL, which no rule accepts. */
typedef struct Scan
{
	const char *text;
	int length;
} Scan;

static inline unsigned char
byte_at(const Scan *scan, int at)
{
	return at >= 0 && at < scan->length ? (unsigned char) scan->text[at] : 0;
}

/* 1: may be in an operator; 2: with it the operator may also end in + or -. */
static const char operator_chars[256] =
	{['+'] = 1, ['-'] = 1, ['*'] = 1, ['/'] = 1, ['<'] = 1, ['>'] = 1,
	 ['='] = 1, ['~'] = 2, ['!'] = 2, ['@'] = 2, ['#'] = 2, ['^'] = 2,
	 ['&'] = 2, ['|'] = 2, ['`'] = 2, ['?'] = 2, ['%'] = 2};

static int
line_end(const Scan *scan, int at)
{
	while (at < scan->length && scan->text[at] != '\n' && scan->text[at] != '\r')
		at++;
	return at;
}

/* "at" is behind the first slash-star; returns -1 if it is never closed. */
static int
block_comment_end(const Scan *scan, int at)
{
	int depth = 1;

	while (at < scan->length)
	{
		if (byte_at(scan, at) == '/' && byte_at(scan, at + 1) == '*')
		{
			depth++;
			at += 2;
		}
		else if (byte_at(scan, at) == '*' && byte_at(scan, at + 1) == '/')
		{
			at += 2;
			if (--depth == 0)
				return at;
		}
		else
			at++;
	}
	return -1;
}

int
velo_lift_string_continue(const char *text, int length, int at)
{
	Scan scan = {text, length};
	bool new_line = false;

	for (;;)
	{
		unsigned char c = byte_at(&scan, at);

		if (at >= length)
			return -1;
		if (c == '\n' || c == '\r')
			new_line = true;
		if (lift_is_space(c))
			at++;
		else if (c == '-' && byte_at(&scan, at + 1) == '-')
		{
			/* The comment must be ended by a line end, not by the text's. */
			at = line_end(&scan, at);
			if (at >= length)
				return -1;
		}
		else
			return new_line && c == '\'' ? at + 1 : -1;
	}
}

/*
 * The end of a quoted thing, "at" being behind its opening quote; -1 if there is
 * none.
 */
static int
quoted_end(const Scan *scan, int at, char quote, bool backslash, bool continues)
{
	while (at < scan->length)
	{
		unsigned char c = byte_at(scan, at);

		if (backslash && c == '\\')
			at += 2;
		else if (c != (unsigned char) quote)
			at++;
		else if (byte_at(scan, at + 1) == (unsigned char) quote && at + 1 < scan->length)
			at += 2;
		else
		{
			int next = continues ? velo_lift_string_continue(scan->text, scan->length, at + 1) : -1;

			if (next < 0)
				return at + 1;
			at = next;
		}
	}
	return -1;
}

/* The same for B'…' and X'…', in which a doubled quote is no quote. */
static int
bits_end(const Scan *scan, int at)
{
	while (at >= 0)
	{
		const char *quote = at < scan->length
								? memchr(scan->text + at, '\'', (size_t) (scan->length - at))
								: NULL;

		if (quote == NULL)
			return -1;
		at = velo_lift_string_continue(scan->text, scan->length, (int) (quote - scan->text) + 1);
		if (at < 0)
			return (int) (quote - scan->text) + 1;
	}
	return -1;
}

/* Sets kind and end of a token whose end may be -1: then it is broken. */
static void
finish_quoted(LiftToken *token, const Scan *scan, LiftTokenKind kind, int end, LiftTokenFault fault)
{
	token->kind = end < 0 ? LIFT_TOKEN_BROKEN : kind;
	token->fault = end < 0 ? fault : LIFT_FAULT_NONE;
	token->to = end < 0 ? scan->length : end;
}

/* A quoted name of only its frame's bytes has no name in it. */
static void
refuse_empty_name(LiftToken *token, int frame_bytes)
{
	if (token->kind != LIFT_TOKEN_BROKEN && token->to - token->from == frame_bytes)
	{
		token->kind = LIFT_TOKEN_BROKEN;
		token->fault = LIFT_FAULT_EMPTY_NAME;
	}
}

static int
name_end(const Scan *scan, int at)
{
	while (at < scan->length && lift_is_name_part(byte_at(scan, at)))
		at++;
	return at;
}

static bool
is_digit_of(unsigned char c, int base)
{
	if (base == 16)
		return lift_is_digit(c) || (lift_lower(c) >= 'a' && lift_lower(c) <= 'f');
	return c >= '0' && c < '0' + base;
}

/* Digits with single underscores between them, as PostgreSQL 16 reads them. */
static int
digits_end(const Scan *scan, int at, int base)
{
	while (is_digit_of(byte_at(scan, at), base) ||
		   (byte_at(scan, at) == '_' && is_digit_of(byte_at(scan, at + 1), base)))
		at++;
	return at;
}

/* Is [from, to) one of the units a duration token may have? */
static bool
is_duration_unit(const Scan *scan, int from, int to)
{
	static const char *const units[] = {"ns", "us", "ms", "s",		   "m",
										"h",  "d",	"w",  "\xC2\xB5s", "\xCE\xBCs"};

	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++)
	{
		int length = (int) strlen(units[u]);
		int same = 0;

		if (length != to - from)
			continue;
		while (same < length &&
			   lift_lower(byte_at(scan, from + same)) == (unsigned char) units[u][same])
			same++;
		if (same == length)
			return true;
	}
	return false;
}

static void
read_number(const Scan *scan, LiftToken *token)
{
	int at = token->from;
	int end;
	int letters; /* where a letter stands that is part of the number, or -1 */
	unsigned char prefix = byte_at(scan, at) == '0' ? lift_lower(byte_at(scan, at + 1)) : 0;
	int base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 10;

	token->kind = LIFT_TOKEN_NUMBER;
	letters = base != 10 ? at + 1 : -1;
	if (base != 10 && (end = digits_end(scan, at + 2, base)) > at + 2)
		at = end;
	else
	{
		/* Plain digits followed by nothing but a unit are a duration. */
		end = at;
		while (lift_is_digit(byte_at(scan, end)))
			end++;
		if (end > at && is_duration_unit(scan, end, name_end(scan, end)))
		{
			token->kind = LIFT_TOKEN_DURATION;
			token->to = name_end(scan, end);
			return;
		}

		at = digits_end(scan, at, 10);
		if (byte_at(scan, at) == '.' && byte_at(scan, at + 1) != '.')
		{
			at++;
			if (lift_is_digit(byte_at(scan, at)))
				at = digits_end(scan, at, 10);
		}
		else if (byte_at(scan, at) == '.')
		{
			token->to = at; /* 1..2 is 1, dot-dot, 2 */
			return;
		}
		letters = -1;
		if (lift_lower(byte_at(scan, at)) == 'e')
		{
			end = at + 1;
			letters = at;
			if (byte_at(scan, end) == '+' || byte_at(scan, end) == '-')
				end++;
			if (lift_is_digit(byte_at(scan, end)))
				at = digits_end(scan, end, 10);
			else
			{
				/* 1e+ is refused as a whole, sign and all. */
				token->kind = LIFT_TOKEN_BROKEN;
				token->fault = LIFT_FAULT_NUMBER;
				token->to = name_end(scan, end);
				return;
			}
		}
	}
	token->to = at;

	/*
	 * A name must not follow; and the number's own letter must not start one that
	 * is longer than the number: 1e5$ is refused as 1 followed by e5$.
	 */
	if (lift_is_name_start(byte_at(scan, at)) || (letters >= 0 && name_end(scan, letters) > at))
	{
		token->kind = LIFT_TOKEN_BROKEN;
		token->fault = LIFT_FAULT_NUMBER;
		token->to = name_end(scan, at);
	}
}

static void
read_dollar(const Scan *scan, LiftToken *token)
{
	int at = token->from + 1;
	int tag_length;

	if (lift_is_digit(byte_at(scan, at)))
	{
		while (lift_is_digit(byte_at(scan, at)))
			at++;
		token->kind = LIFT_TOKEN_PARAMETER;
		token->to = at;
		if (lift_is_name_start(byte_at(scan, at)))
		{
			token->kind = LIFT_TOKEN_BROKEN;
			token->fault = LIFT_FAULT_PARAMETER;
			token->to = name_end(scan, at);
		}
		return;
	}

	while (at < scan->length && lift_is_name_part(byte_at(scan, at)) && byte_at(scan, at) != '$')
		at++;
	if (byte_at(scan, at) != '$')
		return; /* a dollar sign of its own */

	/*
	 * Each candidate costs at most the tag's length, and a failed one is left
	 * behind, but a tag that shares long beginnings with the body could still
	 * make this quadratic; so candidates are found at dollar signs only, of which
	 * a tag has none inside.
	 */
	tag_length = at + 1 - token->from;
	at++;
	while (at < scan->length)
	{
		const char *dollar = memchr(scan->text + at, '$', (size_t) (scan->length - at));

		if (dollar == NULL)
			break;
		at = (int) (dollar - scan->text);
		if (at + tag_length <= scan->length &&
			memcmp(dollar, scan->text + token->from, (size_t) tag_length) == 0)
		{
			token->kind = LIFT_TOKEN_DOLLAR;
			token->to = at + tag_length;
			return;
		}
		at++;
	}
	finish_quoted(token, scan, LIFT_TOKEN_DOLLAR, -1, LIFT_FAULT_DOLLAR);
}

/*
 * An operator ends where a comment starts in it, and gives up trailing signs
 * unless it has a character that no SQL operator has: 1*-2 is 1 * -2.
 *
 * PostgreSQL takes no operator longer than 63 bytes.  Looking no farther keeps a
 * long row of signs, each of which is a token, from costing
 * the square of its length.
 */
static void
read_operator(const Scan *scan, LiftToken *token)
{
	int from = token->from;
	int to = from;
	bool keeps_sign = false;

	while (operator_chars[byte_at(scan, to)] != 0 && to - from < OPERATOR_BYTES_MAX)
	{
		unsigned char c = byte_at(scan, to);
		unsigned char next = byte_at(scan, to + 1);

		if (to > from && ((c == '/' && next == '*') || (c == '-' && next == '-')))
			break;
		keeps_sign = keeps_sign || operator_chars[c] == 2;
		to++;
	}
	while (!keeps_sign && to - from > 1 &&
		   (byte_at(scan, to - 1) == '+' || byte_at(scan, to - 1) == '-'))
		to--;
	token->kind = LIFT_TOKEN_OPERATOR;
	token->to = to;
}

/* A letter that starts a literal (E'…', B'…', X'…', U&'…', U&"…"). */
static bool
read_prefixed(const Scan *scan, LiftToken *token)
{
	int from = token->from;
	unsigned char prefix = lift_lower(byte_at(scan, from));
	unsigned char next = byte_at(scan, from + 1);

	if (prefix == 'e' && next == '\'')
		finish_quoted(token, scan, LIFT_TOKEN_ESTRING, quoted_end(scan, from + 2, '\'', true, true),
					  LIFT_FAULT_STRING);
	else if ((prefix == 'b' || prefix == 'x') && next == '\'')
		finish_quoted(token, scan, LIFT_TOKEN_BITS, bits_end(scan, from + 2),
					  prefix == 'b' ? LIFT_FAULT_BIT_STRING : LIFT_FAULT_HEX_STRING);
	else if (prefix == 'u' && next == '&' && byte_at(scan, from + 2) == '\'')
		finish_quoted(token, scan, LIFT_TOKEN_USTRING,
					  quoted_end(scan, from + 3, '\'', false, true), LIFT_FAULT_STRING);
	else if (prefix == 'u' && next == '&' && byte_at(scan, from + 2) == '"')
	{
		finish_quoted(token, scan, LIFT_TOKEN_UQUOTED,
					  quoted_end(scan, from + 3, '"', false, false), LIFT_FAULT_QUOTED);
		refuse_empty_name(token, 4);
	}
	else
		return false;
	return true;
}

/*
 * Skips blanks and block comments.  Returns false, with "token" broken, if a
 * comment is not closed.
 */
static bool
skip_blanks(const Scan *scan, LiftToken *token)
{
	int at = token->from;

	for (;;)
	{
		if (at < scan->length && lift_is_space(byte_at(scan, at)))
			at++;
		else if (byte_at(scan, at) == '/' && byte_at(scan, at + 1) == '*')
		{
			int end = block_comment_end(scan, at + 2);

			if (end < 0)
			{
				token->from = at;
				finish_quoted(token, scan, LIFT_TOKEN_COMMENT, -1, LIFT_FAULT_COMMENT);
				return false;
			}
			at = end;
		}
		else
			break;
	}
	token->from = at;
	return true;
}

void
velo_lift_token_read(const char *text, int length, int at, LiftToken *token)
{
	Scan scan = {text, length};
	unsigned char c;
	unsigned char next;

	*token = (LiftToken) {.kind = LIFT_TOKEN_OTHER,
						  .from = at,
						  .to = at,
						  .match = -1,
						  .parent = -1,
						  .edit_last = -1};
	if (!skip_blanks(&scan, token))
		return;

	c = byte_at(&scan, token->from);
	next = byte_at(&scan, token->from + 1);
	token->to = token->from + 1;
	if (token->from >= length)
	{
		token->kind = LIFT_TOKEN_END;
		token->from = token->to = length;
	}
	else if (c == '-' && next == '-')
	{
		token->kind = LIFT_TOKEN_COMMENT;
		token->to = line_end(&scan, token->from);
	}
	else if (lift_is_name_start(c))
	{
		if (!read_prefixed(&scan, token))
		{
			token->kind = LIFT_TOKEN_WORD;
			token->to = name_end(&scan, token->from);
		}
	}
	else if (lift_is_digit(c) || (c == '.' && lift_is_digit(next)))
		read_number(&scan, token);
	else if (c == '\'')
		finish_quoted(token, &scan, LIFT_TOKEN_STRING,
					  quoted_end(&scan, token->from + 1, '\'', false, true), LIFT_FAULT_STRING);
	else if (c == '"')
	{
		finish_quoted(token, &scan, LIFT_TOKEN_QUOTED,
					  quoted_end(&scan, token->from + 1, '"', false, false), LIFT_FAULT_QUOTED);
		refuse_empty_name(token, 2);
	}
	else if (c == '$')
		read_dollar(&scan, token);
	else if ((c == ':' && (next == ':' || next == '=')) || (c == '.' && next == '.'))
		token->to = token->from + 2;
	else if (operator_chars[c] != 0)
		read_operator(&scan, token);
}
