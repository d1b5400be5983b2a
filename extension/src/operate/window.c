/*
 * window.c
 *	  Puts rows into tumbling and sliding windows and drops late ones.
 *
 * A window is half-open, [start, end).  Starts are multiples of the advance (of
 * the size, when tumbling) counted from 1970-01-01 UTC plus the offset; windows
 * of months count calendar months from there.  A record belongs to each sliding
 * window with start <= t < start + size: it leaves here once for each.
 *
 * A record is late for a window that has closed (end <= watermark).  A record of
 * sliding windows can be late for some of its windows only; it then still counts
 * in the others.
 */
#include "postgres.h"

#include "operate/operator.h"

#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <nodes/nodeFuncs.h>
#include <utils/date.h>
#include <utils/datetime.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>

#include "operate/event_time.h"

/* PostgreSQL counts from 2000-01-01; window starts are aligned to 1970-01-01. */
#define EPOCH_SHIFT_US ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

typedef struct WindowOperator
{
	VeloOperator base;
	const VeloWindow *window;
	ExprState *time; /* NULL: _event_time */
	Oid time_type;
	VeloRowContext row;
	TimestampTz watermark;
	VeloChunk *out; /* sliding: copies of the rows */
} WindowOperator;

static int64
floor_to(int64 value, int64 step)
{
	int64 rest = value % step;

	return value - (rest < 0 ? rest + step : rest);
}

/* The latest window start not after t. */
static TimestampTz
latest_start(const VeloWindow *window, TimestampTz t)
{
	int64 from_epoch = t + EPOCH_SHIFT_US - window->offset_us;

	return floor_to(from_epoch, window->advance_us) - EPOCH_SHIFT_US + window->offset_us;
}

static void
month_window(const VeloWindow *window, TimestampTz t, TimestampTz *start, TimestampTz *end)
{
	struct pg_tm tm;
	fsec_t fraction;
	int months;
	TimestampTz bounds[2];

	/* As if timestamptz were timestamp: calendar months of UTC. */
	if (timestamp2tm(t - window->offset_us, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	months = floor_to((tm.tm_year - 1970) * 12 + tm.tm_mon - 1, window->size_months);
	for (int i = 0; i < 2; i++)
	{
		int64 month = months + (int64) i * window->size_months;
		int64 year = 1970 + floor_to(month, 12) / 12;
		int days = date2j((int) year, (int) (month - floor_to(month, 12)) + 1, 1) -
				   POSTGRES_EPOCH_JDATE;

		bounds[i] = (TimestampTz) days * USECS_PER_DAY + window->offset_us;
	}
	*start = bounds[0];
	*end = bounds[1];
}

TimestampTz
velo_operate_window_end(const VeloWindow *window, TimestampTz start)
{
	TimestampTz end;

	if (window->kind == VELO_WINDOW_NONE)
		return DT_NOEND;
	if (window->size_months == 0)
		return start + window->size_us;
	month_window(window, start, &start, &end);
	return end;
}

static TimestampTz
row_time(WindowOperator *self, VeloChunk *chunk, int row)
{
	Datum value;
	bool is_null;

	if (self->time == NULL)
		return DatumGetTimestampTz(velo_row_values(chunk,
												   row)[chunk->user_natts + VELO_EVENT_TIME]);
	velo_row_to_slot(chunk, row, self->row.slot);
	value = ExecEvalExprSwitchContext(self->time, self->row.econtext, &is_null);
	if (is_null)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the time of a window must not be null")));
	return velo_operate_to_time(value, self->time_type, NULL);
}

static void
set_bounds(VeloChunk *chunk, int row, TimestampTz start, TimestampTz end)
{
	velo_row_set_system(chunk, row, VELO_WINDOW_START, TimestampTzGetDatum(start));
	velo_row_set_system(chunk, row, VELO_WINDOW_END, TimestampTzGetDatum(end));
}

static void
copy_row(VeloChunk *to, int to_row, const VeloChunk *from, int from_row)
{
	memcpy(velo_row_values(to, to_row), velo_row_values(from, from_row), sizeof(Datum) * to->natts);
	memcpy(velo_row_nulls(to, to_row), velo_row_nulls(from, from_row), sizeof(bool) * to->natts);
	*velo_row_flags(to, to_row) = *velo_row_flags(from, from_row);
}

static void
late(WindowOperator *self, VeloChunk *chunk, int row)
{
	self->base.operate->on_late(self->base.operate, chunk, row);
}

/*
 * A first pass finds the times, so that an expression that fails does so before
 * any row has been counted as late.
 */
static void
find_times(WindowOperator *self, VeloChunk *chunk, TimestampTz *times)
{
	for (int i = 0; i < chunk->nrows; i++)
	{
		times[i] = row_time(self, chunk, i);
		if (TIMESTAMP_NOT_FINITE(times[i]))
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
							errmsg("the time of a window must be finite")));
	}
	ResetExprContext(self->row.econtext);
}

