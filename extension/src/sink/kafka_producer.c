/*
 * kafka_producer.c
 *	  Producing: properties, topics, transactions.
 *
 * PARTITIONS are chosen as Java's clients do (murmur2 of the key), so that records of one
 * key that come from here and from elsewhere meet in one partition.
 *
 * MESSAGES ARE COPIED into the library.  Pointing it at the packed pages instead would
 * save 20 ns a message, but its threads can outlive an error's clean-up of our memory
 * (a handle that does not end in time is left behind).
 */
#include "postgres.h"

#include "sink/kafka_producer.h"

#include <librdkafka/rdkafka.h>
#include <miscadmin.h>
#include <utils/memutils.h>
#include <utils/timestamp.h>

#include "base/testpoint.h"

/* The broker aborts a transaction that has been open so long; also for its dead owner. */
#define TRANSACTION_TIMEOUT_MS "60000"
/* How long the broker may take for one step: fencing, committing, delivering. */
#define STEP_MS_MAX 90000
/* Messages between two looks at what has been delivered. */
#define SERVE_EVERY 4096
/* What a message may have if nobody says anything; as in Java's clients. */
#define MESSAGE_BYTES_MAX "1048576"

struct VeloKafkaProducer
{
	VeloKafkaClient *client;
	rd_kafka_t *handle;
	rd_kafka_topic_t *handle_of_topic;
	MemoryContextCallback callback;
	const char *topic;
	int partitions; /* of a topic that is made; -1: the broker's own default */
	int replication;
	bool has_transactions;
	bool is_open; /* a transaction is */
	int bytes_max;
	int unserved;
};

/* --- properties ------------------------------------------------------------------- */

/* Properties of the sink as the library calls them. */
static const struct
{
	const char *option;
	const char *property;
} names[] = {
	{"acks", "acks"},
	{"retries", "message.send.max.retries"},
	{"batch.size", "batch.size"},
	{"linger.ms", "linger.ms"},
	{"compression.type", "compression.type"},
	{"enable.idempotence", "enable.idempotence"},
};

static bool
is_given(List *properties, const char *name)
{
	ListCell *cell;

	foreach(cell, properties)
		if (strcmp(((VeloOptionValue *) lfirst(cell))->name, name) == 0)
			return true;
	return false;
}

/* What the user passes to the library by its own name ("kafka.linger.ms") wins. */
static List *
usually(List *properties, const char *name, const char *value)
{
	return is_given(properties, name) || value == NULL
			   ? properties
			   : velo_base_option_set(properties, name, value);
}

static void
check_transactional(List *options)
{
	const char *acks = velo_base_option_text(options, "acks");

	if (velo_base_option_is_set(options, "enable.idempotence") &&
		!velo_base_option_bool(options, "enable.idempotence"))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"enable.idempotence\" cannot be false with exactly-once delivery"),
						errhint("Set \"delivery.guarantee\" to at_least_once.")));
	if (acks && strcmp(acks, "all") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"acks\" must be all with exactly-once delivery"),
						errhint("Set \"delivery.guarantee\" to at_least_once.")));
}

static List *
producer_properties(List *options, Oid role, const char *transactional_id, int timeout_ms)
{
	List *properties = velo_kafka_properties(options, role);
	int64 buffer = velo_base_option_int(options, "buffer.memory");

	for (int i = 0; i < lengthof(names); i++)
		properties = usually(properties, names[i].property,
							 velo_base_option_text(options, names[i].option));
	if (buffer > 0)
		properties = usually(properties, "queue.buffering.max.kbytes",
							 psprintf("%lld", (long long) Max(buffer / 1024, 1)));
	properties = usually(properties, "message.max.bytes", MESSAGE_BYTES_MAX);
	properties = usually(properties, "socket.nagle.disable", "true");
	properties = usually(properties, "partitioner", "murmur2_random");
	if (transactional_id)
	{
		check_transactional(options);
		properties = velo_base_option_set(properties, "enable.idempotence", "true");
		properties = velo_base_option_set(properties, "transactional.id", transactional_id);
		properties = usually(properties, "transaction.timeout.ms", TRANSACTION_TIMEOUT_MS);
	}
	/* Idempotence needs the acknowledgement of all; the library would refuse to start. */
	else if (velo_base_option_is_set(options, "acks") &&
			 strcmp(velo_base_option_text(options, "acks"), "all") != 0 &&
			 !velo_base_option_is_set(options, "enable.idempotence"))
		properties = velo_base_option_set(properties, "enable.idempotence", "false");
	if (timeout_ms > 0)
		properties = usually(properties, "message.timeout.ms",
							 psprintf("%d", Min(timeout_ms, atoi(TRANSACTION_TIMEOUT_MS))));
	return properties;
}

