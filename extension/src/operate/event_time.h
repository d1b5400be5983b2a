/*
 * event_time.h
 *	  Event times and watermarks of a source.
 */
#pragma once

#include "plan/plan.h"
#include "row/row.h"

/*
 * A value as a time: timestamptz as it is, timestamp and date as UTC, numbers as
 * epoch milliseconds (or seconds, by format), text as ISO 8601.  Raises 22007 or
 * 22008.
 */
extern TimestampTz velo_operate_to_time(Datum value, Oid type, const char *format);

/* Watermark of one source, over its partitions. */
typedef struct VeloWatermark VeloWatermark;

extern VeloWatermark *velo_operate_watermark_create(const VeloPlan *plan, int partitions);

/* Sets _event_time of the rows of a chunk; raises 22004 or 22007 for a bad one. */
extern void velo_operate_watermark_stamp(VeloWatermark *self, VeloChunk *chunk);
/* Takes the event times of rows that have been processed into account. */
extern void velo_operate_watermark_observe(VeloWatermark *self, const VeloChunk *chunk);

/*
 * The watermark now.  limit: time it may not pass (VeloSourceOps.watermark_limit);
 * drained: the source had nothing more to give, so that idle time counts; ended:
 * all input has come.
 */
extern TimestampTz velo_operate_watermark_now(VeloWatermark *self, TimestampTz limit, bool drained,
											  bool ended);
/* When it will move without input; DT_NOEND: never. */
extern TimestampTz velo_operate_watermark_due(const VeloWatermark *self);

/* Per partition, to be kept with its position. */
extern TimestampTz velo_operate_watermark_get(const VeloWatermark *self, int partition);
extern void velo_operate_watermark_set(VeloWatermark *self, int partition, TimestampTz value);
