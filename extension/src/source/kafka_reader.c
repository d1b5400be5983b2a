/*
 * kafka_reader.c
 *	  Messages of a topic from given offsets on.
 *
 * librdkafka fetches ahead in its own threads into one queue for all partitions,
 * bounded by QUEUE_KBYTES.  We never wait in it: the queue writes to an eventfd when
 * it ceases to be empty, and the process waits for that beside its latch, so that a
 * worker or a query can be stopped at once and holds no lock of librdkafka's meanwhile.
 *
 * WHERE IT ENDS.  A partition's end is an offset, but the last offsets may belong to
 * control records and to records of aborted transactions, which nobody ever sees.  So
 * an end is reached by a record behind it, or by the broker's word that there is nothing
 * more ("partition EOF"), which carries the offset behind all of them.
 *
 * WHAT CANNOT BE READ.  auto.offset.reset is "error": a position that the topic does not
 * have (any more) must not silently become another one, because that loses or doubles
 * records.  It is raised as VE008 with what the broker has, and a person decides.
 * The position also says which topic it was in (its id) and under which leader the
 * record before it was written (its epoch): a topic that was made anew and a log that
 * was cut and written again have the same offsets with other records.
 *
 * A BROKER THAT GOES AWAY is no error: librdkafka connects again by itself, until then
 * there is no input.
 */
#include "postgres.h"

#include "source/kafka_reader.h"

#include <librdkafka/rdkafka.h>
#include <miscadmin.h>
#include <storage/latch.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utils/memutils.h>
#include <utils/timestamp.h>
#include <utils/wait_event.h>

#include "source/kafka_position.h"

/*
 * What is fetched ahead.  A job reads 2 million small records a second or waits for the
 * broker for some milliseconds; this is enough for both and small beside the job's state.
 */
#define QUEUE_KBYTES "32768"
#define QUEUE_MESSAGES "100000"
#define FETCH_BYTES "16777216"
/* How long the broker holds a request for which there is nothing: a bound on latency. */
#define FETCH_WAIT_MS "20"
/*
 * How long nothing is fetched once the queue is full: the library's second is an eternity
 * for a reader that empties the queue in some milliseconds.
 */
#define QUEUE_FULL_MS "5"

/* --- opening ------------------------------------------------------------------- */

static void
forget(void *arg)
{
	velo_source_kafka_reader_close(arg);
}

static bool
is_given(List *properties, const char *name)
{
	ListCell *cell;

	foreach(cell, properties)
		if (strcmp(((VeloOptionValue *) lfirst(cell))->name, name) == 0)
			return true;
	return false;
}

static const char *
isolation_of(List *options)
{
	const char *isolation = velo_base_option_text(options, "isolation.level");

	return isolation ? isolation : "read_committed";
}

static List *
reader_properties(List *options, Oid role, const char *group)
{
	static const struct
	{
		const char *name;
		const char *value;
	} usual[] = {{"queued.max.messages.kbytes", QUEUE_KBYTES},
				 {"queued.min.messages", QUEUE_MESSAGES},
				 {"fetch.max.bytes", FETCH_BYTES},
				 {"fetch.wait.max.ms", FETCH_WAIT_MS},
				 {"fetch.queue.backoff.ms", QUEUE_FULL_MS},
				 {"check.crcs", "true"},
				 {"socket.nagle.disable", "true"}},
	  forced[] = {{"enable.auto.commit", "false"},
				  {"enable.auto.offset.store", "false"},
				  {"auto.offset.reset", "error"},
				  {"enable.partition.eof", "true"}};
	List *properties = velo_kafka_properties(options, role);

	for (int i = 0; i < lengthof(usual); i++)
		if (!is_given(properties, usual[i].name))
			properties = velo_base_option_set(properties, usual[i].name, usual[i].value);
	for (int i = 0; i < lengthof(forced); i++)
		properties = velo_base_option_set(properties, forced[i].name, forced[i].value);
	properties = velo_base_option_set(properties, "isolation.level", isolation_of(options));
	return velo_base_option_set(properties, "group.id", group);
}

VeloKafkaReader *
velo_source_kafka_reader_open(List *options, const char *name, Oid role, const char *group)
{
	VeloKafkaReader *reader = palloc0(sizeof(VeloKafkaReader));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	const char *topic = velo_kafka_topic_name(options, name);
	uint64 one = 1;

	reader->wake_fd = -1;
	reader->client = velo_kafka_open(VELO_KAFKA_CONSUMER, reader_properties(options, role, group));
	/* After the client's own, so it is called before: messages go before their handle. */
	callback->func = forget;
	callback->arg = reader;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);

	reader->topic = velo_kafka_topic(reader->client, topic);
	if (!reader->topic.exists)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("topic \"%s\" does not exist", topic),
				 errdetail("Brokers: %s.", velo_kafka_brokers(options)),
				 errhint("Make the topic, or name the right one in the property "
						 "\"topic\".")));
	reader->nparts = reader->topic.npartitions;
	reader->parts = palloc0(sizeof(VeloKafkaPart) * Max(1, reader->nparts));
	reader->messages = palloc(sizeof(rd_kafka_message_t *) * VELO_KAFKA_FETCH_MAX);
	for (int i = 0; i < reader->nparts; i++)
		reader->parts[i] = (VeloKafkaPart) {true, 0, 0, 0, -1, -1, 0, -1};

	reader->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (reader->wake_fd < 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not make an eventfd: %m")));
	reader->queue = rd_kafka_queue_get_consumer(velo_kafka_handle(reader->client));
	rd_kafka_queue_io_event_enable(reader->queue, reader->wake_fd, &one, sizeof(one));
	return reader;
}

