/*
 * kafka.c
 *	  Result rows into a topic.
 *
 * Rows are encoded when they are written, into pages in memory; what happens to the pages
 * is the delivery's business (kafka_delivery.h).  Encoding is all that can fail because of
 * a row, and it has no effect outside the page, so a failed chunk is cut off again.
 */
#include "postgres.h"

#include "sink/sink.h"

#include <lib/stringinfo.h>
#include <utils/memutils.h>

#include "base/option.h"
#include "base/testpoint.h"
#include "sink/kafka_delivery.h"

/* A page takes messages up to here; the last one may make it larger. */
#define PAGE_BYTES (256 * 1024)

/* What one batch may put out: it is kept in memory until it has been sent. */
#define BATCH_BYTES_MAX ((Size) 512 * 1024 * 1024)

static const VeloSinkOps kafka_sink;

static void
report_stream(void *arg)
{
	VeloKafkaSink *sink = arg;

	errcontext("writing to topic \"%s\" of stream \"%s\"", sink->topic, sink->base.spec->name);
}

/* --- pages -------------------------------------------------------------------------- */

static StringInfo
page_with_room(VeloKafkaSink *sink)
{
	MemoryContext old;

	if (sink->page && sink->page->len < PAGE_BYTES)
		return sink->page;
	old = MemoryContextSwitchTo(sink->memory);
	sink->page = makeStringInfo();
	enlargeStringInfo(sink->page, PAGE_BYTES + PAGE_BYTES / 8);
	sink->pages = lappend(sink->pages, sink->page);
	MemoryContextSwitchTo(old);
	return sink->page;
}

void
velo_sink_kafka_forget_pages(VeloKafkaSink *sink)
{
	/* One page usually stays: an idle-ish job writes little, and often. */
	if (list_length(sink->pages) == 1 && sink->page->maxlen <= PAGE_BYTES * 2)
		resetStringInfo(sink->page);
	else
	{
		MemoryContextReset(sink->memory);
		sink->pages = NIL;
		sink->page = NULL;
	}
	sink->bytes = 0;
}

void
velo_sink_kafka_send_pages(VeloKafkaSink *sink)
{
	ListCell *cell;

	foreach(cell, sink->pages)
	{
		StringInfo page = lfirst(cell);

		velo_sink_kafka_produce_packed(sink->producer, page->data, page->data + page->len);
	}
	velo_sink_kafka_forget_pages(sink);
}

/* --- writing -------------------------------------------------------------------------- */

static void
encode_rows(VeloKafkaSink *sink, const VeloChunk *chunk)
{
	int bytes_max = velo_sink_kafka_bytes_max(sink->producer);

	for (int i = 0; i < chunk->nrows; i++)
	{
		StringInfo page = page_with_room(sink);
		bool is_tombstone = (*velo_row_flags(chunk, i) & VELO_ROW_TOMBSTONE) != 0;
		int before = page->len;

		velo_sink_kafka_encode(sink->encoder, velo_row_values(chunk, i), velo_row_nulls(chunk, i),
							   is_tombstone, bytes_max, page);
		sink->bytes += page->len - before;
	}
	if (sink->bytes > BATCH_BYTES_MAX)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("output of one batch is larger than %zu MB",
							   BATCH_BYTES_MAX / (1024 * 1024)),
						errhint("Lower the property \"max_batch_size\" of the job.")));
}

/* Cuts off what a failed chunk has written. */
static void
cut_pages(VeloKafkaSink *sink, int pages, int length, Size bytes)
{
	while (list_length(sink->pages) > pages)
	{
		StringInfo page = llast(sink->pages);

		sink->pages = list_delete_last(sink->pages);
		pfree(page->data);
		pfree(page);
	}
	sink->page = sink->pages ? llast(sink->pages) : NULL;
	if (sink->page)
	{
		sink->page->len = length;
		sink->page->data[length] = '\0';
	}
	sink->bytes = bytes;
}

