/*
 * kafka_delivery.h
 *	  Ways of delivering to Kafka, behind the sink of type "kafka".
 *
 *	outbox			PostgreSQL leads: output is committed with the batch and sent after it
 *	leading			Kafka leads: output and positions are one transaction of Kafka's
 *	at_least_once	no transactions: output is delivered before the batch commits
 *
 * kafka.c encodes rows into pages; "written" is called behind each chunk, the others are
 * those of sink.h.
 */
#pragma once

#include "sink/kafka_control.h"
#include "sink/kafka_producer.h"
#include "sink/outbox.h"
#include "sink/sink.h"

typedef struct VeloKafkaSink VeloKafkaSink;

typedef struct VeloKafkaDelivery
{
	const char *name;
	void (*open)(VeloKafkaSink *sink);
	void (*written)(VeloKafkaSink *sink);
	void (*flush)(VeloKafkaSink *sink);
	void (*committed)(VeloKafkaSink *sink);
	void (*recover)(VeloKafkaSink *sink);
	void (*commit)(VeloKafkaSink *sink, const char *positions);
} VeloKafkaDelivery;

extern const VeloKafkaDelivery velo_sink_kafka_outbox;
extern const VeloKafkaDelivery velo_sink_kafka_leading;
extern const VeloKafkaDelivery velo_sink_kafka_at_least_once;

struct VeloKafkaSink
{
	VeloSink base;
	MemoryContext context; /* the sink's */
	const VeloKafkaDelivery *delivery;
	const char *topic;
	VeloKafkaEncoder *encoder;
	VeloKafkaProducer *producer;
	int64 rows; /* written since the last flush */

	/* Messages packed and not yet sent: full pages, and the one being written. */
	MemoryContext memory;
	List *pages;	 /* of StringInfo */
	StringInfo page; /* last of pages; NULL: none */
	Size bytes;		 /* in all of them */

	/* Of deliveries with transactions. */
	VeloOutbox *outbox;
	VeloKafkaControlLog *control;
	int64 sequence;		   /* of the last output in Kafka */
	const char *positions; /* found by recover */
};

/* Sends all pages in the producer's own way and forgets them. */
extern void velo_sink_kafka_send_pages(VeloKafkaSink *sink);
extern void velo_sink_kafka_forget_pages(VeloKafkaSink *sink);

/* The producer, the control log and the task's outbox. */
extern void velo_sink_kafka_open_transactional(VeloKafkaSink *sink);

/*
 * Fences, and reads back how far Kafka is: sequence and positions, of this outbox and
 * generation; what is of an older one does not count.  Raises VE009 if it is of a newer.
 */
extern void velo_sink_kafka_find_control(VeloKafkaSink *sink);

/* Adds the control record of a sequence and commits. */
extern void velo_sink_kafka_commit_sequence(VeloKafkaSink *sink, int64 sequence,
											const char *positions);