void
velo_source_kafka_reader_close(VeloKafkaReader *reader)
{
	for (int i = 0; i < reader->nheld; i++)
		rd_kafka_message_destroy(reader->messages[i]);
	reader->nheld = reader->nmessages = reader->next = 0;
	if (reader->queue)
	{
		rd_kafka_queue_io_event_enable(reader->queue, -1, NULL, 0);
		rd_kafka_queue_destroy(reader->queue);
		reader->queue = NULL;
	}
	if (reader->watch)
	{
		rd_kafka_queue_destroy(reader->watch);
		reader->watch = NULL;
	}
	if (reader->wake_fd >= 0)
		close(reader->wake_fd);
	reader->wake_fd = -1;
	if (reader->client)
	{
		VeloKafkaClient *client = reader->client;

		reader->client = NULL;
		velo_kafka_close(client);
	}
}

/* --- starting ------------------------------------------------------------------ */

void
velo_source_kafka_reader_ranges(VeloKafkaReader *reader)
{
	VeloKafkaRange *ranges = palloc(sizeof(VeloKafkaRange) * Max(1, reader->nparts));

	if (reader->nparts > 0)
		velo_kafka_ranges(reader->client, reader->topic.name, reader->nparts, ranges);
	for (int i = 0; i < reader->nparts; i++)
	{
		reader->parts[i].low = ranges[i].low;
		reader->parts[i].high = ranges[i].high;
	}
	pfree(ranges);
}

void
velo_source_kafka_reader_start(VeloKafkaReader *reader)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(reader->nparts);
	rd_kafka_resp_err_t error;

	reader->next = reader->nmessages;
	velo_source_kafka_reader_release(reader);
	for (int i = 0; i < reader->nparts; i++)
	{
		VeloKafkaPart *part = &reader->parts[i];
		rd_kafka_topic_partition_t *entry;

		part->position = part->start;
		part->eof = -1;
		if (!part->is_read || (part->end >= 0 && part->start >= part->end))
			continue;
		entry = rd_kafka_topic_partition_list_add(list, reader->topic.name, i);
		entry->offset = part->start;
		if (part->epoch >= 0)
			rd_kafka_topic_partition_set_leader_epoch(entry, part->epoch);
	}
	reader->taken_at = GetCurrentTimestamp();
	error = rd_kafka_assign(velo_kafka_handle(reader->client), list);
	rd_kafka_topic_partition_list_destroy(list);
	if (error)
		velo_kafka_raise(reader->client, error,
						 psprintf("could not read topic \"%s\"", reader->topic.name));
}

/* --- reading -------------------------------------------------------------------- */

/* Something that came in place of a message. */
static void
take_event(VeloKafkaReader *reader, const rd_kafka_message_t *message)
{
	rd_kafka_resp_err_t error = message->err;
	int number = message->partition;
	bool is_ours = number >= 0 && number < reader->nparts;
	int64 offset = message->offset;
	char *reason = message->payload ? pnstrdup(message->payload, message->len)
									: pstrdup(rd_kafka_err2str(error));

	switch (error)
	{
		case RD_KAFKA_RESP_ERR__PARTITION_EOF:
			if (is_ours)
				reader->parts[number].eof = offset;
			break;
		case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
		case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
		case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
			if (is_ours)
				velo_source_kafka_raise_lost(reader, number, reader->parts[number].position,
											 reason);
			break;
			/* librdkafka goes on by itself when there is a broker again. */
		case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
		case RD_KAFKA_RESP_ERR__TRANSPORT:
		case RD_KAFKA_RESP_ERR__RESOLVE:
		case RD_KAFKA_RESP_ERR__TIMED_OUT:
			/* The group is for show only. */
		case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
		case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
			ereport(DEBUG1, (errmsg_internal("topic \"%s\": %s", reader->topic.name, reason)));
			break;
		case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
		case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
		case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
							errmsg("topic \"%s\" does not exist any more", reader->topic.name),
							errdetail_internal("%s", reason)));
			break;
		default:
			velo_kafka_raise(reader->client, error,
							 is_ours ? psprintf("could not read topic \"%s\", partition %d",
												reader->topic.name, number)
									 : psprintf("could not read topic \"%s\"", reader->topic.name));
	}
	pfree(reason);
}

/* A record of the wanted range?  Those behind the end say that it was reached. */
static bool
is_wanted(VeloKafkaReader *reader, const rd_kafka_message_t *message)
{
	VeloKafkaPart *part;

	if (message->partition < 0 || message->partition >= reader->nparts)
		return false;
	part = &reader->parts[message->partition];
	if (part->end >= 0 && message->offset >= part->end)
	{
		part->eof = Max(part->eof, part->end);
		return false;
	}
	return true;
}

