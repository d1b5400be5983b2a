/*
 * kafka_topics.c
 *	  velo.kafka_topics(): which topics a broker has, for the caller.
 *
 * It asks over the caller's own connection, so it also shows whether a connection works.
 */
#include "postgres.h"

#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/tuplestore.h>

#include "base/function.h"
#include "kafka/kafka.h"

/* velo.kafka_topics(connection) → one row for each topic, by name */
VELO_FUNCTION(velo_kafka_topics_list)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *name = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	List *options = NIL;
	VeloKafkaClient *client;
	List *topics;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	if (name)
		options = velo_base_option_set(options,
									   strchr(name, ':') ? "bootstrap.servers" : "connection",
									   name);
	/* A producer: it has no need of a group. */
	client = velo_kafka_open(VELO_KAFKA_PRODUCER, velo_kafka_properties(options, GetUserId()));
	topics = velo_kafka_topics(client);
	velo_kafka_close(client);
	foreach(cell, topics)
	{
		VeloKafkaTopic *topic = lfirst(cell);
		Datum values[4] = {CStringGetTextDatum(topic->name), Int32GetDatum(topic->npartitions),
						   Int32GetDatum(topic->replication), CStringGetTextDatum(topic->id)};
		bool nulls[4] = {false, false, false, topic->id[0] == '\0'};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
