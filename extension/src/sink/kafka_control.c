/*
 * kafka_control.c
 *	  Writing control records, and reading the last one back.
 *
 * READING must see the last committed record of the task, or the task would send again
 * what is there.  A read_committed reader stops at the first transaction that is still
 * open, also at another task's, and its "end" is just there: the own record may stand
 * behind.  So the reader first writes a mark (a transaction with one record without a
 * value, under a key of its own), and reads until it has seen the mark: everything
 * committed before stands before it.  Somebody else's dead transaction can hold the
 * reader up until the broker aborts it.
 *
 * The topic has one partition if it is made here; in one with more, a task's records are
 * in the partition of their key.
 */
#include "postgres.h"

#include "sink/kafka_control.h"

#include <librdkafka/rdkafka.h>
#include <lib/stringinfo.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/json.h>
#include <utils/jsonb.h>
#include <utils/memutils.h>
#include <utils/numeric.h>
#include <utils/timestamp.h>

#include "base/setting.h"
#include "base/testpoint.h"

/*
 * How long reading back may take: longer than brokers keep the transaction of a task that
 * died (TRANSACTION_TIMEOUT_MS of kafka_producer.c, and their check for it).
 */
#define READ_MS_MAX 120000
/* Small segments: compaction leaves the newest one alone. */
#define SEGMENT_BYTES "1048576"
#define MARK_SUFFIX "-mark"
#define CONTROL_GROUP "velo-control"

char *velo_kafka_control_topic = NULL;

static const VeloSetting control_topic = {
	.name = "velo.kafka_control_topic",
	.description = "Compacted Kafka topic in which jobs note how far their output has got; "
				   "the same for all of a job's lives.",
	.type = VELO_SETTING_STRING,
	.variable = &velo_kafka_control_topic,
	.boot_string = "_velo_control",
	.context = PGC_SIGHUP,
};
VELO_SETTING(control_topic);

struct VeloKafkaControlLog
{
	MemoryContext context;
	VeloKafkaProducer *producer;
	List *properties; /* of the reader */
	char *topic;
	char *key;
	int partition;
	VeloKafkaReceipt receipt; /* of the last record written */
};

VeloKafkaControlLog *
velo_sink_kafka_control(List *options, Oid role, const char *transactional_id,
						VeloKafkaProducer *producer)
{
	static const char *const forced[][2] = {
		{"isolation.level", "read_committed"}, {"enable.auto.commit", "false"},
		{"auto.offset.reset", "earliest"},	   {"group.id", CONTROL_GROUP},
		{"fetch.wait.max.ms", "10"},		   {"socket.nagle.disable", "true"},
	};
	VeloKafkaControlLog *log = palloc0(sizeof(VeloKafkaControlLog));

	log->context = CurrentMemoryContext;
	log->producer = producer;
	log->topic = pstrdup(velo_kafka_control_topic);
	log->key = pstrdup(transactional_id);
	log->receipt.offset = -1;
	log->properties = velo_kafka_properties(options, role);
	for (int i = 0; i < lengthof(forced); i++)
		log->properties = velo_base_option_set(log->properties, forced[i][0], forced[i][1]);
	return log;
}

void
velo_sink_kafka_control_ready(VeloKafkaControlLog *log)
{
	VeloKafkaClient *client = velo_sink_kafka_client(log->producer);
	VeloKafkaTopic topic = velo_kafka_topic(client, log->topic);

	if (!topic.exists)
	{
		List *configs = velo_base_option_set(NIL, "cleanup.policy", "compact");

		configs = velo_base_option_set(configs, "segment.bytes", SEGMENT_BYTES);
		velo_kafka_create_topic(client, log->topic, 1, -1, configs);
		topic.npartitions = 1;
	}
	log->partition = 0;
	if (topic.npartitions > 1)
		log->partition = rd_kafka_msg_partitioner_murmur2(NULL, log->key, strlen(log->key),
														  topic.npartitions, NULL, NULL);
}

/* --- writing --------------------------------------------------------------------- */

void
velo_sink_kafka_control_write(VeloKafkaControlLog *log, const VeloKafkaControl *control)
{
	StringInfoData value;

	initStringInfo(&value);
	appendStringInfo(&value,
					 "{\"outbox\": \"%s\", \"generation\": " INT64_FORMAT
					 ", \"sequence\": " INT64_FORMAT,
					 control->outbox, control->generation, control->sequence);
	if (control->positions)
	{
		appendStringInfoString(&value, ", \"positions\": ");
		escape_json(&value, control->positions);
	}
	appendStringInfoChar(&value, '}');
	velo_sink_kafka_produce_to(log->producer, log->topic, log->partition, log->key, value.data,
							   &log->receipt);
	pfree(value.data);
	VELO_TESTPOINT("kafka_control_produced");
}

int64
velo_sink_kafka_control_offset(const VeloKafkaControlLog *log)
{
	return log->receipt.is_done && log->receipt.error == 0 ? log->receipt.offset : -1;
}

/* --- reading ----------------------------------------------------------------------- */

static void
report_record(void *arg)
{
	VeloKafkaControlLog *log = arg;

	errcontext("control record \"%s\" of topic \"%s\"", log->key, log->topic);
}

static JsonbValue *
member(Jsonb *jsonb, const char *name, JsonbValue *value)
{
	return JB_ROOT_IS_OBJECT(jsonb)
			   ? getKeyJsonValueFromContainer(&jsonb->root, name, strlen(name), value)
			   : NULL;
}

