/*
 * test_kafka.c
 *	  Drives the Kafka client from SQL, for tests.
 *
 * Only test builds have it.  A test declares what it needs, as in
 *
 *		CREATE FUNCTION kafka_offsets(…) … AS 'velostream', 'velo_test_kafka_offsets';
 *
 * tests/kafka/functions.sql has the declarations.
 */
#include "postgres.h"

#include "kafka/kafka.h"

#ifdef VELO_TESTPOINTS

#include <funcapi.h>
#include <librdkafka/rdkafka.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/jsonb.h>
#include <utils/timestamp.h>
#include <utils/tuplestore.h>

#include "base/function.h"

static VeloKafkaClient *
open_client(Jsonb *options, VeloKafkaKind kind)
{
	return velo_kafka_open(kind, velo_kafka_properties(velo_base_options_from_jsonb(options),
													   GetUserId()));
}

/* kafka_hide(options, stream): options as they are left by velo_kafka_hide_secrets */
VELO_FUNCTION(velo_test_kafka_hide)
{
	List *options = velo_base_options_from_jsonb(PG_GETARG_JSONB_P(0));
	const char *stream = text_to_cstring(PG_GETARG_TEXT_PP(1));

	PG_RETURN_JSONB_P(velo_base_options_to_jsonb(velo_kafka_hide_secrets(options, stream,
																		 GetUserId())));
}

/* kafka_own(connection, relation) */
VELO_FUNCTION(velo_test_kafka_own)
{
	velo_kafka_own_connection(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_OID(1));
	PG_RETURN_VOID();
}

/* kafka_check(options): raises what CREATE STREAM would */
VELO_FUNCTION(velo_test_kafka_check)
{
	velo_kafka_check_options(velo_base_options_from_jsonb(PG_GETARG_JSONB_P(0)), GetUserId());
	PG_RETURN_VOID();
}

/* kafka_properties(options): what librdkafka is given; shows secrets */
VELO_FUNCTION(velo_test_kafka_properties)
{
	List *options = velo_base_options_from_jsonb(PG_GETARG_JSONB_P(0));

	PG_RETURN_JSONB_P(velo_base_options_to_jsonb(velo_kafka_properties(options, GetUserId())));
}

/* kafka_offsets(options, topic, time): (partition, low, high, at) */
VELO_FUNCTION(velo_test_kafka_offsets)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	VeloKafkaClient *client = open_client(PG_GETARG_JSONB_P(0), VELO_KAFKA_CONSUMER);
	VeloKafkaTopic topic = velo_kafka_topic(client, name);
	VeloKafkaRange *ranges = palloc0(sizeof(VeloKafkaRange) * Max(1, topic.npartitions));
	int64 *at = palloc0(sizeof(int64) * Max(1, topic.npartitions));

	InitMaterializedSRF(fcinfo, 0);
	velo_kafka_ranges(client, name, topic.npartitions, ranges);
	velo_kafka_offsets_at(client, name, topic.npartitions, PG_GETARG_TIMESTAMPTZ(2), at);
	velo_kafka_close(client);
	for (int i = 0; i < topic.npartitions; i++)
	{
		Datum values[4] = {Int32GetDatum(i), Int64GetDatum(ranges[i].low),
						   Int64GetDatum(ranges[i].high), Int64GetDatum(at[i])};
		bool nulls[4] = {0};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* kafka_create(options, topic, partitions, replication, configs): was it made? */
VELO_FUNCTION(velo_test_kafka_create)
{
	VeloKafkaClient *client = open_client(PG_GETARG_JSONB_P(0), VELO_KAFKA_PRODUCER);

	PG_RETURN_BOOL(velo_kafka_create_topic(client, text_to_cstring(PG_GETARG_TEXT_PP(1)),
										   PG_GETARG_INT32(2), PG_GETARG_INT32(3),
										   velo_base_options_from_jsonb(PG_GETARG_JSONB_P(4))));
}

/* kafka_send(options, topic, value, wait_ms): failed deliveries, and why the first was */
VELO_FUNCTION(velo_test_kafka_send)
{
	VeloKafkaClient *client = open_client(PG_GETARG_JSONB_P(0), VELO_KAFKA_PRODUCER);
	const char *topic = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *value = text_to_cstring(PG_GETARG_TEXT_PP(2));
	int error = 0;

	(void) rd_kafka_producev(velo_kafka_handle(client), RD_KAFKA_V_TOPIC(topic),
							 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
							 RD_KAFKA_V_VALUE(value, strlen(value)), RD_KAFKA_V_END);
	for (int ms = 0; ms < PG_GETARG_INT32(3); ms += VELO_KAFKA_PIECE_MS)
	{
		if (rd_kafka_outq_len(velo_kafka_handle(client)) == 0)
			break;
		pg_usleep(VELO_KAFKA_PIECE_MS * 1000L);
		CHECK_FOR_INTERRUPTS();
		velo_kafka_serve(client);
	}
	if (velo_kafka_failed(client, &error) > 0)
		velo_kafka_raise(client, error, psprintf("could not write to topic \"%s\"", topic));
	PG_RETURN_INT32(rd_kafka_outq_len(velo_kafka_handle(client)));
}

/* kafka_fence(options, transactional_id, topic): commits what a second producer has fenced */
VELO_FUNCTION(velo_test_kafka_fence)
{
	List *properties = velo_kafka_properties(velo_base_options_from_jsonb(PG_GETARG_JSONB_P(0)),
											 GetUserId());
	const char *id = text_to_cstring(PG_GETARG_TEXT_PP(1));
	VeloKafkaClient *clients[2];

	properties = velo_base_option_set(properties, "transactional.id", id);
	for (int i = 0; i < 2; i++)
	{
		clients[i] = velo_kafka_open(VELO_KAFKA_PRODUCER, properties);
		velo_kafka_check(clients[i],
						 rd_kafka_init_transactions(velo_kafka_handle(clients[i]), 10000),
						 "could not begin");
	}
	velo_kafka_check(clients[0], rd_kafka_begin_transaction(velo_kafka_handle(clients[0])),
					 "could not begin a transaction");
	(void) rd_kafka_producev(velo_kafka_handle(clients[0]),
							 RD_KAFKA_V_TOPIC(text_to_cstring(PG_GETARG_TEXT_PP(2))),
							 RD_KAFKA_V_VALUE("x", 1), RD_KAFKA_V_END);
	velo_kafka_check(clients[0], rd_kafka_commit_transaction(velo_kafka_handle(clients[0]), 10000),
					 "could not commit to Kafka");
	PG_RETURN_VOID();
}
#endif
