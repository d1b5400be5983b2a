/*
 * topic.c
 *	  What a broker knows of its topics, and making one.
 *
 * A broker that has just started, or a topic that was just made, has partitions without
 * a leader for a moment: such answers are asked for again until the time is up.
 */
#include "postgres.h"

#include <miscadmin.h>
#include <utils/timestamp.h>

#include "kafka/internal.h"

/* --- describing ---------------------------------------------------------------------- */

static void
copy_id(char *id, const rd_kafka_Uuid_t *uuid)
{
	uint64 most = uuid ? (uint64) rd_kafka_Uuid_most_significant_bits(uuid) : 0;
	uint64 least = uuid ? (uint64) rd_kafka_Uuid_least_significant_bits(uuid) : 0;

	id[0] = '\0';
	if (most != 0 || least != 0)
		snprintf(id, 33, "%016llx%016llx", (unsigned long long) most, (unsigned long long) least);
}

/* *error: why a topic that exists cannot be described yet, or at all. */
static void
take_description(VeloKafkaTopic *topic, const rd_kafka_TopicDescription_t *description,
				 rd_kafka_resp_err_t *error)
{
	const rd_kafka_error_t *failure = rd_kafka_TopicDescription_error(description);
	const rd_kafka_TopicPartitionInfo_t **partitions;
	size_t npartitions = 0;
	size_t nreplicas = 0;

	*error = failure ? rd_kafka_error_code(failure) : RD_KAFKA_RESP_ERR_NO_ERROR;
	topic->exists = *error == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (*error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		*error = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (!topic->exists)
		return;
	copy_id(topic->id, rd_kafka_TopicDescription_topic_id(description));
	partitions = rd_kafka_TopicDescription_partitions(description, &npartitions);
	topic->npartitions = (int) npartitions;
	if (npartitions > 0)
		(void) rd_kafka_TopicPartitionInfo_replicas(partitions[0], &nreplicas);
	topic->replication = (int) nreplicas;
}

static const rd_kafka_TopicDescription_t **
ask_descriptions(VeloKafkaCall *call, const char **names, size_t n, size_t *count)
{
	call->topics = rd_kafka_TopicCollection_of_topic_names(names, n);
	rd_kafka_DescribeTopics(velo_kafka_handle(call->client), call->topics, call->options,
							call->queue);
	velo_kafka_call_wait(call);
	return rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(call->event),
												 count);
}

/* One attempt. */
static rd_kafka_resp_err_t
describe(VeloKafkaClient *client, TimestampTz started, VeloKafkaTopic *topic, const char *doing)
{
	VeloKafkaCall *call = velo_kafka_call_new(client, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, started,
											  doing);
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;

	PG_TRY();
	{
		const rd_kafka_TopicDescription_t **found;
		size_t n = 0;

		found = ask_descriptions(call, &topic->name, 1, &n);
		topic->exists = false;
		if (n > 0)
			take_description(topic, found[0], &error);
	}
	PG_FINALLY();
	{
		velo_kafka_call_free(call);
	}
	PG_END_TRY();
	return error;
}

VeloKafkaTopic
velo_kafka_topic(VeloKafkaClient *client, const char *name)
{
	VeloKafkaTopic topic = {.name = pstrdup(name)};
	TimestampTz started = GetCurrentTimestamp();
	char *doing = psprintf("could not look up topic \"%s\"", name);
	rd_kafka_resp_err_t error;

	/* PG_TRY lies in describe(): what it gives back is in memory, not in registers. */
	while ((error = describe(client, started, &topic, doing)) != RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		if (!velo_kafka_is_passing(error) || !velo_kafka_has_time(started))
			velo_kafka_raise(client, error, doing);
		velo_kafka_pause(client);
	}
	pfree(doing);
	return topic;
}

