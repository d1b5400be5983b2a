/*
 * kafka_reader.h
 *	  Messages of a topic from given offsets on, for jobs and for plain SQL.
 *
 * A reader assigns partitions by hand (it belongs to no consumer group, so nothing
 * outside decides what it reads) and takes messages in batches without waiting in
 * librdkafka.  Partitions are numbered from 0 as in the topic; where each begins
 * and ends is set before velo_source_kafka_reader_start.
 *
 * The reader and the messages it holds belong to the memory context in which it was
 * opened; they are given back when that is reset, also after an error.
 */
#pragma once

#include <nodes/pg_list.h>

#include "kafka/kafka.h"

struct rd_kafka_message_s;

/* Most messages that are taken from librdkafka at once. */
#define VELO_KAFKA_FETCH_MAX 1024

typedef struct VeloKafkaPart
{
	bool is_read; /* false: left out */
	int64 low;	  /* as of the start */
	int64 high;
	int64 start;	/* first offset to read */
	int32 epoch;	/* of the record before it; -1: unknown */
	int64 end;		/* stop before this one; -1: go on for ever */
	int64 position; /* behind the last message given out */
	int64 eof;		/* the broker had nothing at and behind this one; -1: not known */
} VeloKafkaPart;

typedef struct VeloKafkaReader
{
	VeloKafkaClient *client;
	VeloKafkaTopic topic;
	int nparts;
	VeloKafkaPart *parts;

	/* Messages held: those from next on have not been given out. */
	struct rd_kafka_message_s **messages;
	int nmessages;
	int next;
	int nheld; /* with those that are no records or not wanted */

	int wake_fd;
	struct rd_kafka_queue_s *queue;
	struct rd_kafka_queue_s *watch; /* answers to questions about the topic */
	int64 watched_at;				/* when it was last asked, microseconds; 0: never */
	bool is_watching;
	bool is_changed;
	bool is_made_anew;
	int64 taken;		 /* messages since the start */
	int64 asked;		 /* how many of them the broker was asked about */
	int64 confirmed;	 /* and has answered */
	int64 taken_at;		 /* when the last ones were, microseconds */
	bool is_after_pause; /* they came after one and have not been confirmed */
} VeloKafkaReader;

/*
 * Connects and looks the topic up.  options: of a stream or foreign table, with
 * "topic" or else the topic "name"; role: whose connections; group: name shown by the
 * broker's tools.  Raises 42P01 if there is no such topic, 08001 if there is no broker.
 */
extern VeloKafkaReader *velo_source_kafka_reader_open(List *options, const char *name, Oid role,
													  const char *group);

/* Sets low and high of all partitions from the broker. */
extern void velo_source_kafka_reader_ranges(VeloKafkaReader *reader);

/* Begins to read, or begins anew. */
extern void velo_source_kafka_reader_start(VeloKafkaReader *reader);

/*
 * Takes what has arrived, if everything taken before was given out; never waits.  Returns
 * how many messages are at hand.  Raises VE008 if a position is not to be had any more.
 */
extern int velo_source_kafka_reader_fetch(VeloKafkaReader *reader);

/* Waits up to timeout_ms, at most VELO_KAFKA_PIECE_MS, for input; serves interrupts. */
extern void velo_source_kafka_reader_wait(VeloKafkaReader *reader, long timeout_ms);

/* The next message at hand; the reader keeps it until release. */
extern const struct rd_kafka_message_s *velo_source_kafka_reader_next(VeloKafkaReader *reader);

/*
 * The same, waiting for it; NULL when all partitions have come to their ends.  Raises 08006
 * if there is nothing new for velo.kafka_timeout.
 */
extern const struct rd_kafka_message_s *velo_source_kafka_reader_await(VeloKafkaReader *reader);

/* Gives back the messages that have been given out, if all of them have. */
extern void velo_source_kafka_reader_release(VeloKafkaReader *reader);

/* Have all partitions that are read come to their ends? */
extern bool velo_source_kafka_reader_is_ended(const VeloKafkaReader *reader);

/*
 * True once the topic has other partitions than at the start, or was made anew.  Asks
 * the broker now and then, without waiting.
 */
extern bool velo_source_kafka_reader_is_changed(VeloKafkaReader *reader);

/*
 * Before what was made of messages is committed: raises VE008 if they are known to be of
 * another topic than the one that was opened.  ask: without waiting, whenever some were
 * taken, so that the answer is there when it is needed.
 */
extern void velo_source_kafka_reader_ask(VeloKafkaReader *reader);
extern void velo_source_kafka_reader_confirm(VeloKafkaReader *reader);

extern void velo_source_kafka_reader_close(VeloKafkaReader *reader);
