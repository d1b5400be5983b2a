/*
 * session.h
 *	  Queries that run in the caller's own backend.
 */
#pragma once

#include "job/pipeline.h"

typedef struct VeloQuery
{
	MemoryContext context;
	VeloPlan *plan;
	VeloPipeline *pipeline;
	VeloSink *sink;
	TimestampTz told_at; /* when the client was told of its progress; 0: never */
} VeloQuery;

/*
 * Starts a query: plan and everything else must live in "context", which is the
 * current one.  Positions begin at the plan's start rule.
 */
extern VeloQuery *velo_api_query_start(MemoryContext context, VeloPlan *plan, VeloSink *sink);

/*
 * One batch in the current transaction, under a snapshot of its own.  The rows
 * are in the sink; call its committed() when the transaction is over, or at once
 * if it goes on.
 */
extern void velo_api_query_batch(VeloQuery *query);

/* Waits for input, at most until "until" and never long; interruptible. */
extern void velo_api_query_wait(VeloQuery *query, TimestampTz until);

extern void velo_api_query_end(VeloQuery *query);

/* A row of a query (its descriptor is blessed) as jsonb. */
extern Datum velo_api_row_jsonb(TupleTableSlot *slot, bool is_tombstone);
