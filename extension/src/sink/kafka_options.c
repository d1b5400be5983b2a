/*
 * kafka_options.c
 *	  Properties of writing a topic.  Those of connections are in kafka/, the names that
 *	  librdkafka has for these in kafka_producer.c.
 */
#include "postgres.h"

#include "base/option.h"

static const VeloOption delivery_guarantee = {
	.name = "delivery.guarantee",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_CHOICE,
	.standard = "exactly_once",
	.choices = "exactly_once at_least_once",
	.description = "What a crash may do to output in Kafka: nothing, or repeat the last batch.",
};
VELO_OPTION(delivery_guarantee);

static const VeloOption kafka_acks = {
	.name = "acks",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "all",
	.choices = "all -1=all 0 1",
	.description = "Which replicas must have a record before it counts as delivered; exactly-once "
				   "delivery needs all.",
};
VELO_OPTION(kafka_acks);

static const VeloOption kafka_retries = {
	.name = "retries",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_INT,
	.standard = "2147483647",
	.min = 0,
	.max = 2147483647,
	.description = "How often the client sends a record again before it is given up.",
};
VELO_OPTION(kafka_retries);

static const VeloOption kafka_batch_size = {
	.name = "batch.size",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_INT,
	.standard = "1000000",
	.min = 1,
	.max = 2147483647,
	.description = "Most bytes of one request's records for one partition.",
};
VELO_OPTION(kafka_batch_size);

static const VeloOption kafka_linger = {
	.name = "linger.ms",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_MS,
	.standard = "5",
	.min = 0,
	.max = 900000,
	.description = "How long a record waits for others to be sent with it; a batch's end does "
				   "not wait.",
};
VELO_OPTION(kafka_linger);

static const VeloOption kafka_buffer = {
	.name = "buffer.memory",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_INT,
	.standard = "134217728",
	.min = 1048576,
	.max = 2147483647,
	.description = "Bytes that wait in the client to be sent; writing waits when they are used up.",
};
VELO_OPTION(kafka_buffer);

static const VeloOption kafka_compression = {
	.name = "compression.type",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "snappy",
	.choices = "none gzip snappy lz4 zstd",
	.description = "How the client compresses what it sends.",
};
VELO_OPTION(kafka_compression);

static const VeloOption kafka_idempotence = {
	.name = "enable.idempotence",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_BOOL,
	.standard = "true",
	.description = "Whether the broker drops what the client sends twice; false only with "
				   "at_least_once.",
};
VELO_OPTION(kafka_idempotence);

static const VeloOption kafka_partitions = {
	.name = "partitions",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_INT,
	.min = 1,
	.max = 100000,
	.description = "Partitions of the topic if it is made; not given: what the broker makes.",
};
VELO_OPTION(kafka_partitions);

static const VeloOption kafka_replication = {
	.name = "replication.factor",
	.scopes = VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_INT,
	.min = 1,
	.max = 1000,
	.description = "Replicas of the topic if it is made; not given: what the broker makes.",
};
VELO_OPTION(kafka_replication);
