/*
 * internal.h
 *	  What the files of this folder share.  Needs librdkafka's header, which comes
 *	  without types of PostgreSQL's.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "kafka/kafka.h"

/* --- events.c: what librdkafka's threads have to say --------------------------- */

/* Plain C memory that callbacks write to; made by malloc, outlives a slow destroy. */
typedef struct VeloKafkaEvents VeloKafkaEvents;

/* NULL if there is no memory. */
extern VeloKafkaEvents *velo_kafka_events_new(void);
extern void velo_kafka_events_free(VeloKafkaEvents *events);

/* Sets the callbacks of a configuration; wants_deliveries: those of a producer too. */
extern void velo_kafka_events_listen(VeloKafkaEvents *events, rd_kafka_conf_t *conf,
									 bool wants_deliveries);

/* Takes the oldest kept line; false if there is none.  level: that of syslog. */
#define VELO_KAFKA_LINE_MAX 512
extern bool velo_kafka_events_line(VeloKafkaEvents *events, char *text, int *level);

/* Lines that did not fit since the last call. */
extern int64 velo_kafka_events_dropped(VeloKafkaEvents *events);

typedef struct VeloKafkaState
{
	bool is_up;		  /* a broker is connected */
	bool was_up;	  /* one has been since the client was opened */
	bool is_all_down; /* every broker has been tried, without success */
	int error;		  /* of the last failed attempt, or 0 */
	char trouble[VELO_KAFKA_LINE_MAX];
	int64 failed; /* deliveries */
	int failed_error;
} VeloKafkaState;

extern void velo_kafka_events_state(VeloKafkaEvents *events, VeloKafkaState *state);

/* --- client.c ------------------------------------------------------------------- */

extern void velo_kafka_state(VeloKafkaClient *client, VeloKafkaState *state);

/* Text of librdkafka's or a broker's: valid in the server's encoding, without secrets. */
extern char *velo_kafka_clean(VeloKafkaClient *client, const char *text);

/* --- error.c -------------------------------------------------------------------- */

/* Raises, with the library's own text instead of the error's usual one. */
extern void velo_kafka_raise_text(VeloKafkaClient *client, int error, const char *text,
								  const char *doing) __attribute__((noreturn));

/* --- call.c ---------------------------------------------------------------------- */

typedef struct VeloKafkaCall
{
	VeloKafkaClient *client;
	const char *doing;	 /* for the message of its error */
	TimestampTz started; /* of the first attempt */
	rd_kafka_queue_t *queue;
	rd_kafka_AdminOptions_t *options;
	rd_kafka_event_t *event; /* the answer looked at */
	rd_kafka_topic_partition_list_t *partitions;
	rd_kafka_TopicCollection_t *topics;
	rd_kafka_NewTopic_t *new_topic;
} VeloKafkaCall;

/* What the pointers point to is given back by call_free; use PG_FINALLY. */
extern VeloKafkaCall *velo_kafka_call_new(VeloKafkaClient *client, rd_kafka_admin_op_t operation,
										  TimestampTz started, const char *doing);
extern void velo_kafka_call_free(VeloKafkaCall *call);
/* The next answer, in call->event; raises if the whole request has failed. */
extern void velo_kafka_call_wait(VeloKafkaCall *call);
/* Raises if every broker refuses to talk to us. */
extern void velo_kafka_call_check(VeloKafkaCall *call);

/* Asking again: may it help, is there time, and a pause before. */
extern bool velo_kafka_is_passing(rd_kafka_resp_err_t error);
extern bool velo_kafka_has_time(TimestampTz started);
extern void velo_kafka_pause(VeloKafkaClient *client);

/* --- properties.c ---------------------------------------------------------------- */

typedef enum VeloKafkaUse
{
	VELO_KAFKA_BOTH,
	VELO_KAFKA_OF_CONSUMER,
	VELO_KAFKA_OF_PRODUCER
} VeloKafkaUse;

/* Places in which a property may be given; or'ed. */
#define VELO_KAFKA_IN_SERVER 1	/* options of a SERVER, which everybody can read */
#define VELO_KAFKA_IN_MAPPING 2 /* options of a USER MAPPING */
#define VELO_KAFKA_IN_STREAM 4	/* property of a statement, or of a foreign table */
#define VELO_KAFKA_IN_PASSED 8	/* as kafka.<name>, of a SERVER or a statement */

typedef struct VeloKafkaProperty
{
	const char *name;
	VeloKafkaUse use; /* librdkafka complains about properties of the other kind */
	int places;
	bool is_secret;
	bool is_path; /* of a file on the server */
} VeloKafkaProperty;

extern const VeloKafkaProperty *velo_kafka_property_find(const char *name);
extern VeloKafkaUse velo_kafka_property_use(const char *name);

/* --- secret.c --------------------------------------------------------------------- */

extern bool velo_kafka_has_secret(const char *value);
/* Nothing but one reference, so that the value itself may be seen. */
extern bool velo_kafka_is_reference(const char *value);
/* Raises 42501 if the role may not use the secrets or the file, 22023 if it is none. */
extern void velo_kafka_check_secrets(const char *value, Oid role);
extern void velo_kafka_check_path(const char *path, const char *option, Oid role);
/* Reads them; who wrote the value must have been checked. */
extern char *velo_kafka_resolve_secrets(const char *value);

/* --- validator.c ------------------------------------------------------------------- */

/*
 * The library's property that an option stands for in one of the places (SERVER …), or
 * an error: 42501 if it is not allowed, HV00D if it has no place there.
 */
extern const VeloKafkaProperty *velo_kafka_place(const char *name, const char *value, int places);

/* Is it an option about connecting (sasl.*, ssl.*, kafka.* …), allowed or not? */
extern bool velo_kafka_is_connection_option(const char *name);

/* Raises 22023 or 42501 if librdkafka or we refuse the value, from that role. */
extern void velo_kafka_check_value(const VeloKafkaProperty *property, const char *option,
								   const char *value, Oid role);
