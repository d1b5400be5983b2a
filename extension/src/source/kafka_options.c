/*
 * kafka_options.c
 *	  Properties of reading a topic.  Those of connections are in kafka/.
 */
#include "postgres.h"

#include "base/option.h"

static const VeloOption kafka_group = {
	.name = "group.id",
	.aliases = "consumer.group",
	.scopes = VELO_OPTION_SOURCE,
	.types = "kafka",
	.type = VELO_OPTION_TEXT,
	.description = "Consumer group under which committed positions are shown to the broker's "
				   "tools; it decides nothing.  Not given: velo- and the stream's name.",
};
VELO_OPTION(kafka_group);

static const VeloOption kafka_reset = {
	.name = "auto.offset.reset",
	.scopes = VELO_OPTION_SOURCE,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "latest",
	.choices = "earliest latest",
	.description = "Where a job without a saved position begins to read; plain SELECT always "
				   "begins at the earliest record.",
};
VELO_OPTION(kafka_reset);

static const VeloOption kafka_bounded = {
	.name = "bounded",
	.scopes = VELO_OPTION_SOURCE,
	.types = "kafka",
	.type = VELO_OPTION_BOOL,
	.standard = "false",
	.description = "Stop at the ends that the topic's partitions had when reading began.",
};
VELO_OPTION(kafka_bounded);

static const VeloOption kafka_isolation = {
	.name = "isolation.level",
	.scopes = VELO_OPTION_SOURCE,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "read_committed",
	.choices = "read_committed read_uncommitted",
	.description = "Whether records of transactions that are open or were aborted are read too.",
};
VELO_OPTION(kafka_isolation);

static const VeloOption kafka_session_timeout = {
	.name = "session.timeout.ms",
	.scopes = VELO_OPTION_SOURCE,
	.types = "kafka",
	.type = VELO_OPTION_MS,
	.standard = "30000",
	.description = "Accepted and without effect: jobs are no members of a consumer group.",
};
VELO_OPTION(kafka_session_timeout);

static const VeloOption kafka_heartbeat = {
	.name = "heartbeat.interval.ms",
	.scopes = VELO_OPTION_SOURCE,
	.types = "kafka",
	.type = VELO_OPTION_MS,
	.standard = "3000",
	.description = "Accepted and without effect: jobs are no members of a consumer group.",
};
VELO_OPTION(kafka_heartbeat);

static const VeloOption kafka_auto_commit = {
	.name = "enable.auto.commit",
	.scopes = VELO_OPTION_SOURCE,
	.types = "kafka",
	.type = VELO_OPTION_BOOL,
	.standard = "false",
	.description = "Accepted and without effect: positions are committed in PostgreSQL with what "
				   "was made of the records.",
};
VELO_OPTION(kafka_auto_commit);