static void
tumble(WindowOperator *self, VeloChunk *chunk, const TimestampTz *times)
{
	int kept = 0;

	for (int i = 0; i < chunk->nrows; i++)
	{
		TimestampTz start;
		TimestampTz end;

		if (self->window->size_months)
			month_window(self->window, times[i], &start, &end);
		else
		{
			start = latest_start(self->window, times[i]);
			end = start + self->window->size_us;
		}
		if (end <= self->watermark)
		{
			late(self, chunk, i);
			continue;
		}
		set_bounds(chunk, i, start, end);
		velo_row_keep(chunk, kept++, i);
	}
	chunk->nrows = kept;
	velo_operate_push_next(&self->base, chunk);
}

static void
slide(WindowOperator *self, VeloChunk *chunk, const TimestampTz *times)
{
	velo_row_chunk_reset(self->out);
	for (int i = 0; i < chunk->nrows; i++)
	{
		bool is_late = false;

		for (TimestampTz start = latest_start(self->window, times[i]);
			 start + self->window->size_us > times[i]; start -= self->window->advance_us)
		{
			int row;

			if (start + self->window->size_us <= self->watermark)
			{
				is_late = true;
				break;
			}
			if (velo_row_is_full(self->out))
			{
				velo_operate_push_next(&self->base, self->out);
				velo_row_chunk_reset(self->out);
			}
			row = velo_row_append(self->out);
			copy_row(self->out, row, chunk, i);
			set_bounds(self->out, row, start, start + self->window->size_us);
		}
		if (is_late)
			late(self, chunk, i);
	}
	velo_operate_push_next(&self->base, self->out);
}

static void
window_push(VeloOperator *base, VeloChunk *chunk)
{
	WindowOperator *self = (WindowOperator *) base;
	TimestampTz times[VELO_CHUNK_ROWS];

	base->rows_in += chunk->nrows;
	find_times(self, chunk, times);
	if (self->window->kind == VELO_WINDOW_TUMBLING)
		tumble(self, chunk, times);
	else
		slide(self, chunk, times);
}

static void
window_watermark(VeloOperator *base, TimestampTz watermark)
{
	((WindowOperator *) base)->watermark = watermark;
	velo_operate_forward_watermark(base, watermark);
}

static const VeloOperatorOps window_ops = {
	.name = "window",
	.push = window_push,
	.watermark = window_watermark,
	.drain = velo_operate_forward_drain,
	.flush = velo_operate_forward_flush,
	.save = velo_operate_nothing,
	.undo = velo_operate_nothing,
	.close = velo_operate_nothing,
};

VeloOperator *
velo_operate_window(VeloOperate *operate)
{
	WindowOperator *self = palloc0(sizeof(WindowOperator));
	const VeloPlan *plan = operate->plan;

	self->base.ops = &window_ops;
	self->base.operate = operate;
	self->window = &plan->window;
	self->watermark = operate->watermark;
	self->row = velo_operate_row_context(operate, plan->source.desc);
	if (plan->window.time)
	{
		self->time = ExecInitExpr(plan->window.time, NULL);
		self->time_type = getBaseType(exprType((Node *) plan->window.time));
	}
	if (plan->window.kind == VELO_WINDOW_SLIDING)
		self->out = velo_row_chunk_create(plan->source.desc, plan->source.user_natts,
										  operate->context);
	return &self->base;
}
