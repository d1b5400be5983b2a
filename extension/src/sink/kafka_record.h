/*
 * kafka_record.h
 *	  Rows as messages of Kafka, packed one behind the other.
 *
 * A packed message is written once, while its row is in the processor's cache, and then
 * only copied: into the outbox, and to the broker.
 *
 *	tag			1 byte: what follows (RECORD_…)
 *	time		8 bytes, milliseconds since 1970, if it has one
 *	key			4 bytes length, bytes, if it has one
 *	headers		4 bytes length, 2 bytes count, then for each: 2 bytes length of the name,
 *				name, 4 bytes length of the value (-1: NULL), value; if it has some
 *	value		4 bytes length, bytes, unless it is a tombstone
 *
 * Numbers are in the machine's own order and unaligned: they do not leave the cluster.
 */
#pragma once

#include <lib/stringinfo.h>
#include <utils/jsonb.h>

#include "row/row.h"
#include "sink/sink.h"

typedef struct VeloKafkaRecord
{
	int64 time_ms; /* -1: none; the client sets the present */
	const char *key;
	int key_length;
	const char *value; /* NULL: a tombstone */
	int value_length;
	const char *headers; /* packed; NULL: none */
	int headers_length;
} VeloKafkaRecord;

typedef struct VeloKafkaEncoder VeloKafkaEncoder;

/*
 * Encodes rows of spec->desc, in the current memory context; spec must live as long.
 * Raises for columns that the formats cannot write, and for a key.field that is no column.
 */
extern VeloKafkaEncoder *velo_sink_kafka_encoder(const VeloSinkSpec *spec);

/*
 * Appends a row as a packed message; raises if the format does, or (22001) if it has more
 * than bytes_max bytes.  What was appended before an error must be cut off by the caller.
 */
extern void velo_sink_kafka_encode(VeloKafkaEncoder *encoder, const Datum *values,
								   const bool *nulls, bool is_tombstone, int bytes_max,
								   StringInfo out);

/* Appends a message given by its parts. */
extern void velo_sink_kafka_pack(const VeloKafkaRecord *record, StringInfo out);

/* Appends headers, packed: from an object of texts, arrays of texts and NULLs. */
extern void velo_sink_kafka_pack_headers(const Jsonb *headers, StringInfo out);

/* Reads the message at "at" and returns where the next one begins; raises XX001. */
extern const char *velo_sink_kafka_unpack(const char *at, const char *end, VeloKafkaRecord *record);

/* The key, shortened, for messages; "(none)". */
extern char *velo_sink_kafka_show_key(const char *key, int length);