static void
write_rows(VeloSink *base, VeloChunk *chunk)
{
	VeloKafkaSink *sink = (VeloKafkaSink *) base;
	ErrorContextCallback callback = {error_context_stack, report_stream, sink};
	int pages = list_length(sink->pages);
	int length = sink->page ? sink->page->len : 0;
	Size bytes = sink->bytes;

	if (chunk->nrows == 0)
		return;
	error_context_stack = &callback;
	PG_TRY();
	{
		encode_rows(sink, chunk);
	}
	PG_CATCH();
	{
		cut_pages(sink, pages, length, bytes);
		PG_RE_THROW();
	}
	PG_END_TRY();
	sink->rows += chunk->nrows;
	if (sink->delivery->written)
		sink->delivery->written(sink);
	error_context_stack = callback.previous;
	VELO_TESTPOINT("sink_kafka_written");
}

/* --- interface ---------------------------------------------------------------------------- */

static void
flush_rows(VeloSink *base)
{
	VeloKafkaSink *sink = (VeloKafkaSink *) base;

	if (sink->delivery->flush)
		sink->delivery->flush(sink);
	sink->rows = 0;
}

static void
committed(VeloSink *base)
{
	VeloKafkaSink *sink = (VeloKafkaSink *) base;

	velo_kafka_serve(velo_sink_kafka_client(sink->producer));
	if (sink->delivery->committed)
		sink->delivery->committed(sink);
}

static void
recover(VeloSink *base)
{
	VeloKafkaSink *sink = (VeloKafkaSink *) base;
	ErrorContextCallback callback = {error_context_stack, report_stream, sink};
	MemoryContext old = MemoryContextSwitchTo(sink->context);

	error_context_stack = &callback;
	velo_sink_kafka_ready(sink->producer, true);
	if (sink->delivery->recover)
		sink->delivery->recover(sink);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	VELO_TESTPOINT("kafka_recovered");
}

static void
commit(VeloSink *base, const char *positions)
{
	VeloKafkaSink *sink = (VeloKafkaSink *) base;

	if (sink->delivery->commit == NULL)
		elog(ERROR, "the sink does not lead");
	sink->delivery->commit(sink, positions);
}

static const char *
positions(VeloSink *base)
{
	return ((VeloKafkaSink *) base)->positions;
}

static const VeloKafkaDelivery *
delivery_of(const VeloSinkSpec *spec)
{
	const char *guarantee = velo_base_option_text(spec->options, "delivery.guarantee");

	if (spec->leads)
		return &velo_sink_kafka_leading;
	if (guarantee && strcmp(guarantee, "at_least_once") == 0)
		return &velo_sink_kafka_at_least_once;
	return &velo_sink_kafka_outbox;
}

static VeloSink *
open_sink(const VeloSinkSpec *spec)
{
	VeloKafkaSink *sink = palloc0(sizeof(VeloKafkaSink));

	sink->base.ops = &kafka_sink;
	sink->base.spec = spec;
	sink->context = CurrentMemoryContext;
	sink->memory = AllocSetContextCreate(CurrentMemoryContext, "velo kafka pages",
										 ALLOCSET_DEFAULT_SIZES);
	sink->topic = velo_kafka_topic_name(spec->options, spec->name);
	sink->delivery = delivery_of(spec);
	if (spec->job_id == 0 && sink->delivery != &velo_sink_kafka_at_least_once)
		elog(ERROR, "only a job can write to Kafka exactly once");
	sink->encoder = velo_sink_kafka_encoder(spec);
	sink->delivery->open(sink);
	return &sink->base;
}

static const VeloSinkOps kafka_sink = {
	.type = "kafka",
	.open = open_sink,
	.write = write_rows,
	.flush = flush_rows,
	.committed = committed,
	.recover = recover,
	.commit = commit,
	.positions = positions,
};

VELO_SINK(kafka_sink);
