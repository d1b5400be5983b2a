/*
 * kafka_control.h
 *	  Control records: how far a task's output has got in Kafka.
 *
 * Each Kafka transaction of a task carries one record of a compacted topic
 * (velo.kafka_control_topic) with the task's transactional id as key:
 *
 *	{"outbox": "9f…", "generation": 1, "sequence": 17, "positions": "…"}
 *
 * A consumer group's offsets would say the same, but they expire when the job rests.
 */
#pragma once

#include "kafka/kafka.h"
#include "sink/kafka_producer.h"

typedef struct VeloKafkaControl
{
	const char *outbox; /* identity of the task's row in velo.outbox */
	int64 generation;
	int64 sequence;
	const char *positions; /* of a leading sink, or NULL */
	int64 offset;		   /* of the record */
} VeloKafkaControl;

/* The topic's name by the setting. */
extern char *velo_kafka_control_topic;

typedef struct VeloKafkaControlLog VeloKafkaControlLog;

/*
 * Makes a reader and writer of one task's control records, in the current memory context;
 * inside a transaction, does not connect.
 */
extern VeloKafkaControlLog *velo_sink_kafka_control(List *options, Oid role,
													const char *transactional_id,
													VeloKafkaProducer *producer);

/* Makes the topic if it is missing; outside of Kafka transactions. */
extern void velo_sink_kafka_control_ready(VeloKafkaControlLog *log);

/*
 * The newest committed record of this task, whatever its outbox and generation; false if
 * there is none.  from: an offset not behind it, or 0.  The producer must have fenced
 * all others, and is used for a transaction of its own.
 */
extern bool velo_sink_kafka_control_read(VeloKafkaControlLog *log, int64 from,
										 VeloKafkaControl *control);

/* Adds a record to the producer's open transaction. */
extern void velo_sink_kafka_control_write(VeloKafkaControlLog *log,
										  const VeloKafkaControl *control);

/* Where the last record written stands, once its transaction is committed; -1: unknown. */
extern int64 velo_sink_kafka_control_offset(const VeloKafkaControlLog *log);
