/*
 * kafka_at_least_once.c
 *	  Delivery without transactions: every record is in Kafka before PostgreSQL commits.
 *
 * A crash between the two sends the batch again.  Nobody has to wait for a transaction's
 * end, so a record can be read as soon as it is delivered.
 */
#include "postgres.h"

#include "sink/kafka_delivery.h"

#include "base/testpoint.h"

static void
open_delivery(VeloKafkaSink *sink)
{
	const VeloSinkSpec *spec = sink->base.spec;

	sink->producer = velo_sink_kafka_producer(spec->options, spec->role, sink->topic, NULL, 0);
}

static void
flush(VeloKafkaSink *sink)
{
	if (sink->rows == 0)
		return;
	velo_sink_kafka_flush(sink->producer);
	VELO_TESTPOINT("kafka_delivered");
}

const VeloKafkaDelivery velo_sink_kafka_at_least_once = {
	.name = "at_least_once",
	.open = open_delivery,
	.written = velo_sink_kafka_send_pages,
	.flush = flush,
};
