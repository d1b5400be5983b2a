/*
 * kafka_record.h
 *	  What a message of Kafka is as a row.
 */
#pragma once

#include <access/tupdesc.h>
#include <nodes/bitmapset.h>
#include <utils/jsonb.h>

#include "format/format.h"
#include "source/source.h"

struct rd_kafka_message_s;

typedef struct VeloKafkaDecoder VeloKafkaDecoder;

/*
 * Decodes the first natts columns of desc, or of them those in "needed" (0-based; NULL:
 * none); keys: those (int, 1-based) that the message's key holds.  name: of the stream, for
 * messages.  In the current memory context; desc and options must live as long.
 */
extern VeloKafkaDecoder *velo_source_kafka_decoder(const char *name, TupleDesc desc, int natts,
												   const Bitmapset *needed, List *keys,
												   List *options);

/*
 * Sets the needed columns; the others are left alone.  A message without a value is a
 * tombstone: columns of the key are set from the key, the others NULL.  False if the
 * message does not fit (*error says why); the type's own input functions raise.
 */
extern bool velo_source_kafka_decode(VeloKafkaDecoder *decoder,
									 const struct rd_kafka_message_s *message, Datum *values,
									 bool *nulls, bool *is_tombstone, VeloDecodeError *error);

/* The key as text, or as bytea if the column is one; raises 22021 if it is no text. */
extern Datum velo_source_kafka_key(const struct rd_kafka_message_s *message, Oid type,
								   bool *is_null);

/*
 * Headers as an object of texts, several of one name as an array; NULL if there are none.
 * What is no text stands in bytea's form (\x…).
 */
extern Jsonb *velo_source_kafka_headers(const struct rd_kafka_message_s *message);

/* The message's time; the clock's if it has none. */
extern TimestampTz velo_source_kafka_time(const struct rd_kafka_message_s *message);

/*
 * What the header _event_time says (milliseconds since 1970 or ISO 8601), if there is one;
 * raises 22007 or 22008 if it says no time.
 */
extern TimestampTz velo_source_kafka_event_time(const struct rd_kafka_message_s *message,
												TimestampTz otherwise);

/* Was that time given by the broker, so that it only grows? */
extern bool velo_source_kafka_time_is_append(const struct rd_kafka_message_s *message);

extern VeloRawRecord velo_source_kafka_raw(const struct rd_kafka_message_s *message,
										   const char *topic, bool with_headers);
