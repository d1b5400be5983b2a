/*
 * writer_csv.c
 *	  CSV by RFC 4180, with NULL and the empty text told apart as COPY does it: nothing
 *	  and "".  Lines end as the system's do.
 */
#include "writer.h"

#include <string.h>

static void
field(const char *text, bool is_first)
{
	if (!is_first)
		fputc(',', stdout);
	if (*text && strpbrk(text, ",\"\r\n") == NULL && *text != ' ' && text[strlen(text) - 1] != ' ')
	{
		fputs(text, stdout);
		return;
	}
	fputc('"', stdout);
	for (; *text; text++)
	{
		if (*text == '"')
			fputc('"', stdout);
		fputc(*text, stdout);
	}
	fputc('"', stdout);
}

static void
begin(CmdWriter *writer, const PGresult *result)
{
	/* an empty line parts one result from the next */
	if (writer->sets > 1)
		fputc('\n', stdout);
	for (int i = 0; i < PQnfields(result); i++)
		field(PQfname(result, i), i == 0);
	fputc('\n', stdout);
}

static void
write_row(CmdWriter *writer, const PGresult *result, int row)
{
	for (int i = 0; i < PQnfields(result); i++)
	{
		if (!PQgetisnull(result, row, i))
			field(PQgetvalue(result, row, i), i == 0);
		else if (i > 0)
			fputc(',', stdout);
	}
	fputc('\n', stdout);
}

static void
end(CmdWriter *writer)
{
}

const CmdFormat cmd_format_csv = {
	.size = sizeof(CmdWriter),
	.holds_nothing = true,
	.begin = begin,
	.row = write_row,
	.end = end,
};
