/*
 * kafka_relation.h
 *	  The relation of a Kafka stream.
 */
#pragma once

#include "source/source.h"

/* VeloSourceOps.create of type "kafka"; storage is the foreign table. */
extern Oid velo_source_kafka_create(const VeloStreamSpec *stream, Oid *storage);

/* Is _key bytea and not text? */
extern bool velo_source_kafka_key_is_bytes(List *options);