static int
number_of(List *properties, const char *name)
{
	ListCell *cell;

	foreach(cell, properties)
	{
		VeloOptionValue *property = lfirst(cell);

		if (strcmp(property->name, name) == 0)
			return atoi(property->value);
	}
	return -1;
}

static void
forget_topic(void *arg)
{
	VeloKafkaProducer *producer = arg;

	if (producer->handle_of_topic)
		rd_kafka_topic_destroy(producer->handle_of_topic);
	producer->handle_of_topic = NULL;
}

void
velo_sink_kafka_aim(VeloKafkaProducer *producer, const char *topic)
{
	if (producer->topic && strcmp(producer->topic, topic) == 0)
		return;
	forget_topic(producer);
	producer->topic = MemoryContextStrdup(GetMemoryChunkContext(producer), topic);
	producer->handle_of_topic = rd_kafka_topic_new(producer->handle, topic, NULL);
	if (producer->handle_of_topic == NULL)
		velo_kafka_raise(producer->client, rd_kafka_last_error(),
						 psprintf("could not write topic \"%s\"", topic));
}

VeloKafkaProducer *
velo_sink_kafka_producer(List *options, Oid role, const char *topic, const char *transactional_id,
						 int timeout_ms)
{
	VeloKafkaProducer *producer = palloc0(sizeof(VeloKafkaProducer));
	List *properties = producer_properties(options, role, transactional_id, timeout_ms);

	producer->partitions = velo_base_option_is_set(options, "partitions")
							   ? (int) velo_base_option_int(options, "partitions")
							   : -1;
	producer->replication = velo_base_option_is_set(options, "replication.factor")
								? (int) velo_base_option_int(options, "replication.factor")
								: -1;
	producer->has_transactions = transactional_id != NULL;
	producer->bytes_max = number_of(properties, "message.max.bytes");
	producer->client = velo_kafka_open(VELO_KAFKA_PRODUCER, properties);
	producer->handle = velo_kafka_handle(producer->client);
	/* After the client's own, so it is called before. */
	producer->callback.func = forget_topic;
	producer->callback.arg = producer;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &producer->callback);
	velo_sink_kafka_aim(producer, topic);
	return producer;
}

VeloKafkaClient *
velo_sink_kafka_client(VeloKafkaProducer *producer)
{
	return producer->client;
}

const char *
velo_sink_kafka_topic(VeloKafkaProducer *producer)
{
	return producer->topic;
}

int
velo_sink_kafka_bytes_max(VeloKafkaProducer *producer)
{
	return producer->bytes_max;
}

/* --- waiting ------------------------------------------------------------------------ */

/* Were messages only given up because something else is wrong, which will be raised? */
static bool
is_consequence(int error)
{
	return error == RD_KAFKA_RESP_ERR__PURGE_QUEUE || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
		   error == RD_KAFKA_RESP_ERR__FATAL;
}

static void
raise_failed(VeloKafkaProducer *producer)
{
	int error = 0;

	if (velo_kafka_failed(producer->client, &error) > 0 && !is_consequence(error))
		velo_kafka_raise(producer->client, error,
						 psprintf("could not write topic \"%s\"", producer->topic));
}

typedef rd_kafka_error_t *(*Step)(rd_kafka_t *handle, int timeout_ms);

/* A step that goes on in the library when its time is up, and is asked again. */
static void
run_step(VeloKafkaProducer *producer, Step step, const char *doing)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), STEP_MS_MAX);

	for (;;)
	{
		rd_kafka_error_t *error;

		CHECK_FOR_INTERRUPTS();
		error = step(producer->handle, VELO_KAFKA_PIECE_MS);
		if (error == NULL)
			return;
		if (!rd_kafka_error_is_retriable(error) || GetCurrentTimestamp() > end)
		{
			/* Why a record was refused says more than that the transaction cannot go on. */
			rd_kafka_poll(producer->handle, 0);
			if (!rd_kafka_error_is_fatal(error))
				raise_failed(producer);
			velo_kafka_check(producer->client, error, doing);
		}
		rd_kafka_error_destroy(error);
		velo_kafka_serve(producer->client);
	}
}