static int64
number_member(Jsonb *jsonb, const char *name)
{
	JsonbValue buffer;
	JsonbValue *value = member(jsonb, name, &buffer);

	if (value == NULL || value->type != jbvNumeric)
		return 0;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric)));
}

static char *
text_member(Jsonb *jsonb, const char *name)
{
	JsonbValue buffer;
	JsonbValue *value = member(jsonb, name, &buffer);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static void
parse(VeloKafkaControlLog *log, const rd_kafka_message_t *message, VeloKafkaControl *control)
{
	ErrorContextCallback callback = {error_context_stack, report_record, log};
	MemoryContext old = MemoryContextSwitchTo(log->context);
	char *text = pnstrdup(message->payload, message->len);
	Jsonb *jsonb;

	error_context_stack = &callback;
	jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	error_context_stack = callback.previous;
	control->outbox = text_member(jsonb, "outbox");
	control->generation = number_member(jsonb, "generation");
	control->sequence = number_member(jsonb, "sequence");
	control->positions = text_member(jsonb, "positions");
	control->offset = message->offset;
	MemoryContextSwitchTo(old);
}

static bool
is_own(const VeloKafkaControlLog *log, const rd_kafka_message_t *message)
{
	return message->key_len == strlen(log->key) &&
		   memcmp(message->key, log->key, message->key_len) == 0;
}

/* A mark behind all that was committed; returns its offset. */
static int64
write_mark(VeloKafkaControlLog *log)
{
	velo_sink_kafka_begin(log->producer);
	velo_sink_kafka_produce_to(log->producer, log->topic, log->partition,
							   psprintf("%s" MARK_SUFFIX, log->key), NULL, &log->receipt);
	velo_sink_kafka_commit(log->producer);
	if (!log->receipt.is_done || log->receipt.error != 0)
		velo_kafka_raise(velo_sink_kafka_client(log->producer), log->receipt.error,
						 psprintf("could not write topic \"%s\"", log->topic));
	return log->receipt.offset;
}

static void
assign(VeloKafkaControlLog *log, VeloKafkaClient *client, int64 from)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t error;

	rd_kafka_topic_partition_list_add(list, log->topic, log->partition)->offset = from;
	rd_kafka_poll_set_consumer(velo_kafka_handle(client));
	error = rd_kafka_assign(velo_kafka_handle(client), list);
	rd_kafka_topic_partition_list_destroy(list);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		velo_kafka_raise(client, error, psprintf("could not read topic \"%s\"", log->topic));
}

typedef struct Search
{
	VeloKafkaControlLog *log;
	VeloKafkaClient *client;
	int64 mark;
	VeloKafkaControl *control;
	bool is_found;
} Search;

/* Reads a record of the task's own; gives the message back whatever happens. */
static void
parse_own(Search *search, rd_kafka_message_t *message)
{
	PG_TRY();
	{
		parse(search->log, message, search->control);
	}
	PG_CATCH();
	{
		rd_kafka_message_destroy(message);
		PG_RE_THROW();
	}
	PG_END_TRY();
	search->is_found = true;
}

/* Broken connections mend themselves; what does not runs into the time limit. */
static bool
is_passing(int error)
{
	switch (error)
	{
		case RD_KAFKA_RESP_ERR__TRANSPORT:
		case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
		case RD_KAFKA_RESP_ERR__TIMED_OUT:
		case RD_KAFKA_RESP_ERR__PARTITION_EOF:
			/* The library looks for the group's coordinator, but nothing here needs it. */
		case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
		case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
			return true;
		default:
			return false;
	}
}

/* Looks at one message; true if it is the mark, or behind it. */
static bool
look_at(Search *search, rd_kafka_message_t *message)
{
	int error = message->err;
	bool is_end = error == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset >= search->mark;

	if (error == RD_KAFKA_RESP_ERR_NO_ERROR && message->payload && is_own(search->log, message))
		parse_own(search, message);
	rd_kafka_message_destroy(message);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR && !is_passing(error))
		velo_kafka_raise(search->client, error,
						 psprintf("could not read topic \"%s\"", search->log->topic));
	return is_end;
}

bool
velo_sink_kafka_control_read(VeloKafkaControlLog *log, int64 from, VeloKafkaControl *control)
{
	Search search = {log, NULL, write_mark(log), control, false};
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), READ_MS_MAX);
	MemoryContext context = AllocSetContextCreate(log->context, "velo kafka control",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool is_end = false;

	search.client = velo_kafka_open(VELO_KAFKA_CONSUMER, log->properties);
	MemoryContextSwitchTo(old);
	assign(log, search.client, Min(Max(from, 0), search.mark));
	while (!is_end)
	{
		rd_kafka_message_t *message;

		CHECK_FOR_INTERRUPTS();
		message = rd_kafka_consumer_poll(velo_kafka_handle(search.client), VELO_KAFKA_PIECE_MS);
		if (message)
			is_end = look_at(&search, message);
		else if (GetCurrentTimestamp() > end)
			velo_kafka_raise(search.client, RD_KAFKA_RESP_ERR__TIMED_OUT,
							 psprintf("could not read topic \"%s\"", log->topic));
	}
	MemoryContextDelete(context);
	return search.is_found;
}