int
velo_source_kafka_reader_fetch(VeloKafkaReader *reader)
{
	uint64 count;
	int arrived;
	rd_kafka_message_t *taken[VELO_KAFKA_FETCH_MAX];

	if (reader->next < reader->nmessages)
		return reader->nmessages - reader->next;
	velo_source_kafka_reader_release(reader);
	velo_kafka_serve(reader->client);
	/* First the signal, then the queue: what comes in between signals again. */
	if (read(reader->wake_fd, &count, sizeof(count)) < 0)
		count = 0;
	arrived = rd_kafka_consume_batch_queue(reader->queue, 0, taken, VELO_KAFKA_FETCH_MAX);
	/* Messages first; behind them what is held only until it has been looked at. */
	for (int i = 0; i < arrived; i++)
		if (!taken[i]->err && is_wanted(reader, taken[i]))
			reader->messages[reader->nmessages++] = taken[i];
	reader->nheld = reader->nmessages;
	reader->taken += reader->nmessages;
	for (int i = 0; i < arrived; i++)
		if (taken[i]->err || !is_wanted(reader, taken[i]))
			reader->messages[reader->nheld++] = taken[i];
	for (int i = reader->nmessages; i < reader->nheld; i++)
		if (reader->messages[i]->err)
			take_event(reader, reader->messages[i]);
	if (reader->nmessages == 0)
		velo_source_kafka_reader_release(reader);
	return reader->nmessages;
}

const rd_kafka_message_t *
velo_source_kafka_reader_next(VeloKafkaReader *reader)
{
	const rd_kafka_message_t *message;
	VeloKafkaPart *part;

	if (reader->next >= reader->nmessages)
		return NULL;
	message = reader->messages[reader->next++];
	part = &reader->parts[message->partition];
	part->position = message->offset + 1;
	part->epoch = rd_kafka_message_leader_epoch(message);
	return message;
}

/*
 * The epoch of what lies before an offset that we have not seen ourselves: that of an older
 * record would make the broker believe that its log was cut.
 */
static int32
epoch_before(VeloKafkaReader *reader, int number, int64 offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, reader->topic.name,
																		  number);
	int32 epoch = -1;

	if (!rd_kafka_position(velo_kafka_handle(reader->client), list) && entry->offset == offset)
		epoch = rd_kafka_topic_partition_get_leader_epoch(entry);
	rd_kafka_topic_partition_list_destroy(list);
	return epoch;
}

void
velo_source_kafka_reader_release(VeloKafkaReader *reader)
{
	if (reader->next < reader->nmessages)
		return;
	for (int i = 0; i < reader->nheld; i++)
		rd_kafka_message_destroy(reader->messages[i]);
	reader->nheld = reader->nmessages = reader->next = 0;
	/* What nobody sees lies behind us too. */
	for (int i = 0; i < reader->nparts; i++)
	{
		VeloKafkaPart *part = &reader->parts[i];

		if (part->eof > part->position)
		{
			part->position = part->eof;
			part->epoch = epoch_before(reader, i, part->eof);
		}
	}
}

const rd_kafka_message_t *
velo_source_kafka_reader_await(VeloKafkaReader *reader)
{
	TimestampTz progress_at = GetCurrentTimestamp();
	const rd_kafka_message_t *message;

	while ((message = velo_source_kafka_reader_next(reader)) == NULL)
	{
		CHECK_FOR_INTERRUPTS();
		velo_source_kafka_reader_release(reader);
		if (velo_source_kafka_reader_is_ended(reader))
			return NULL;
		if (velo_source_kafka_reader_fetch(reader) > 0 || velo_source_kafka_reader_is_ended(reader))
			continue;
		if (TimestampDifferenceExceeds(progress_at, GetCurrentTimestamp(), velo_kafka_timeout_ms))
			velo_kafka_raise(reader->client, RD_KAFKA_RESP_ERR__TIMED_OUT,
							 psprintf("could not read topic \"%s\" to its end",
									  reader->topic.name));
		velo_source_kafka_reader_wait(reader, VELO_KAFKA_PIECE_MS);
	}
	return message;
}

void
velo_source_kafka_reader_wait(VeloKafkaReader *reader, long timeout_ms)
{
	int events = WaitLatchOrSocket(MyLatch,
								   WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT |
									   WL_EXIT_ON_PM_DEATH,
								   reader->wake_fd, Min(timeout_ms, VELO_KAFKA_PIECE_MS),
								   PG_WAIT_EXTENSION);

	if (events & WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

bool
velo_source_kafka_reader_is_ended(const VeloKafkaReader *reader)
{
	if (reader->next < reader->nmessages)
		return false;
	for (int i = 0; i < reader->nparts; i++)
	{
		const VeloKafkaPart *part = &reader->parts[i];

		if (part->is_read && (part->end < 0 || part->position < part->end))
			return false;
	}
	return true;
}
