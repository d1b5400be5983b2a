/*
 * kafka.c
 *	  SQL functions about topics.
 */
#include "postgres.h"

#include <funcapi.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "base/function.h"
#include "kafka/kafka.h"
#include "meta/meta.h"

/* The owner of a relation that the caller may read; raises 42501 if he may not. */
static Oid
readable_owner(Oid relation)
{
	const char *args[1] = {velo_meta_oid_text(relation)};
	VeloMetaScope scope;
	Oid owner = InvalidOid;

	if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_VIEW, get_rel_name(relation));
	velo_meta_begin(&scope);
	if (velo_meta_run("SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1::oid", 1, args) > 0)
		owner = atooid(velo_meta_value(0, 1));
	velo_meta_end(&scope);
	return owner;
}

/* velo._topic_ranges(stream) → (partition, earliest, latest): none for streams that are no topics */
VELO_FUNCTION(velo_topic_ranges)
{
	Oid relation = PG_GETARG_OID(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	VeloStream *stream = velo_meta_stream(relation);
	VeloKafkaClient *client;
	VeloKafkaTopic topic;
	VeloKafkaRange *ranges;
	Oid owner;

	InitMaterializedSRF(fcinfo, 0);
	if (stream == NULL || strcmp(stream->type, "kafka") != 0)
		return (Datum) 0;
	owner = readable_owner(relation);
	client = velo_kafka_open(VELO_KAFKA_CONSUMER, velo_kafka_properties(stream->options, owner));
	topic = velo_kafka_topic(client,
							 velo_kafka_topic_name(stream->options, get_rel_name(relation)));
	if (!topic.exists)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("topic \"%s\" does not exist", topic.name)));
	ranges = palloc(sizeof(VeloKafkaRange) * Max(1, topic.npartitions));
	if (topic.npartitions > 0)
		velo_kafka_ranges(client, topic.name, topic.npartitions, ranges);
	velo_kafka_close(client);
	for (int i = 0; i < topic.npartitions; i++)
	{
		Datum values[3] = {Int32GetDatum(i), Int64GetDatum(ranges[i].low),
						   Int64GetDatum(ranges[i].high)};
		bool nulls[3] = {false, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
