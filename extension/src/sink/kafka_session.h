/*
 * kafka_session.h
 *	  Producers that a session keeps, for what it writes to topics itself.
 */
#pragma once

#include "sink/kafka_producer.h"

typedef struct VeloKafkaSession
{
	MemoryContext context; /* NULL: there is no producer */
	VeloKafkaProducer *producer;
	char *connection; /* what it was made with */
} VeloKafkaSession;

/*
 * The session's producer for that topic, kept for the next call if the connection is the
 * same; inside a transaction.  Raises what velo_sink_kafka_producer and _ready raise.
 */
extern VeloKafkaProducer *velo_sink_kafka_session(VeloKafkaSession *session, List *options,
												  Oid role, const char *topic,
												  bool has_transactions);

/* A text that is the same for what can be written in one transaction. */
extern char *velo_sink_kafka_connection(List *options, Oid role);

extern void velo_sink_kafka_session_end(VeloKafkaSession *session);

/* Options of a foreign table of the wrapper for topics, as a stream has them. */
extern List *velo_sink_kafka_table_options(Oid table);
