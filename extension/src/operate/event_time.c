/*
 * event_time.c
 *	  Event times of rows and the watermark of a source.
 *
 * With event times of their own (a column, or those a derived stream keeps), each partition's watermark is the latest event time
 * it has given less the allowed disorder; the source's is the least of those of
 * the partitions that are not idle.  A partition is idle when it has given nothing
 * for watermark.idle.timeout; when all are idle the watermark goes on at the pace
 * of the clock.
 *
 * Without one, _timestamp is the event time.  Rows then come without disorder and
 * the clock itself is the watermark, as soon as everything that was there has been
 * read ("drained"): until then rows with earlier times are still unread, in an
 * order that is not that of their times.
 *
 * In both cases the source may hold it back (limit): a transaction that is still
 * writing to a native stream will show rows that are already in the past.
 */
#include "postgres.h"

#include "operate/event_time.h"

#include <math.h>

#include <catalog/pg_type.h>
#include <common/int.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/fmgrprotos.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>

#include "base/clock.h"

#define POSTGRES_EPOCH_MS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000)

typedef struct Partition
{
	TimestampTz max_time;	/* DT_NOBEGIN: nothing yet */
	TimestampTz last_input; /* by the clock */
} Partition;

struct VeloWatermark
{
	const VeloPlan *plan;
	Oid type; /* of the event time column */
	TimestampTz current;
	TimestampTz idle_base;	/* watermark when everything became idle */
	TimestampTz idle_since; /* DT_NOBEGIN: not idle */
	int npartitions;
	Partition partitions[FLEXIBLE_ARRAY_MEMBER];
};

static TimestampTz
from_epoch(double ms)
{
	double micros = (ms - POSTGRES_EPOCH_MS) * 1000.0;

	if (isnan(ms) || micros < (double) MIN_TIMESTAMP || micros >= (double) END_TIMESTAMP)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("epoch value %.0f is out of range for a timestamp", ms)));
	return (TimestampTz) rint(micros);
}

static TimestampTz
from_epoch_integer(int64 value, bool seconds)
{
	int64 ms = value;
	int64 shifted;
	int64 micros;

	if ((seconds && pg_mul_s64_overflow(value, 1000, &ms)) ||
		pg_sub_s64_overflow(ms, POSTGRES_EPOCH_MS, &shifted) ||
		pg_mul_s64_overflow(shifted, 1000, &micros) || !IS_VALID_TIMESTAMP(micros))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("epoch value %lld is out of range for a timestamp", (long long) value)));
	return micros;
}

TimestampTz
velo_operate_to_time(Datum value, Oid type, const char *format)
{
	bool seconds = format && strcmp(format, "epoch_seconds") == 0;

	switch (type)
	{
		case TIMESTAMPTZOID:
		case TIMESTAMPOID: /* read as UTC: the same number of microseconds */
			return DatumGetTimestampTz(value);
		case DATEOID:
			return DatumGetTimestamp(DirectFunctionCall1(date_timestamp, value));
		case INT4OID:
			return from_epoch_integer(DatumGetInt32(value), seconds);
		case INT8OID:
			return from_epoch_integer(DatumGetInt64(value), seconds);
		case NUMERICOID:
		{
			double number = DatumGetFloat8(DirectFunctionCall1(numeric_float8, value));

			return from_epoch(seconds ? number * 1000 : number);
		}
		default:
		{
			char *string = TextDatumGetCString(value);

			if (format && strncmp(format, "epoch", 5) == 0)
			{
				char *end;
				double number = strtod(string, &end);

				if (end == string || *end)
					ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
									errmsg("invalid event time \"%s\"", string)));
				return from_epoch(seconds ? number * 1000 : number);
			}
			return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(string),
														   ObjectIdGetDatum(InvalidOid),
														   Int32GetDatum(-1)));
		}
	}
}

VeloWatermark *
velo_operate_watermark_create(const VeloPlan *plan, int partitions)
{
	VeloWatermark *self = palloc0(offsetof(VeloWatermark, partitions) +
								  sizeof(Partition) * partitions);

	self->plan = plan;
	self->current = DT_NOBEGIN;
	self->idle_since = DT_NOBEGIN;
	self->npartitions = partitions;
	if (plan->event_time)
		self->type = getBaseType(TupleDescAttr(plan->source.desc, plan->event_time - 1)->atttypid);
	for (int i = 0; i < partitions; i++)
	{
		self->partitions[i].max_time = DT_NOBEGIN;
		self->partitions[i].last_input = velo_clock_now();
	}
	return self;
}