static rd_kafka_error_t *
flush_step(rd_kafka_t *handle, int timeout_ms)
{
	return rd_kafka_flush(handle, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR
			   ? NULL
			   : rd_kafka_error_new(RD_KAFKA_RESP_ERR__TIMED_OUT, "messages are not delivered");
}

void
velo_sink_kafka_flush(VeloKafkaProducer *producer)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), STEP_MS_MAX);
	rd_kafka_error_t *error;
	int failed;

	while ((error = flush_step(producer->handle, VELO_KAFKA_PIECE_MS)) != NULL)
	{
		raise_failed(producer);
		if (GetCurrentTimestamp() > end)
			velo_kafka_check(producer->client, error,
							 psprintf("could not write topic \"%s\"", producer->topic));
		rd_kafka_error_destroy(error);
		CHECK_FOR_INTERRUPTS();
		velo_kafka_serve(producer->client);
	}
	velo_kafka_serve(producer->client);
	raise_failed(producer);
	if (!producer->has_transactions && velo_kafka_failed(producer->client, &failed) > 0)
		velo_kafka_raise(producer->client, failed,
						 psprintf("could not write topic \"%s\"", producer->topic));
}

void
velo_sink_kafka_ready(VeloKafkaProducer *producer, bool is_made)
{
	VeloKafkaTopic topic = velo_kafka_topic(producer->client, producer->topic);
	int limit;

	if (!topic.exists && is_made)
		velo_kafka_create_topic(producer->client, producer->topic, producer->partitions,
								producer->replication, NIL);
	else if (!topic.exists)
		velo_kafka_raise(producer->client, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
						 psprintf("could not write topic \"%s\"", producer->topic));
	limit = velo_sink_kafka_topic_limit(producer->client, producer->topic);
	if (limit > 0)
		producer->bytes_max = Min(producer->bytes_max, limit);
	if (producer->has_transactions)
		run_step(producer, rd_kafka_init_transactions, "could not start Kafka transactions");
	VELO_TESTPOINT("kafka_fenced");
}

/* --- producing ---------------------------------------------------------------------- */

void
velo_sink_kafka_begin(VeloKafkaProducer *producer)
{
	if (producer->is_open || !producer->has_transactions)
		return;
	velo_kafka_check(producer->client, rd_kafka_begin_transaction(producer->handle),
					 "could not begin a Kafka transaction");
	producer->is_open = true;
	VELO_TESTPOINT("kafka_begun");
}

static rd_kafka_headers_t *
unpack_headers(const VeloKafkaRecord *record)
{
	const char *at = record->headers;
	uint16 count;
	rd_kafka_headers_t *headers;

	if (at == NULL)
		return NULL;
	memcpy(&count, at, sizeof(count));
	at += sizeof(count);
	headers = rd_kafka_headers_new(count);
	for (int i = 0; i < count; i++)
	{
		uint16 name_length;
		int32 value_length;
		const char *name;

		memcpy(&name_length, at, sizeof(name_length));
		name = at + sizeof(name_length);
		at = name + name_length;
		memcpy(&value_length, at, sizeof(value_length));
		at += sizeof(value_length);
		rd_kafka_header_add(headers, name, name_length, value_length < 0 ? NULL : at,
							value_length < 0 ? 0 : value_length);
		at += Max(value_length, 0);
	}
	return headers;
}

