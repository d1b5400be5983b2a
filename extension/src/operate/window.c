/*
 * window.c
 *	  Puts rows into tumbling and sliding windows and drops late ones.
 *
 * A window is half-open, [start, end).  Starts are multiples of the advance (of
 * the size, when tumbling) counted from 1970-01-01 UTC plus the offset; windows
 * of months, and of days where a time zone is given, go by the calendar (calendar.c).
 * A record belongs to each sliding window with start <= t < end: it leaves here once for
 * each.
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
#include <utils/lsyscache.h>
#include <utils/timestamp.h>

#include "operate/calendar.h"
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
	/* By the calendar: the last window found, for times from its start to the next one's. */
	TimestampTz latest_start;
	TimestampTz latest_end;
	TimestampTz latest_window_end;
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

TimestampTz
velo_operate_window_end(const VeloWindow *window, TimestampTz start)
{
	if (window->kind == VELO_WINDOW_NONE)
		return DT_NOEND;
	return velo_operate_is_calendar(window) ? velo_operate_calendar_end(window, start)
											: start + window->size_us;
}

bool
velo_operate_is_past(const VeloPlan *plan, TimestampTz end, TimestampTz watermark)
{
	if (end > watermark || watermark == DT_NOEND)
		return end <= watermark;
	return plan->late != VELO_LATE_UPDATE || watermark - end >= plan->allowed_lateness_us;
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

/* The back-th window before the latest that begins not after t. */
static inline void
window_of(WindowOperator *self, TimestampTz t, int back, TimestampTz *start, TimestampTz *end)
{
	const VeloWindow *window = self->window;

	if (!velo_operate_is_calendar(window))
	{
		*start = latest_start(window, t) - back * window->advance_us;
		*end = *start + window->size_us;
		return;
	}
	/* Neighbours mostly share a window, and a calendar takes its time. */
	if (back > 0 || t < self->latest_start || t >= self->latest_end)
	{
		velo_operate_calendar_window(window, t, back, start, end);
		if (back > 0)
			return;
		self->latest_start = *start;
		self->latest_end = velo_operate_calendar_next(window, *start);
		self->latest_window_end = *end;
	}
	*start = self->latest_start;
	*end = self->latest_window_end;
}

static void
tumble(WindowOperator *self, VeloChunk *chunk, const TimestampTz *times)
{
	int kept = 0;

	for (int i = 0; i < chunk->nrows; i++)
	{
		TimestampTz start;
		TimestampTz end;

		window_of(self, times[i], 0, &start, &end);
		if (end <= self->watermark && self->base.operate->plan->late == VELO_LATE_INCLUDE)
			window_of(self, self->watermark, 0, &start, &end);
		if (velo_operate_is_past(self->base.operate->plan, end, self->watermark))
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

/* Has one of the windows that hold t closed? */
static bool
is_late_for_some(WindowOperator *self, TimestampTz t)
{
	TimestampTz start;
	TimestampTz end;

	if (t >= self->watermark)
		return false;
	for (int back = 0;; back++)
	{
		window_of(self, t, back, &start, &end);
		if (end <= t)
			return false;
		if (end <= self->watermark)
			return true;
	}
}

static void
slide(WindowOperator *self, VeloChunk *chunk, const TimestampTz *times)
{
	velo_row_chunk_reset(self->out);
	for (int i = 0; i < chunk->nrows; i++)
	{
		TimestampTz time = times[i];
		bool is_late = false;

		if (self->base.operate->plan->late == VELO_LATE_INCLUDE && is_late_for_some(self, time))
			time = self->watermark;
		for (int back = 0;; back++)
		{
			TimestampTz start;
			TimestampTz end;
			int row;

			window_of(self, time, back, &start, &end);
			if (end <= time)
				break;
			if (velo_operate_is_past(self->base.operate->plan, end, self->watermark))
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
			set_bounds(self->out, row, start, end);
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
