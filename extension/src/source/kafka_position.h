/*
 * kafka_position.h
 *	  How far a partition of a topic has been read.
 *
 * An offset alone does not say it: a topic that was made anew, and a log that was cut and
 * written again, have the same offsets with other records.  So a position also has the
 * topic's id and the epoch of the leader that wrote the record before.
 *
 * As text: OFFSET[ EPOCH|-[ TOPIC-ID]].  A person may give the offset alone.
 */
#pragma once

#include "source/kafka_reader.h"

typedef struct VeloKafkaPosition
{
	int64 offset;	   /* of the next record */
	int32 epoch;	   /* of the leader that wrote the one before; -1: unknown */
	char topic_id[33]; /* "": unknown */
} VeloKafkaPosition;

extern char *velo_source_kafka_position_write(const VeloKafkaPosition *position);
/* Returns false if the text is none. */
extern bool velo_source_kafka_position_parse(const char *text, VeloKafkaPosition *position);

/* Raises VE008 if the position is not one that the reader's topic has. */
extern void velo_source_kafka_check_position(VeloKafkaReader *reader, int part,
											 const VeloKafkaPosition *position);

/*
 * Raises VE008 for an offset that the broker does not have, with what it has.  reason:
 * librdkafka's words, or NULL.
 */
extern void velo_source_kafka_raise_lost(VeloKafkaReader *reader, int part, int64 offset,
										 const char *reason) __attribute__((noreturn));

/* Raises VE008: the topic is not the one that the positions are of. */
extern void velo_source_kafka_raise_made_anew(const VeloKafkaReader *reader)
	__attribute__((noreturn));
