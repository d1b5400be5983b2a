/*
 * kafka_watch.c
 *	  Has the topic changed since it was opened?
 *
 * The broker is asked now and then, and the answer looked at when it is there: a worker
 * must not wait for a broker that is away.
 *
 * A TOPIC THAT IS MADE ANEW under a running reader is read on at the old offset as if
 * nothing had happened, for records do not say which topic they are of.  To delete a
 * topic, make it and fill it takes a while in which nothing can be read.  So when records
 * come after a pause, what was made of them is committed only after the broker has said
 * that the topic is still the one that was opened.  That costs a round trip, which waits
 * behind the request for records; a stream that flows pays nothing.  Where the pause is
 * shorter than QUIET_US, the answer is looked at in the next batch, and the job fails then.
 * A broker that has just gone away cannot answer: after CONFIRM_MS the records are
 * believed, or every restart of a broker would stop the job.
 */
#include "postgres.h"

#include "source/kafka_reader.h"

#include <librdkafka/rdkafka.h>
#include <miscadmin.h>
#include <utils/timestamp.h>

#include "source/kafka_position.h"

/* How often the topic's partitions are asked for. */
#define WATCH_EVERY_US (3 * USECS_PER_SEC)
/* How long a commit waits for the broker's word. */
#define CONFIRM_MS 250
/* Records after a pause of this length are looked at with suspicion. */
#define QUIET_US (200 * 1000)

static void
id_text(const rd_kafka_Uuid_t *id, char *text)
{
	snprintf(text, 33, "%016llx%016llx",
			 (unsigned long long) rd_kafka_Uuid_most_significant_bits(id),
			 (unsigned long long) rd_kafka_Uuid_least_significant_bits(id));
}

static void
ask(VeloKafkaReader *reader)
{
	rd_kafka_t *handle = velo_kafka_handle(reader->client);
	const char *name = reader->topic.name;
	rd_kafka_TopicCollection_t *topics = rd_kafka_TopicCollection_of_topic_names(&name, 1);

	if (reader->watch == NULL)
		reader->watch = rd_kafka_queue_new(handle);
	rd_kafka_DescribeTopics(handle, topics, NULL, reader->watch);
	rd_kafka_TopicCollection_destroy(topics);
	reader->is_watching = true;
	reader->watched_at = GetCurrentTimestamp();
	reader->asked = reader->taken;
}

static void
judge(VeloKafkaReader *reader, const rd_kafka_TopicDescription_t *topic)
{
	char id[33];
	size_t n;

	/* A topic that is gone may be coming back: reading says what is wrong. */
	if (rd_kafka_error_code(rd_kafka_TopicDescription_error(topic)))
		return;
	id_text(rd_kafka_TopicDescription_topic_id(topic), id);
	(void) rd_kafka_TopicDescription_partitions(topic, &n);
	reader->is_made_anew = reader->topic.id[0] && strcmp(id, reader->topic.id) != 0;
	reader->is_changed = (int) n != reader->nparts || reader->is_made_anew;
}

/* Looks at the answer, if there is one within timeout_ms. */
static bool
hear(VeloKafkaReader *reader, int timeout_ms)
{
	rd_kafka_event_t *event;
	size_t n = 0;

	if (!reader->is_watching || (event = rd_kafka_queue_poll(reader->watch, timeout_ms)) == NULL)
		return false;
	if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT &&
		!rd_kafka_event_error(event))
	{
		const rd_kafka_TopicDescription_t **topics =
			rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &n);

		if (n > 0)
			judge(reader, topics[0]);
	}
	rd_kafka_event_destroy(event);
	reader->is_watching = false;
	reader->confirmed = reader->asked;
	return true;
}

bool
velo_source_kafka_reader_is_changed(VeloKafkaReader *reader)
{
	TimestampTz now = GetCurrentTimestamp();

	(void) hear(reader, 0);
	if (reader->watched_at == 0)
		reader->watched_at = now;
	if (!reader->is_watching && now - reader->watched_at > WATCH_EVERY_US)
		ask(reader);
	return reader->is_changed;
}

void
velo_source_kafka_reader_ask(VeloKafkaReader *reader)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now - reader->taken_at > QUIET_US)
		reader->is_after_pause = true;
	reader->taken_at = now;
	(void) hear(reader, 0);
	if (!reader->is_watching && reader->confirmed < reader->taken && reader->topic.id[0])
		ask(reader);
}

void
velo_source_kafka_reader_confirm(VeloKafkaReader *reader)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CONFIRM_MS);

	(void) hear(reader, 0);
	while (reader->is_after_pause && reader->confirmed < reader->taken && reader->topic.id[0])
	{
		int left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

		if (left <= 0)
			break;
		CHECK_FOR_INTERRUPTS();
		if (!reader->is_watching)
			ask(reader);
		(void) hear(reader, Min(left, VELO_KAFKA_PIECE_MS));
	}
	reader->is_after_pause = false;
	if (reader->is_made_anew)
		velo_source_kafka_raise_made_anew(reader);
}