/* With a time or headers: the library's slower call. */
static int
produce_whole(VeloKafkaProducer *producer, const VeloKafkaRecord *record, int partition,
			  VeloKafkaReceipt *receipt)
{
	rd_kafka_headers_t *headers = unpack_headers(record);
	rd_kafka_vu_t parts[8];
	int n = 0;
	rd_kafka_error_t *error;
	int code;

	parts[n].vtype = RD_KAFKA_VTYPE_RKT;
	parts[n++].u.rkt = producer->handle_of_topic;
	parts[n].vtype = RD_KAFKA_VTYPE_PARTITION;
	parts[n++].u.i32 = partition < 0 ? RD_KAFKA_PARTITION_UA : partition;
	parts[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
	parts[n++].u.i = RD_KAFKA_MSG_F_COPY;
	parts[n].vtype = RD_KAFKA_VTYPE_VALUE;
	parts[n].u.mem.ptr = unconstify(char *, record->value);
	parts[n++].u.mem.size = record->value_length;
	parts[n].vtype = RD_KAFKA_VTYPE_KEY;
	parts[n].u.mem.ptr = unconstify(char *, record->key);
	parts[n++].u.mem.size = record->key_length;
	parts[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
	parts[n++].u.ptr = receipt;
	if (record->time_ms >= 0)
	{
		parts[n].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
		parts[n++].u.i64 = record->time_ms;
	}
	if (headers)
	{
		parts[n].vtype = RD_KAFKA_VTYPE_HEADERS;
		parts[n++].u.headers = headers;
	}
	error = rd_kafka_produceva(producer->handle, parts, n);
	if (error == NULL)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	code = rd_kafka_error_code(error);
	rd_kafka_error_destroy(error);
	if (headers)
		rd_kafka_headers_destroy(headers);
	return code;
}

static int
produce_once(VeloKafkaProducer *producer, const VeloKafkaRecord *record, int partition,
			 VeloKafkaReceipt *receipt)
{
	if (record->time_ms >= 0 || record->headers)
		return produce_whole(producer, record, partition, receipt);
	if (rd_kafka_produce(producer->handle_of_topic,
						 partition < 0 ? RD_KAFKA_PARTITION_UA : partition, RD_KAFKA_MSG_F_COPY,
						 unconstify(char *, record->value), record->value_length, record->key,
						 record->key_length, receipt) == 0)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	return rd_kafka_last_error();
}

/* The library's buffers are full: lets it work until there is room. */
static void
wait_for_room(VeloKafkaProducer *producer, TimestampTz end)
{
	CHECK_FOR_INTERRUPTS();
	rd_kafka_poll(producer->handle, VELO_KAFKA_PIECE_MS);
	velo_kafka_serve(producer->client);
	raise_failed(producer);
	if (GetCurrentTimestamp() > end)
		velo_kafka_raise(producer->client, RD_KAFKA_RESP_ERR__QUEUE_FULL,
						 psprintf("could not write topic \"%s\"", producer->topic));
}

static void
serve_sometimes(VeloKafkaProducer *producer)
{
	if (++producer->unserved < SERVE_EVERY)
		return;
	producer->unserved = 0;
	CHECK_FOR_INTERRUPTS();
	velo_kafka_serve(producer->client);
	raise_failed(producer);
}

void
velo_sink_kafka_produce(VeloKafkaProducer *producer, const VeloKafkaRecord *record, int partition,
						VeloKafkaReceipt *receipt)
{
	TimestampTz end = 0;
	int error;

	while ((error = produce_once(producer, record, partition, receipt)) ==
		   RD_KAFKA_RESP_ERR__QUEUE_FULL)
	{
		if (end == 0)
			end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), STEP_MS_MAX);
		wait_for_room(producer, end);
	}
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		velo_kafka_raise(producer->client, error,
						 psprintf("could not write topic \"%s\", record with key %s",
								  producer->topic,
								  velo_sink_kafka_show_key(record->key, record->key_length)));
	serve_sometimes(producer);
}

int64
velo_sink_kafka_produce_packed(VeloKafkaProducer *producer, const char *at, const char *end)
{
	int64 count = 0;

	while (at < end)
	{
		VeloKafkaRecord record;

		at = velo_sink_kafka_unpack(at, end, &record);
		velo_sink_kafka_produce(producer, &record, -1, NULL);
		count++;
	}
	return count;
}

void
velo_sink_kafka_produce_to(VeloKafkaProducer *producer, const char *topic, int partition,
						   const char *key, const char *value, VeloKafkaReceipt *receipt)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), STEP_MS_MAX);
	rd_kafka_resp_err_t error;

	if (receipt)
		memset(receipt, 0, sizeof(VeloKafkaReceipt));
	while ((error = rd_kafka_producev(producer->handle, RD_KAFKA_V_TOPIC(topic),
									  RD_KAFKA_V_PARTITION(partition),
									  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
									  RD_KAFKA_V_KEY(key, strlen(key)),
									  RD_KAFKA_V_VALUE(unconstify(char *, value),
													   value ? strlen(value) : 0),
									  RD_KAFKA_V_OPAQUE(receipt), RD_KAFKA_V_END)) ==
		   RD_KAFKA_RESP_ERR__QUEUE_FULL)
		wait_for_room(producer, end);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		velo_kafka_raise(producer->client, error, psprintf("could not write topic \"%s\"", topic));
}

void
velo_sink_kafka_commit(VeloKafkaProducer *producer)
{
	if (!producer->is_open)
		return;
	VELO_TESTPOINT("kafka_about_to_commit");
	run_step(producer, rd_kafka_commit_transaction, "could not commit a Kafka transaction");
	producer->is_open = false;
	velo_kafka_serve(producer->client);
	VELO_TESTPOINT("kafka_committed");
}
