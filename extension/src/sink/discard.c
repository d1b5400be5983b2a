/*
 * discard.c
 *	  Counts rows and drops them: for measuring, and for jobs that only alert.
 */
#include "postgres.h"

#include "sink/sink.h"

typedef struct DiscardSink
{
	VeloSink base;
	uint64 rows; /* ever written */
} DiscardSink;

static const VeloSinkOps discard_sink;

static VeloSink *
open_sink(const VeloSinkSpec *spec)
{
	DiscardSink *sink = palloc0(sizeof(DiscardSink));

	sink->base.ops = &discard_sink;
	sink->base.spec = spec;
	return &sink->base;
}

static void
write_rows(VeloSink *base, VeloChunk *chunk)
{
	((DiscardSink *) base)->rows += chunk->nrows;
}

static void
flush_rows(VeloSink *base)
{
}

static const VeloSinkOps discard_sink = {
	.type = "discard",
	.open = open_sink,
	.write = write_rows,
	.flush = flush_rows,
};

VELO_SINK(discard_sink);
