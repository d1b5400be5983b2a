/*
 * kafka.h
 *	  The one place that knows librdkafka's ways inside a backend.
 *
 * A handle of librdkafka has threads of its own.  They must never run PostgreSQL's
 * code or take its signals: handles are made with all signals blocked, callbacks
 * only write plain C memory, and the backend looks at that memory when it serves
 * the client.  A client belongs to a memory context: when that is reset or deleted
 * (an error, the end of a job's life) the handle is destroyed, and before the
 * process exits all that are left are.
 *
 * Errors are raised in PostgreSQL's codes: 08001 no broker or log-in refused, 08006
 * connection lost, 42501 the broker's ACLs forbid it, 42P01 unknown topic, 57014 …;
 * messages name topic and partition, never a password.  velo_kafka_raise has the
 * table.
 *
 * This header may be included without librdkafka's; the handle is an opaque type.
 */
#pragma once

#include <datatype/timestamp.h>
#include <nodes/pg_list.h>

#include "base/option.h"

struct rd_kafka_s;
struct rd_kafka_error_s;
struct rd_kafka_queue_s;

/* --- connections ------------------------------------------------------------ */

/* The foreign data wrapper behind connections and behind topics as foreign tables. */
#define VELO_KAFKA_WRAPPER "velo_kafka"

/*
 * librdkafka's properties (List of VeloOptionValue, in the current context) for a
 * stream's options: its "connection", a SERVER with the USER MAPPING of "role"; its
 * own bootstrap.servers, security.protocol, sasl.*, ssl.*, kafka.<k>; secrets that are
 * written as ${secret:name} read from velo.secrets_dir.  Raises 22023, 42501 (not on
 * the allow-list, no USAGE), 42704 (no such server), 58P01 (no such secret).
 */
extern List *velo_kafka_properties(List *options, Oid role);

/* Checks options without looking up secrets: what CREATE STREAM can refuse at once. */
extern void velo_kafka_check_options(List *options, Oid role);

/*
 * If the options hold literal secrets: makes a SERVER "<stream>_connection" and a USER
 * MAPPING of "owner" out of what they say of the connection, and returns the other
 * options with "connection" set to it.  Else returns them as they are.  To be followed,
 * when the stream's relation is there, by velo_kafka_own_connection, with which DROP of
 * the relation drops the connection too.
 */
extern List *velo_kafka_hide_secrets(List *options, const char *stream, Oid owner);
extern void velo_kafka_own_connection(const char *connection, Oid relation);

/* Is it the name of a property whose value must never be shown? */
extern bool velo_kafka_is_secret(const char *name);

/* The brokers as they are to be shown: "host:9092" of the options or of the server. */
extern const char *velo_kafka_brokers(List *options);

/* The topic of a stream: its option "topic", else its name. */
extern const char *velo_kafka_topic_name(List *options, const char *stream);

/* --- clients ---------------------------------------------------------------- */

typedef enum VeloKafkaKind
{
	VELO_KAFKA_CONSUMER,
	VELO_KAFKA_PRODUCER
} VeloKafkaKind;

typedef struct VeloKafkaClient VeloKafkaClient;

/*
 * Makes a client in the current memory context, which owns it.  properties as from
 * velo_kafka_properties, plus what the caller adds by velo_base_option_set (later ones
 * win).  Does not connect: that happens in the background.  Failed deliveries of a
 * producer are counted (velo_kafka_failed).  Raises 22023 if librdkafka refuses a value.
 */
extern VeloKafkaClient *velo_kafka_open(VeloKafkaKind kind, List *properties);
extern void velo_kafka_close(VeloKafkaClient *client);

/*
 * A consumer's messages are taken from rd_kafka_queue_get_consumer.  The main queue stays
 * with velo_kafka_serve: never call rd_kafka_poll_set_consumer, which would mix the two.
 * Messages and queues must be given back before the client ends; a callback of the same
 * memory context that is registered after velo_kafka_open runs before it.
 */
extern struct rd_kafka_s *velo_kafka_handle(VeloKafkaClient *client);

/*
 * To be called often by the owner, outside of callbacks: serves the handle's events
 * without waiting, writes what librdkafka had to say to the server's log (LOG or DEBUG,
 * at most VELO_KAFKA_LOGS_MAX lines a second), raises if the client has met a fatal
 * error (fenced: VE004).
 */
extern void velo_kafka_serve(VeloKafkaClient *client);

/* Why the last connection attempt failed, while no broker is connected; else NULL. */
extern const char *velo_kafka_trouble(VeloKafkaClient *client);

/*
 * The opaque pointer of a message that is produced is NULL or one of these, which is
 * filled when the message has been delivered or given up, by the owner's own thread
 * while it serves the client.  It must live until then or until the client is closed.
 */
typedef struct VeloKafkaReceipt
{
	bool is_done;
	int error; /* rd_kafka_resp_err_t */
	int partition;
	int64 offset;
} VeloKafkaReceipt;

/* Messages of this producer that were given up since it was opened, and why the first was. */
extern int64 velo_kafka_failed(VeloKafkaClient *client, int *error);

/*
 * Raises an error of librdkafka (rd_kafka_resp_err_t).  doing: "could not read topic
 * \"x\""; becomes the message; librdkafka's text and the client's trouble the detail.
 */
extern void velo_kafka_raise(VeloKafkaClient *client, int error, const char *doing)
	__attribute__((noreturn));
/* The same for an error object, which is destroyed; returns if it is NULL. */
extern void velo_kafka_check(VeloKafkaClient *client, struct rd_kafka_error_s *error,
							 const char *doing);

/*
 * Waits up to timeout_ms for a condition of the client's other threads, in small pieces
 * with CHECK_FOR_INTERRUPTS between them; a blocking call of librdkafka longer than
 * VELO_KAFKA_PIECE_MS must go through pieces like this too, so that a worker or a query
 * can always be cancelled.
 */
#define VELO_KAFKA_PIECE_MS 100

/* --- topics ----------------------------------------------------------------- */

typedef struct VeloKafkaTopic
{
	const char *name;
	bool exists;
	char id
		[33]; /* the topic's uuid in hex, so that one made anew is known; "" if the broker is too old */
	int npartitions;
	int replication;
} VeloKafkaTopic;

/* How long metadata may take before 08001 is raised; setting velo.kafka_timeout. */
extern int velo_kafka_timeout_ms;

/* Asks the broker; exists = false instead of an error if there is none. */
extern VeloKafkaTopic velo_kafka_topic(VeloKafkaClient *client, const char *topic);

/* All topics as List of VeloKafkaTopic *, internal ones left out, by name. */
extern List *velo_kafka_topics(VeloKafkaClient *client);

typedef struct VeloKafkaRange
{
	int64 low;	/* first offset there is */
	int64 high; /* behind the last record that a read_committed reader can see */
} VeloKafkaRange;

/* Ranges of partitions 0 … n - 1, asked for in one round trip a broker. */
extern void velo_kafka_ranges(VeloKafkaClient *client, const char *topic, int n,
							  VeloKafkaRange *ranges);

/* For each partition the first offset with a timestamp not before time; else the end. */
extern void velo_kafka_offsets_at(VeloKafkaClient *client, const char *topic, int n,
								  TimestampTz time, int64 *offsets);

/*
 * Makes a topic if there is none.  partitions, replication: -1 for the broker's own
 * defaults; configs: VeloOptionValue (cleanup.policy …).  False if it existed.
 */
extern bool velo_kafka_create_topic(VeloKafkaClient *client, const char *topic, int partitions,
									int replication, List *configs);
