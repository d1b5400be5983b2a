/*
 * json_unescape.c
 *	  A JSON string's text.
 *
 * Only for strings that have escapes and are wanted; the scan has checked their syntax.
 */
#include "format/json_scan.h"

#include <string.h>

static uint32_t
hex_digit(char c)
{
	return (uint32_t) (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static uint32_t
four_hex_digits(const char *p)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++)
		code = code << 4 | hex_digit(p[i]);
	return code;
}

static char *
put_utf8(char *to, uint32_t code)
{
	if (code < 0x80)
		*to++ = (char) code;
	else if (code < 0x800)
	{
		*to++ = (char) (0xc0 | code >> 6);
		*to++ = (char) (0x80 | (code & 0x3f));
	}
	else if (code < 0x10000)
	{
		*to++ = (char) (0xe0 | code >> 12);
		*to++ = (char) (0x80 | (code >> 6 & 0x3f));
		*to++ = (char) (0x80 | (code & 0x3f));
	}
	else
	{
		*to++ = (char) (0xf0 | code >> 18);
		*to++ = (char) (0x80 | (code >> 12 & 0x3f));
		*to++ = (char) (0x80 | (code >> 6 & 0x3f));
		*to++ = (char) (0x80 | (code & 0x3f));
	}
	return to;
}

/* *p: at \u; steps over it, and over its second half. */
static long
unescape_code(const char **p, const char *end)
{
	uint32_t code = four_hex_digits(*p + 2);
	uint32_t low;

	*p += 6;
	if (code == 0)
		return VELO_JSON_UNESCAPE_NUL;
	if (code < 0xd800 || code > 0xdfff)
		return code;
	if (code > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return VELO_JSON_UNESCAPE_SURROGATE;
	low = four_hex_digits(*p + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return VELO_JSON_UNESCAPE_SURROGATE;
	*p += 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static char
unescape_letter(char c)
{
	switch (c)
	{
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		default:
			return c; /* itself */
	}
}

long
velo_format_json_unescape(const char *from, size_t length, char *to)
{
	const char *p = from;
	const char *end = from + length;
	char *start = to;

	while (p < end)
	{
		const char *backslash = memchr(p, '\\', end - p);
		size_t plain = (backslash ? backslash : end) - p;

		memcpy(to, p, plain);
		to += plain;
		p += plain;
		if (p == end)
			break;
		if (p[1] == 'u')
		{
			long code = unescape_code(&p, end);

			if (code < 0)
				return code;
			to = put_utf8(to, (uint32_t) code);
		}
		else
		{
			*to++ = unescape_letter(p[1]);
			p += 2;
		}
	}
	return to - start;
}
