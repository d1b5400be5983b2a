/*
 * given.c
 *	  Rows that the caller supplies: the source of bounded runs.
 *
 * The rows come as a JSON array of objects, one a row, read by PostgreSQL's own
 * jsonb_populate_record as the stream's columns.  Two more members steer the run:
 *
 *		{"_clock": "2026-01-01 00:00+00"}	sets the virtual clock
 *		{"_commit": true}					ends the batch: what came before is
 *											committed and the watermark moves
 *
 * Both may also stand inside a row; they then act before (_clock) and behind
 * (_commit) it.  A row's append time is "_timestamp" if given, else the clock.
 */
#include "postgres.h"

#include <catalog/pg_type.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>

#include "base/clock.h"
#include "source/source.h"

typedef struct GivenRow
{
	bool has_row;
	bool ends_batch;
	TimestampTz clock;		 /* DT_NOBEGIN: not set */
	TimestampTz append_time; /* DT_NOBEGIN: the clock's */
	Datum *values;
	bool *nulls;
} GivenRow;

typedef struct GivenSource
{
	VeloSource base;
	MemoryContext context;
	GivenRow *rows;
	int nrows;
	int next;
} GivenSource;

static TimestampTz
optional_time(HeapTuple tuple, TupleDesc desc, int column)
{
	bool is_null;
	Datum value = SPI_getbinval(tuple, desc, column, &is_null);

	return is_null ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

static void
read_row(GivenSource *source, GivenRow *row, HeapTuple tuple, TupleDesc desc)
{
	int natts = source->base.spec->user_natts;
	bool is_null;
	MemoryContext old;

	row->has_row = DatumGetBool(SPI_getbinval(tuple, desc, 1, &is_null));
	row->ends_batch = DatumGetBool(SPI_getbinval(tuple, desc, 2, &is_null)) && !is_null;
	row->clock = optional_time(tuple, desc, 3);
	row->append_time = optional_time(tuple, desc, 4);
	old = MemoryContextSwitchTo(source->context);
	row->values = palloc0(sizeof(Datum) * natts);
	row->nulls = palloc0(sizeof(bool) * natts);
	for (int i = 0; i < natts; i++)
	{
		Datum value = SPI_getbinval(tuple, desc, i + 5, &row->nulls[i]);
		Form_pg_attribute att = TupleDescAttr(desc, i + 4);

		if (!row->nulls[i])
			row->values[i] = SPI_datumTransfer(value, att->attbyval, att->attlen);
	}
	MemoryContextSwitchTo(old);
}

static VeloSource *
given_open(const VeloSourceSpec *spec)
{
	GivenSource *source = palloc0(sizeof(GivenSource));
	StringInfoData sql;
	Datum arg;
	Oid type = JSONBOID;

	source->base.ops = velo_source_find("given");
	source->base.spec = spec;
	source->context = CurrentMemoryContext;
	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"SELECT (e - '_clock' - '_commit') <> '{}', (e ->> '_commit')::boolean, "
		"(e ->> '_clock')::timestamptz, (e ->> '_timestamp')::timestamptz, "
		"(pg_catalog.jsonb_populate_record(NULL::%s, e)).* "
		"FROM pg_catalog.jsonb_array_elements($1) WITH ORDINALITY g (e, n) ORDER BY n",
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(spec->relation)),
								   get_rel_name(spec->relation)));
	arg = JsonbPGetDatum(spec->given);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute_with_args(sql.data, 1, &type, &arg, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the given rows");
	source->nrows = SPI_processed;
	source->rows = MemoryContextAllocZero(source->context,
										  sizeof(GivenRow) * Max(1, source->nrows));
	for (int i = 0; i < source->nrows; i++)
		read_row(source, &source->rows[i], SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	SPI_finish();
	return &source->base;
}

static int
given_partitions(VeloSource *base)
{
	return 1;
}

static void
given_seek(VeloSource *base, int partition, const char *position, VeloStartFrom from,
		   TimestampTz from_time)
{
	((GivenSource *) base)->next = position ? atoi(position) : 0;
}

static bool
given_begin_batch(VeloSource *base)
{
	GivenSource *source = (GivenSource *) base;

	return source->next < source->nrows;
}

static int
given_poll(VeloSource *base, VeloChunk *chunk, int limit)
{
	GivenSource *source = (GivenSource *) base;
	int before = chunk->nrows;

	while (source->next < source->nrows && !velo_row_is_full(chunk) &&
		   chunk->nrows - before < limit)
	{
		GivenRow *given = &source->rows[source->next];

		/* Rows that came before the clock moves are processed at their own time. */
		if (given->clock != DT_NOBEGIN)
		{
			if (chunk->nrows > before)
				break;
			velo_clock_hold(given->clock);
		}
		source->next++;
		if (given->has_row)
		{
			int row = velo_row_append(chunk);
			TimestampTz time = given->append_time != DT_NOBEGIN ? given->append_time
																: velo_clock_now();

			memcpy(velo_row_values(chunk, row), given->values,
				   sizeof(Datum) * base->spec->user_natts);
			memcpy(velo_row_nulls(chunk, row), given->nulls, sizeof(bool) * base->spec->user_natts);
			velo_row_set_system(chunk, row, VELO_TIMESTAMP, TimestampTzGetDatum(time));
			velo_row_set_system(chunk, row, VELO_EVENT_TIME, TimestampTzGetDatum(time));
			velo_row_set_system(chunk, row, VELO_PARTITION, Int32GetDatum(0));
			velo_row_set_system(chunk, row, VELO_OFFSET, Int64GetDatum(source->next));
			velo_row_set_system(chunk, row, VELO_TOPIC, CStringGetTextDatum(base->spec->name));
		}
		if (given->ends_batch)
			break;
	}
	return chunk->nrows - before;
}

/* A _commit ends the batch: the next poll finds nothing. */
static int
given_poll_batch(VeloSource *base, VeloChunk *chunk, int limit)
{
	GivenSource *source = (GivenSource *) base;

	if (source->next > 0 && source->next < source->nrows &&
		source->rows[source->next - 1].ends_batch)
	{
		source->rows[source->next - 1].ends_batch = false;
		return 0;
	}
	return given_poll(base, chunk, limit);
}

static const char *
given_tell(VeloSource *base, int partition)
{
	return psprintf("%d", ((GivenSource *) base)->next);
}

static bool
given_is_ended(VeloSource *base)
{
	return ((GivenSource *) base)->next >= ((GivenSource *) base)->nrows;
}

static TimestampTz
given_next_due(VeloSource *base)
{
	return DT_NOBEGIN;
}

static TimestampTz
given_watermark_limit(VeloSource *base)
{
	return DT_NOEND;
}

static int64
given_lag(VeloSource *base)
{
	return ((GivenSource *) base)->nrows - ((GivenSource *) base)->next;
}

static void
given_close(VeloSource *base)
{
}

static const VeloSourceOps given_source = {
	.type = "given",
	.open = given_open,
	.partitions = given_partitions,
	.seek = given_seek,
	.begin_batch = given_begin_batch,
	.poll = given_poll_batch,
	.tell = given_tell,
	.is_ended = given_is_ended,
	.next_due = given_next_due,
	.watermark_limit = given_watermark_limit,
	.lag = given_lag,
	.close = given_close,
};
VELO_SOURCE(given_source);
