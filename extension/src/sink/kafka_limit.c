/*
 * kafka_limit.c
 *	  What a message of a topic may have, asked of the broker.
 *
 * A record that the broker refuses for its size must be found while its batch can still do
 * without it.  Once it is in the outbox, the batch can neither be sent nor be undone.
 */
#include "postgres.h"

#include "sink/kafka_producer.h"

#include <librdkafka/rdkafka.h>
#include <miscadmin.h>
#include <utils/timestamp.h>

#define LIMIT_CONFIG "max.message.bytes"

/* The value in an answer, or -1. */
static int
limit_in(rd_kafka_event_t *event)
{
	const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
	const rd_kafka_ConfigResource_t **resources;
	const rd_kafka_ConfigEntry_t **entries;
	size_t n;

	if (rd_kafka_event_error(event) || result == NULL)
		return -1;
	resources = rd_kafka_DescribeConfigs_result_resources(result, &n);
	if (n == 0 || rd_kafka_ConfigResource_error(resources[0]))
		return -1;
	entries = rd_kafka_ConfigResource_configs(resources[0], &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), LIMIT_CONFIG) == 0 &&
			rd_kafka_ConfigEntry_value(entries[i]))
			return atoi(rd_kafka_ConfigEntry_value(entries[i]));
	return -1;
}

static rd_kafka_event_t *
wait_answer(VeloKafkaClient *client, rd_kafka_queue_t *queue)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), velo_kafka_timeout_ms);
	rd_kafka_event_t *event = NULL;

	while (event == NULL && GetCurrentTimestamp() < end)
	{
		CHECK_FOR_INTERRUPTS();
		event = rd_kafka_queue_poll(queue, VELO_KAFKA_PIECE_MS);
	}
	return event;
}

int
velo_sink_kafka_topic_limit(VeloKafkaClient *client, const char *topic)
{
	rd_kafka_t *handle = velo_kafka_handle(client);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
																	  topic);
	volatile int limit = -1;

	rd_kafka_DescribeConfigs(handle, &resource, 1, NULL, queue);
	rd_kafka_ConfigResource_destroy(resource);
	PG_TRY();
	{
		rd_kafka_event_t *event = wait_answer(client, queue);

		if (event)
		{
			limit = limit_in(event);
			rd_kafka_event_destroy(event);
		}
	}
	PG_FINALLY();
	{
		rd_kafka_queue_destroy(queue);
	}
	PG_END_TRY();
	return limit;
}
