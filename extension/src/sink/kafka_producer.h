/*
 * kafka_producer.h
 *	  A producer for one topic, with or without transactions.
 *
 * Blocking calls wait in pieces, so that the process can be stopped, and for a bounded
 * time.  After any error the producer is closed and made anew: what it had begun is ended
 * by its successor, whose init_transactions aborts it at the broker.
 */
#pragma once

#include "kafka/kafka.h"
#include "sink/kafka_record.h"

typedef struct VeloKafkaProducer VeloKafkaProducer;

/*
 * Makes a producer in the current memory context, which owns it; looks up connections,
 * so inside a transaction, but does not connect.  transactional_id: NULL for none.
 * timeout_ms: how long a message may take, 0: as long as a transaction.  Raises 22023 for options that exclude each other.
 */
extern VeloKafkaProducer *velo_sink_kafka_producer(List *options, Oid role, const char *topic,
												   const char *transactional_id, int timeout_ms);

/*
 * Connects, makes the topic if there is none (partitions, replication.factor of the
 * options) and, with transactions, fences whoever else has this transactional id and
 * aborts what it has left open.  is_made: the topic is to be made if it is missing.
 */
extern void velo_sink_kafka_ready(VeloKafkaProducer *producer, bool is_made);

/* Turns to another topic of the same brokers. */
extern void velo_sink_kafka_aim(VeloKafkaProducer *producer, const char *topic);

extern VeloKafkaClient *velo_sink_kafka_client(VeloKafkaProducer *producer);
extern const char *velo_sink_kafka_topic(VeloKafkaProducer *producer);

/* What the broker takes as a message of the topic, in bytes; -1 if it does not tell. */
extern int velo_sink_kafka_topic_limit(VeloKafkaClient *client, const char *topic);

/* Most bytes that a message may have; known after velo_sink_kafka_ready. */
extern int velo_sink_kafka_bytes_max(VeloKafkaProducer *producer);

/* Begins a transaction, unless one is open. */
extern void velo_sink_kafka_begin(VeloKafkaProducer *producer);

/* Hands a message to the library, which copies it.  partition: -1 to choose by the key. */
extern void velo_sink_kafka_produce(VeloKafkaProducer *producer, const VeloKafkaRecord *record,
									int partition, VeloKafkaReceipt *receipt);

/* The same for packed messages; returns how many. */
extern int64 velo_sink_kafka_produce_packed(VeloKafkaProducer *producer, const char *at,
											const char *end);

/* A message to another topic: control records. */
extern void velo_sink_kafka_produce_to(VeloKafkaProducer *producer, const char *topic,
									   int partition, const char *key, const char *value,
									   VeloKafkaReceipt *receipt);

/* Waits until all messages are delivered; raises if one is not. */
extern void velo_sink_kafka_flush(VeloKafkaProducer *producer);

/* Commits the transaction; when it returns readers can see all of it. */
extern void velo_sink_kafka_commit(VeloKafkaProducer *producer);