/* A tombstone where a column has the event time, which it does not have. */
static bool
is_timeless(const VeloWatermark *self, const VeloChunk *chunk, int row)
{
	return self->plan->event_time > 0 && (*velo_row_flags(chunk, row) & VELO_ROW_TOMBSTONE) != 0 &&
		   velo_row_nulls(chunk, row)[self->plan->event_time - 1];
}

void
velo_operate_watermark_stamp(VeloWatermark *self, VeloChunk *chunk)
{
	int column = self->plan->event_time - 1;

	if (column < 0)
		return;
	for (int i = 0; i < chunk->nrows; i++)
	{
		TimestampTz time;

		/* A tombstone has no columns but its key's: the record's own time is left. */
		if (is_timeless(self, chunk, i))
			continue;
		if (velo_row_nulls(chunk, i)[column])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("event time column \"%s\" must not be null",
								   NameStr(TupleDescAttr(chunk->desc, column)->attname))));
		time = velo_operate_to_time(velo_row_values(chunk, i)[column], self->type,
									self->plan->event_time_format);
		velo_row_set_system(chunk, i, VELO_EVENT_TIME, TimestampTzGetDatum(time));
	}
}

void
velo_operate_watermark_observe(VeloWatermark *self, const VeloChunk *chunk)
{
	TimestampTz now = velo_clock_now();
	int time_column = chunk->user_natts + VELO_EVENT_TIME;
	int partition_column = chunk->user_natts + VELO_PARTITION;

	for (int i = 0; i < chunk->nrows; i++)
	{
		const Datum *values = velo_row_values(chunk, i);
		int number = DatumGetInt32(values[partition_column]);
		TimestampTz time = DatumGetTimestampTz(values[time_column]);
		Partition *partition = &self->partitions[number < self->npartitions ? number : 0];

		/* An infinite event time would end all windows for ever. */
		if (time > partition->max_time && !TIMESTAMP_NOT_FINITE(time) &&
			!is_timeless(self, chunk, i))
			partition->max_time = time;
		partition->last_input = now;
	}
}

static bool
is_idle(const VeloWatermark *self, const Partition *partition, TimestampTz now)
{
	return self->plan->idle_timeout_us > 0 &&
		   now - partition->last_input >= self->plan->idle_timeout_us;
}

static TimestampTz
by_event_time(VeloWatermark *self)
{
	TimestampTz now = velo_clock_now();
	TimestampTz least = DT_NOEND;
	bool any_active = false;

	for (int i = 0; i < self->npartitions; i++)
	{
		Partition *partition = &self->partitions[i];

		if (is_idle(self, partition, now))
			continue;
		any_active = true;
		if (partition->max_time == DT_NOBEGIN)
			return DT_NOBEGIN;
		least = Min(least, partition->max_time - self->plan->out_of_order_us);
	}
	if (any_active)
	{
		self->idle_since = DT_NOBEGIN;
		return least;
	}
	if (self->current == DT_NOBEGIN)
	{
		/* Everything became idle before a first watermark: take what has come. */
		least = DT_NOBEGIN;
		for (int i = 0; i < self->npartitions; i++)
			if (self->partitions[i].max_time != DT_NOBEGIN)
				least = Max(least, self->partitions[i].max_time - self->plan->out_of_order_us);
		return least;
	}
	if (self->idle_since == DT_NOBEGIN)
	{
		self->idle_since = now;
		self->idle_base = self->current;
	}
	return self->idle_base + (now - self->idle_since);
}

TimestampTz
velo_operate_watermark_now(VeloWatermark *self, TimestampTz limit, bool drained, bool ended)
{
	TimestampTz next;

	if (ended)
		return self->current = DT_NOEND;
	if (self->plan->has_event_times)
		next = by_event_time(self);
	else if (drained)
		next = velo_clock_now();
	else
		return self->current;
	if (self->plan->has_event_times && limit != DT_NOEND && limit != DT_NOBEGIN)
		limit -= self->plan->out_of_order_us;
	next = Min(next, limit);
	if (next > self->current)
		self->current = next;
	return self->current;
}

TimestampTz
velo_operate_watermark_due(const VeloWatermark *self)
{
	TimestampTz due = DT_NOEND;

	if (!self->plan->has_event_times || self->idle_since != DT_NOBEGIN)
		return velo_clock_now();
	if (self->plan->idle_timeout_us == 0)
		return DT_NOEND;
	for (int i = 0; i < self->npartitions; i++)
		due = Min(due, self->partitions[i].last_input + self->plan->idle_timeout_us);
	return due;
}

TimestampTz
velo_operate_watermark_get(const VeloWatermark *self, int partition)
{
	return self->partitions[partition].max_time;
}

void
velo_operate_watermark_set(VeloWatermark *self, int partition, TimestampTz value)
{
	self->partitions[partition].max_time = value;
}
