/*
 * lines.c
 *	  Sends rows to the client as lines of text, by the messages of COPY … TO STDOUT.
 *
 * libpq gives a result set to its caller when it is complete, and psql shows it
 * then, so nobody would ever see a row of an endless query in psql.  Copied data is
 * the one thing it prints as it comes.  The lines look like psql's own table; a
 * column grows with the widest value so far, since nobody knows what is to come.
 *
 * As in client.c nothing is sent inside a transaction, unless a batch is larger
 * than WAITING_BYTES_MAX.
 */
#include "postgres.h"

#include "sink/lines.h"

#include <catalog/pg_type.h>
#include <lib/stringinfo.h>
#include <libpq/libpq.h>
#include <libpq/pqformat.h>
#include <mb/pg_wchar.h>
#include <parser/parse_coerce.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>

#define WAITING_BYTES_MAX (4 * 1024 * 1024)
/* A wider value stands out of its column and does not widen it. */
#define WIDTH_MAX 50

typedef struct Column
{
	FmgrInfo output;
	int width; /* in characters */
	bool is_number;
} Column;

typedef struct LinesSink
{
	VeloSink base;
	MemoryContext row;
	Column *columns; /* NULL: not started */
	StringInfoData waiting;
	bool has_begun; /* the client knows that lines follow */
} LinesSink;

static const VeloSinkOps lines_sink;

/* --- making lines --------------------------------------------------------- */

static void
push_blanks(StringInfo line, int n)
{
	if (n > 0)
		appendStringInfoSpaces(line, n);
}

/* A value must not look like several lines. */
static char *
one_line(char *text)
{
	StringInfoData shown;

	if (strpbrk(text, "\n\r") == NULL)
		return text;
	initStringInfo(&shown);
	for (const char *c = text; *c; c++)
	{
		if (*c == '\n')
			appendStringInfoString(&shown, "\\n");
		else if (*c == '\r')
			appendStringInfoString(&shown, "\\r");
		else
			appendStringInfoChar(&shown, *c);
	}
	return shown.data;
}

static void
push_value(LinesSink *sink, StringInfo line, int i, char *text)
{
	Column *column = &sink->columns[i];
	bool is_last = i == sink->base.spec->desc->natts - 1;
	int width = pg_mbstrlen(text);

	column->width = Max(column->width, Min(width, WIDTH_MAX));
	appendStringInfoString(line, i > 0 ? " | " : " ");
	if (column->is_number)
		push_blanks(line, column->width - width);
	appendStringInfoString(line, text);
	if (!column->is_number && !is_last)
		push_blanks(line, column->width - width);
}

/* Lines wait in the client's encoding. */
static void
push_line(LinesSink *sink, StringInfo line)
{
	char *text = pg_server_to_client(line->data, line->len);

	appendBinaryStringInfo(&sink->waiting, text, strlen(text));
	appendStringInfoChar(&sink->waiting, '\n');
}

/* What most values of a type need, so that the first rows already stand in line. */
static int
usual_width(Oid type)
{
	switch (type)
	{
		case TIMESTAMPTZOID:
			return strlen("2026-01-01 00:00:00.123456+00");
		case TIMESTAMPOID:
			return strlen("2026-01-01 00:00:00.123456");
		case BOOLOID:
			return 1;
		default:
			return 8;
	}
}

static void
push_header(LinesSink *sink)
{
	TupleDesc desc = sink->base.spec->desc;
	StringInfoData line;

	initStringInfo(&line);
	for (int i = 0; i < desc->natts; i++)
		push_value(sink, &line, i, NameStr(TupleDescAttr(desc, i)->attname));
	push_line(sink, &line);
	resetStringInfo(&line);
	for (int i = 0; i < desc->natts; i++)
	{
		if (i > 0)
			appendStringInfoChar(&line, '+');
		for (int n = sink->columns[i].width + 2; n > 0; n--)
			appendStringInfoChar(&line, '-');
	}
	push_line(sink, &line);
}