/* Names of all topics; the only blocking call, so it is tried with growing patience. */
static const struct rd_kafka_metadata *
ask_names(VeloKafkaClient *client, TimestampTz started, const char *doing)
{
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t error;

	for (int wait_ms = VELO_KAFKA_PIECE_MS;; wait_ms = Min(wait_ms * 2, 1000))
	{
		VeloKafkaCall call = {.client = client, .doing = doing};

		error = rd_kafka_metadata(velo_kafka_handle(client), 1, NULL, &metadata, wait_ms);
		if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
			return metadata;
		CHECK_FOR_INTERRUPTS();
		velo_kafka_serve(client);
		velo_kafka_call_check(&call);
		if ((error != RD_KAFKA_RESP_ERR__TIMED_OUT && !velo_kafka_is_passing(error)) ||
			!velo_kafka_has_time(started))
			velo_kafka_raise(client, error, doing);
	}
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Copies the names, in order. */
static const char **
topic_names(VeloKafkaClient *client, TimestampTz started, const char *doing, int *n)
{
	const struct rd_kafka_metadata *metadata = ask_names(client, started, doing);
	const char **names = NULL;

	*n = metadata->topic_cnt;
	PG_TRY();
	{
		names = palloc(sizeof(char *) * Max(1, *n));
		for (int i = 0; i < *n; i++)
			names[i] = pstrdup(metadata->topics[i].topic);
	}
	PG_FINALLY();
	{
		rd_kafka_metadata_destroy(metadata);
	}
	PG_END_TRY();
	qsort(names, *n, sizeof(char *), compare_names);
	return names;
}

static List *
collect_topics(const rd_kafka_TopicDescription_t **found, size_t n)
{
	List *topics = NIL;

	for (size_t i = 0; i < n; i++)
	{
		VeloKafkaTopic *topic = palloc0(sizeof(VeloKafkaTopic));
		rd_kafka_resp_err_t error;

		topic->name = pstrdup(rd_kafka_TopicDescription_name(found[i]));
		take_description(topic, found[i], &error);
		/* One that has gone since, or that we may not look at, is not listed. */
		if (topic->exists && !rd_kafka_TopicDescription_is_internal(found[i]))
			topics = lappend(topics, topic);
	}
	return topics;
}

static int
compare_topics(const ListCell *a, const ListCell *b)
{
	return strcmp(((VeloKafkaTopic *) lfirst(a))->name, ((VeloKafkaTopic *) lfirst(b))->name);
}

List *
velo_kafka_topics(VeloKafkaClient *client)
{
	TimestampTz started = GetCurrentTimestamp();
	static const char doing[] = "could not list topics";
	int n;
	const char **names = topic_names(client, started, doing, &n);
	List *volatile topics = NIL;
	VeloKafkaCall *call;

	if (n == 0)
		return NIL;
	call = velo_kafka_call_new(client, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, started, doing);
	PG_TRY();
	{
		size_t count = 0;
		const rd_kafka_TopicDescription_t **found = ask_descriptions(call, names, n, &count);

		topics = collect_topics(found, count);
	}
	PG_FINALLY();
	{
		velo_kafka_call_free(call);
	}
	PG_END_TRY();
	list_sort(topics, compare_topics);
	return topics;
}

/* --- making ---------------------------------------------------------------------------- */

/* Raises if librdkafka refuses the numbers or a config. */
static void
make_request(VeloKafkaCall *call, const char *topic, int partitions, int replication, List *configs)
{
	char text[256];
	ListCell *cell;

	call->new_topic = rd_kafka_NewTopic_new(topic, partitions, replication, text, sizeof(text));
	if (call->new_topic == NULL)
		velo_kafka_raise_text(call->client, RD_KAFKA_RESP_ERR__INVALID_ARG, text, call->doing);
	foreach(cell, configs)
	{
		VeloOptionValue *config = lfirst(cell);
		rd_kafka_resp_err_t error = rd_kafka_NewTopic_set_config(call->new_topic, config->name,
																 config->value);

		if (error)
			velo_kafka_raise(call->client, error, call->doing);
	}
	(void) rd_kafka_AdminOptions_set_operation_timeout(call->options, velo_kafka_timeout_ms, text,
													   sizeof(text));
}

/* Sends it; false if there is such a topic. */
static bool
send_request(VeloKafkaCall *call)
{
	const rd_kafka_topic_result_t **results;
	rd_kafka_resp_err_t error;
	const char *text;
	size_t n = 0;

	rd_kafka_CreateTopics(velo_kafka_handle(call->client), &call->new_topic, 1, call->options,
						  call->queue);
	velo_kafka_call_wait(call);
	results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(call->event),
												  &n);
	error = n > 0 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
	if (error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return false;
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		return true;
	text = n > 0 ? rd_kafka_topic_result_error_string(results[0]) : NULL;
	velo_kafka_raise_text(call->client, error, text ? text : rd_kafka_err2str(error), call->doing);
}

bool
velo_kafka_create_topic(VeloKafkaClient *client, const char *topic, int partitions, int replication,
						List *configs)
{
	TimestampTz started = GetCurrentTimestamp();
	VeloKafkaCall *call = velo_kafka_call_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, started,
											  psprintf("could not create topic \"%s\"", topic));
	volatile bool is_made = false;

	PG_TRY();
	{
		make_request(call, topic, partitions, replication, configs);
		is_made = send_request(call);
	}
	PG_FINALLY();
	{
		velo_kafka_call_free(call);
	}
	PG_END_TRY();
	/* The controller has it; whom we ask next may not have heard of it yet. */
	while (is_made && !velo_kafka_topic(client, topic).exists && velo_kafka_has_time(started))
		velo_kafka_pause(client);
	return is_made;
}
