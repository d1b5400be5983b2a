/*
 * kafka_leading.c
 *	  Delivery led by Kafka: output and positions are one transaction of Kafka's.
 *
 * For jobs that keep nothing in PostgreSQL but their positions.  These are part of the
 * control record, so that a batch writes nothing to PostgreSQL, and its output can be read
 * after one commit instead of two.
 */
#include "postgres.h"

#include "sink/kafka_delivery.h"

#include "base/testpoint.h"

static void
written(VeloKafkaSink *sink)
{
	velo_sink_kafka_begin(sink->producer);
	velo_sink_kafka_send_pages(sink);
	VELO_TESTPOINT("kafka_produced");
}

static void
commit(VeloKafkaSink *sink, const char *positions)
{
	velo_sink_kafka_begin(sink->producer);
	velo_sink_kafka_commit_sequence(sink, sink->sequence + 1, positions);
}

const VeloKafkaDelivery velo_sink_kafka_leading = {
	.name = "leading",
	.open = velo_sink_kafka_open_transactional,
	.written = written,
	.recover = velo_sink_kafka_find_control,
	.commit = commit,
};
