/*
 * live_rows.c
 *	  Rows of PostgreSQL's text protocol as JSON.
 *
 * This is where a live query spends its time in the gateway, so values are written
 * straight from libpq's buffer: no tree of JSON, no copy, no conversion from text to a
 * number and back.  PostgreSQL's texts of integers, finite floats and numerics are
 * JSON's numbers as they stand.
 *
 * A number that JavaScript would round becomes a string, so that a page never shows a
 * value that is not in the database.
 */
#include "gateway/src/live_rows.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Object ids of built-in types; they never change. */
enum
{
	TYPE_BOOL = 16,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_JSON = 114,
	TYPE_FLOAT4 = 700,
	TYPE_FLOAT8 = 701,
	TYPE_NUMERIC = 1700,
	TYPE_JSONB = 3802
};

#define SAFE_INTEGER "9007199254740991" /* 2^53 - 1 */
#define SAFE_DIGITS 15

VgEncoding
vg_live_encoding(Oid type)
{
	switch (type)
	{
		case TYPE_BOOL:
			return VG_ENCODE_BOOLEAN;
		case TYPE_INT2:
		case TYPE_INT4:
			return VG_ENCODE_SMALL_INTEGER;
		case TYPE_INT8:
			return VG_ENCODE_INTEGER;
		case TYPE_FLOAT4:
		case TYPE_FLOAT8:
			return VG_ENCODE_FLOAT;
		case TYPE_NUMERIC:
			return VG_ENCODE_NUMERIC;
		case TYPE_JSON:
		case TYPE_JSONB:
			return VG_ENCODE_JSON;
		default:
			return VG_ENCODE_STRING;
	}
}

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

/*
 * Appends bytes as they are, as far as they are UTF-8: databases of encoding SQL_ASCII
 * hold anything, and a browser ends the connection at the first wrong byte.  In a string
 * what JSON wants escaped is.
 */
static void
append_text(VgText *out, const char *text, size_t length, bool is_string)
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
vg_live_append_string(VgText *out, const char *text, size_t length)
{
	vg_text_add_n(out, "\"", 1);
	append_text(out, text, length, true);
	vg_text_add_n(out, "\"", 1);
}

static bool
is_safe_integer(const char *text, size_t length)
{
	if (*text == '-')
	{
		text++;
		length--;
	}
	return length < strlen(SAFE_INTEGER) ||
		   (length == strlen(SAFE_INTEGER) && memcmp(text, SAFE_INTEGER, length) <= 0);
}

/* Neither NaN nor Infinity, nor digits that a double would lose. */
static bool
is_safe_numeric(const char *text, size_t length)
{
	int digits = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (isdigit((unsigned char) text[i]))
			digits += digits > 0 || text[i] != '0';
		else if (text[i] != '.' && text[i] != '-')
			return false;
	}
	return digits <= SAFE_DIGITS;
}

static bool
is_finite(const char *text, size_t length)
{
	return isdigit((unsigned char) text[length - 1]);
}

static void
append_value(VgText *out, const char *text, size_t length, VgEncoding encoding)
{
	bool is_bare = false;

	switch (encoding)
	{
		case VG_ENCODE_STRING:
			break;
		case VG_ENCODE_BOOLEAN:
			vg_text_add(out, *text == 't' ? "true" : "false");
			return;
		case VG_ENCODE_SMALL_INTEGER:
			is_bare = true;
			break;
		case VG_ENCODE_INTEGER:
			is_bare = is_safe_integer(text, length);
			break;
		case VG_ENCODE_FLOAT:
			is_bare = is_finite(text, length);
			break;
		case VG_ENCODE_NUMERIC:
			is_bare = is_safe_numeric(text, length);
			break;
		case VG_ENCODE_JSON:
			append_text(out, text, length, false);
			return;
	}
	if (is_bare)
		vg_text_add_n(out, text, length);
	else
		vg_live_append_string(out, text, length);
}

void
vg_live_append_row(VgText *out, const PGresult *result, int row, const VgEncoding *encodings)
{
	int columns = PQnfields(result);

	vg_text_add_n(out, "[", 1);
	for (int i = 0; i < columns; i++)
	{
		if (i > 0)
			vg_text_add_n(out, ",", 1);
		if (PQgetisnull(result, row, i))
			vg_text_add_n(out, "null", 4);
		else
			append_value(out, PQgetvalue(result, row, i), PQgetlength(result, row, i),
						 encodings[i]);
	}
	vg_text_add_n(out, "]", 1);
}
