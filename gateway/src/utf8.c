/*
 * utf8.c
 *	  Bytes of anybody's as UTF-8, and as strings of JSON.
 *
 * Databases of encoding SQL_ASCII hold anything, and a browser ends the connection at the
 * first wrong byte; what is no character becomes U+FFFD.
 */
#include "gateway/src/memory.h"

#include <stdio.h>
#include <string.h>

/* Length of the well-formed character of UTF-8 at c, 0 when it is none. */
static size_t
character_length(const unsigned char *c, size_t left)
{
	size_t length = *c < 0xC2 ? 0 : *c < 0xE0 ? 2 : *c < 0xF0 ? 3 : *c < 0xF5 ? 4 : 0;

	if (length == 0 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((c[i] & 0xC0) != 0x80)
			return 0;
	/* No longer form than needed, no surrogate, nothing beyond U+10FFFF. */
	if ((*c == 0xE0 && c[1] < 0xA0) || (*c == 0xED && c[1] > 0x9F) || (*c == 0xF0 && c[1] < 0x90) ||
		(*c == 0xF4 && c[1] > 0x8F))
		return 0;
	return length;
}

/* Appends the escape of one byte that cannot stand in a JSON string. */
static void
append_escape(VgText *out, unsigned char c)
{
	char escape[8];

	switch (c)
	{
		case '"':
			vg_text_add_n(out, "\\\"", 2);
			break;
		case '\\':
			vg_text_add_n(out, "\\\\", 2);
			break;
		case '\n':
			vg_text_add_n(out, "\\n", 2);
			break;
		case '\r':
			vg_text_add_n(out, "\\r", 2);
			break;
		case '\t':
			vg_text_add_n(out, "\\t", 2);
			break;
		default:
			snprintf(escape, sizeof(escape), "\\u%04x", c);
			vg_text_add_n(out, escape, 6);
	}
}

void
vg_text_add_utf8(VgText *out, const char *text, size_t length, bool is_string)
{
	const unsigned char *c = (const unsigned char *) text;
	const unsigned char *end = c + length;
	const unsigned char *from = c;

	while (c < end)
	{
		size_t n;

		if (*c < 0x80 && (!is_string || (*c >= 0x20 && *c != '"' && *c != '\\')))
		{
			c++;
			continue;
		}
		n = *c < 0x80 ? 0 : character_length(c, end - c);
		if (n > 0)
		{
			c += n;
			continue;
		}
		vg_text_add_n(out, (const char *) from, c - from);
		if (*c >= 0x80)
			vg_text_add_n(out, "\xEF\xBF\xBD", 3);
		else
			append_escape(out, *c);
		from = ++c;
	}
	vg_text_add_n(out, (const char *) from, c - from);
}

void
vg_text_add_json(VgText *text, const char *string)
{
	vg_text_add_n(text, "\"", 1);
	vg_text_add_utf8(text, string, strlen(string), true);
	vg_text_add_n(text, "\"", 1);
}