static void
start(LinesSink *sink)
{
	TupleDesc desc = sink->base.spec->desc;
	MemoryContext kept = GetMemoryChunkContext(sink);

	if (sink->columns)
		return;
	sink->columns = MemoryContextAllocZero(kept, sizeof(Column) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Column *column = &sink->columns[i];
		Oid type = TupleDescAttr(desc, i)->atttypid;
		Oid output;
		bool is_varlena;

		getTypeOutputInfo(type, &output, &is_varlena);
		fmgr_info_cxt(output, &column->output, kept);
		column->width = usual_width(type);
		column->is_number = TypeCategory(type) == TYPCATEGORY_NUMERIC;
	}
	push_header(sink);
}

static void
push_row(LinesSink *sink, const VeloChunk *chunk, int row)
{
	const Datum *values = velo_row_values(chunk, row);
	const bool *nulls = velo_row_nulls(chunk, row);
	StringInfoData line;

	initStringInfo(&line);
	for (int i = 0; i < sink->base.spec->desc->natts; i++)
	{
		char *text = "";

		if (!nulls[i])
			text = one_line(OutputFunctionCall(&sink->columns[i].output, values[i]));
		push_value(sink, &line, i, text);
	}
	push_line(sink, &line);
}

/* --- sending -------------------------------------------------------------- */

/* COPY's opening: text, and that many columns of text. */
static void
send_begin(LinesSink *sink)
{
	int natts = sink->base.spec->desc->natts;
	StringInfoData message;

	if (sink->has_begun)
		return;
	pq_beginmessage(&message, 'H');
	pq_sendbyte(&message, 0);
	pq_sendint16(&message, natts);
	for (int i = 0; i < natts; i++)
		pq_sendint16(&message, 0);
	pq_endmessage(&message);
	sink->has_begun = true;
}

static void
send_waiting(LinesSink *sink)
{
	const char *at = sink->waiting.data;
	const char *end = at + sink->waiting.len;

	if (at == end)
		return;
	send_begin(sink);
	while (at < end)
	{
		const char *next = (const char *) memchr(at, '\n', end - at) + 1;

		(void) pq_putmessage('d', at, next - at);
		at = next;
	}
	(void) pq_flush();
	resetStringInfo(&sink->waiting);
}

/* --- interface ------------------------------------------------------------ */

static void
write_rows(VeloSink *base, VeloChunk *chunk)
{
	LinesSink *sink = (LinesSink *) base;
	int before = sink->waiting.len;
	MemoryContext old = MemoryContextSwitchTo(sink->row);

	PG_TRY();
	{
		start(sink);
		for (int row = 0; row < chunk->nrows; row++)
		{
			push_row(sink, chunk, row);
			MemoryContextReset(sink->row);
		}
	}
	PG_CATCH();
	{
		/* As if this call had never been. */
		sink->waiting.len = before;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	if (sink->waiting.len > WAITING_BYTES_MAX)
		send_waiting(sink);
}

static void
flush_rows(VeloSink *base)
{
}

static void
send_rows(VeloSink *base)
{
	send_waiting((LinesSink *) base);
}

static void
close_sink(VeloSink *base)
{
	LinesSink *sink = (LinesSink *) base;

	send_waiting(sink);
	send_begin(sink);
	pq_putemptymessage('c');
}

void
velo_sink_lines_describe(VeloSink *base)
{
	LinesSink *sink = (LinesSink *) base;
	MemoryContext old = MemoryContextSwitchTo(sink->row);

	start(sink);
	MemoryContextSwitchTo(old);
	send_waiting(sink);
}

VeloSink *
velo_sink_lines_create(const VeloSinkSpec *spec)
{
	LinesSink *sink = palloc0(sizeof(LinesSink));

	sink->base.ops = &lines_sink;
	sink->base.spec = spec;
	sink->row = AllocSetContextCreate(CurrentMemoryContext, "velo line", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&sink->waiting);
	return &sink->base;
}

static const VeloSinkOps lines_sink = {
	.type = "lines",
	.open = velo_sink_lines_create,
	.write = write_rows,
	.flush = flush_rows,
	.committed = send_rows,
	.close = close_sink,
};

VELO_SINK(lines_sink);
