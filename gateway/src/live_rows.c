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

void
vg_live_append_string(VgText *out, const char *text, size_t length)
{
	vg_text_add_n(out, "\"", 1);
	vg_text_add_utf8(out, text, length, true);
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
			vg_text_add_utf8(out, text, length, false);
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
