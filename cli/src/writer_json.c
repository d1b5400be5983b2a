/*
 * writer_json.c
 *	  JSON, an object a line.
 *
 * Not an array: rows of a stream have no end, and whoever wants an array has "jq -s".
 * Values as the gateway sends them: numbers where a program that reads all numbers as
 * doubles gets the same one, JSON as it is, everything else as PostgreSQL's text.
 */
#include "writer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* PostgreSQL's type numbers, which are fixed. */
enum
{
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_OID = 26,
	OID_JSON = 114,
	OID_FLOAT4 = 700,
	OID_FLOAT8 = 701,
	OID_NUMERIC = 1700,
	OID_JSONB = 3802
};

#define NUMERIC_DIGITS_MAX 15
#define INTEGER_MAX ((1LL << 53) - 1)

static void
write_text(const char *text)
{
	putc_unlocked('"', stdout);
	for (; *text; text++)
	{
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(stdout, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", stdout);
		else if (c == '\t')
			fputs("\\t", stdout);
		else if (c < ' ' || c == 0x7F)
			fprintf(stdout, "\\u%04x", c);
		else
			putc_unlocked(c, stdout);
	}
	putc_unlocked('"', stdout);
}

static bool
is_exact(Oid type, const char *text)
{
	int digits = 0;

	switch (type)
	{
		case OID_INT2:
		case OID_INT4:
		case OID_OID:
			return true;
		case OID_INT8:
			return atoll(text) <= INTEGER_MAX && atoll(text) >= -INTEGER_MAX;
		case OID_FLOAT4:
		case OID_FLOAT8:
			/* not NaN, not Infinity */
			return strpbrk(text, "NI") == NULL;
		case OID_NUMERIC:
			for (const char *c = text; *c; c++)
				digits += isdigit((unsigned char) *c) != 0;
			return strpbrk(text, "NI") == NULL && digits <= NUMERIC_DIGITS_MAX;
		default:
			return false;
	}
}

static void
write_value(Oid type, const char *text)
{
	if (type == OID_BOOL)
		fputs(*text == 't' ? "true" : "false", stdout);
	else if (type == OID_JSON || type == OID_JSONB)
		/* a line break in JSON is between values, never in a text */
		for (; *text; text++)
			fputc(*text == '\n' || *text == '\r' ? ' ' : *text, stdout);
	else if (is_exact(type, text))
		fputs(text, stdout);
	else
		write_text(text);
}

/* A name that was there before gets a number: a parser would keep only the last. */
static void
write_name(const PGresult *result, int column)
{
	const char *name = PQfname(result, column);
	int same = 0;
	char numbered[200];

	for (int i = 0; i < column; i++)
		same += strcmp(PQfname(result, i), name) == 0;
	snprintf(numbered, sizeof(numbered), same ? "%s_%d" : "%s", name, same + 1);
	write_text(numbered);
}

static void
begin(CmdWriter *writer, const PGresult *result)
{
}

static void
write_row(CmdWriter *writer, const PGresult *result, int row)
{
	fputc('{', stdout);
	for (int i = 0; i < PQnfields(result); i++)
	{
		if (i > 0)
			fputc(',', stdout);
		write_name(result, i);
		fputc(':', stdout);
		if (PQgetisnull(result, row, i))
			fputs("null", stdout);
		else
			write_value(PQftype(result, i), PQgetvalue(result, row, i));
	}
	fputs("}\n", stdout);
}

static void
end(CmdWriter *writer)
{
}

const CmdFormat cmd_format_json = {
	.size = sizeof(CmdWriter),
	.holds_nothing = true,
	.begin = begin,
	.row = write_row,
	.end = end,
};
