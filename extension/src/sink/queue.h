/*
 * queue.h
 *	  Result rows kept in memory until somebody takes them (velo.open, velo.next).
 *
 * The sink "queue" never refuses rows; whoever drives the pipeline asks
 * velo_sink_queue_is_full before it lets more input in, so the queue holds the
 * setting's number of rows and what one batch adds.  Rows can be taken once
 * committed() has been called for them.
 */
#pragma once

#include "sink/sink.h"

extern bool velo_sink_queue_is_full(VeloSink *sink);
/* How many rows can be taken now. */
extern int64 velo_sink_queue_length(VeloSink *sink);
/*
 * Takes the oldest row: a slot of the spec's descriptor that is valid until the
 * next call, or NULL.  is_tombstone may be NULL.
 */
extern TupleTableSlot *velo_sink_queue_take(VeloSink *sink, bool *is_tombstone);
