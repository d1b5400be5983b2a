/*
 * kafka_try.c
 *	  velo.produce and velo.consume: single records of a topic, as they are.
 *
 * To look at a topic, and to try a job, without leaving psql.  Neither is part of the
 * transaction: what is produced is in the topic at once and stays there, what is consumed
 * is not marked as read.
 *
 * Rights are those of the stream's relation (INSERT, SELECT); connections are its owner's,
 * as when it is read.
 */
#include "postgres.h"

#include <catalog/pg_class.h>
#include <funcapi.h>
#include <librdkafka/rdkafka.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/syscache.h>
#include <utils/timestamp.h>

#include "base/compat.h"
#include "base/function.h"
#include "kafka/kafka.h"
#include "meta/meta.h"
#include "sink/kafka_session.h"
#include "source/kafka_reader.h"
#include "source/kafka_record.h"

/* What velo.consume gives at most. */
#define CONSUME_ROWS_MAX 100000

typedef struct Topic
{
	VeloStream *stream;
	const char *name;
	Oid owner;
} Topic;

static Topic
find_topic(Oid relation, AclMode right)
{
	Topic topic = {velo_meta_stream(relation), NULL, InvalidOid};
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	AclResult allowed;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation does not exist")));
	topic.owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (topic.stream == NULL || strcmp(topic.stream->type, "kafka") != 0)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a Kafka stream", get_rel_name(relation))));
	allowed = pg_class_aclcheck(relation, GetUserId(), right);
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_VIEW, get_rel_name(relation));
	topic.name = velo_kafka_topic_name(topic.stream->options, get_rel_name(relation));
	return topic;
}

/* --- produce -------------------------------------------------------------------- */

static VeloKafkaSession session;

/* The value's bytes as the stream's format has them, in UTF-8. */
static char *
value_bytes(const Topic *topic, Jsonb *value)
{
	const char *format = velo_base_option_text(topic->stream->options, "format");
	JsonbValue scalar;
	char *text;

	if (format && strcmp(format, "string") == 0 && JsonbExtractScalar(&value->root, &scalar) &&
		scalar.type == jbvString)
		text = pnstrdup(scalar.val.string.val, scalar.val.string.len);
	else if (format == NULL || strcmp(format, "json") == 0 || strcmp(format, "string") == 0)
		text = JsonbToCString(NULL, &value->root, VARSIZE(value));
	else
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("velo.produce cannot write format \"%s\"", format),
						errhint("INSERT INTO the stream does.")));
	return pg_server_to_any(text, strlen(text), PG_UTF8);
}

/* Sends one record and waits for it. */
static VeloKafkaReceipt
send_record(const Topic *topic, const VeloKafkaRecord *record, int partition)
{
	/* Static: should waiting be cancelled, the library may still hold it. */
	static VeloKafkaReceipt receipt;
	VeloKafkaProducer *producer = velo_sink_kafka_session(&session, topic->stream->options,
														  topic->owner, topic->name, false);

	memset(&receipt, 0, sizeof(receipt));
	PG_TRY();
	{
		velo_sink_kafka_produce(producer, record, partition, &receipt);
		velo_sink_kafka_flush(producer);
	}
	PG_CATCH();
	{
		velo_sink_kafka_session_end(&session);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return receipt;
}

/* velo.produce(stream, value jsonb, key text, headers jsonb, to_partition int) → (partition, offset) */
VELO_FUNCTION(velo_produce)
{
	VeloKafkaRecord record = {.time_ms = -1};
	VeloKafkaReceipt receipt;
	StringInfoData headers;
	TupleDesc desc;
	Datum values[2];
	bool nulls[2] = {false, false};
	Topic topic;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	topic = find_topic(PG_GETARG_OID(0), ACL_INSERT);
	if (!PG_ARGISNULL(1))
	{
		record.value = value_bytes(&topic, PG_GETARG_JSONB_P(1));
		record.value_length = strlen(record.value);
	}
	if (!PG_ARGISNULL(2))
	{
		char *key = text_to_cstring(PG_GETARG_TEXT_PP(2));

		record.key = pg_server_to_any(key, strlen(key), PG_UTF8);
		record.key_length = strlen(record.key);
	}
	if (!PG_ARGISNULL(3))
	{
		initStringInfo(&headers);
		velo_sink_kafka_pack_headers(PG_GETARG_JSONB_P(3), &headers);
		record.headers = headers.data;
		record.headers_length = headers.len;
	}
	if (!PG_ARGISNULL(4) && PG_GETARG_INT32(4) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a partition's number must not be negative")));
	receipt = send_record(&topic, &record, PG_ARGISNULL(4) ? -1 : PG_GETARG_INT32(4));
	values[0] = Int32GetDatum(receipt.partition);
	values[1] = Int64GetDatum(receipt.offset);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* --- consume --------------------------------------------------------------------- */

/* Bytes as text; what is no text as bytea prints it. */
static Datum
bytes_text(const void *data, size_t length, bool *is_null)
{
	char *text;

	*is_null = data == NULL;
	if (data == NULL)
		return (Datum) 0;
	if (pg_verify_mbstr(PG_UTF8, data, length, true))
	{
		text = pg_any_to_server(pnstrdup(data, length), length, PG_UTF8);
		return CStringGetTextDatum(text);
	}
	text = palloc(length * 2 + 3);
	text[0] = '\\';
	text[1] = 'x';
	text[2 + hex_encode(data, length, text + 2)] = '\0';
	return CStringGetTextDatum(text);
}

static void
put_record(ReturnSetInfo *result, const rd_kafka_message_t *message)
{
	Jsonb *headers = velo_source_kafka_headers(message);
	Datum values[6];
	bool nulls[6] = {false};

	values[0] = Int32GetDatum(message->partition);
	values[1] = Int64GetDatum(message->offset);
	values[2] = TimestampTzGetDatum(velo_source_kafka_time(message));
	values[3] = bytes_text(message->key, message->key_len, &nulls[3]);
	values[4] = bytes_text(message->payload, message->len, &nulls[4]);
	values[5] = JsonbPGetDatum(headers);
	nulls[5] = headers == NULL;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Where each partition is begun, by the argument "from". */
static void
choose_start(VeloKafkaReader *reader, const char *from, int rows)
{
	bool is_latest = pg_strcasecmp(from, "latest") == 0;
	int64 *offsets = NULL;

	if (!is_latest && pg_strcasecmp(from, "earliest") != 0)
	{
		TimestampTz time = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
																   CStringGetDatum(from),
																   ObjectIdGetDatum(InvalidOid),
																   Int32GetDatum(-1)));

		offsets = palloc(sizeof(int64) * Max(reader->nparts, 1));
		velo_kafka_offsets_at(reader->client, reader->topic.name, reader->nparts, time, offsets);
	}
	for (int i = 0; i < reader->nparts; i++)
	{
		VeloKafkaPart *part = &reader->parts[i];

		part->is_read = true;
		part->end = part->high;
		part->epoch = -1;
		part->start = is_latest ? Max(part->low, part->high - rows)
					  : offsets ? Min(Max(part->low, offsets[i]), part->high)
								: part->low;
	}
}

static void
read_records(VeloKafkaReader *reader, const Topic *topic, int rows, ReturnSetInfo *result)
{
	TimestampTz progress = GetCurrentTimestamp();
	int got = 0;

	while (got < rows)
	{
		const rd_kafka_message_t *message = velo_source_kafka_reader_next(reader);

		if (message)
		{
			if (message->offset < reader->parts[message->partition].end)
			{
				put_record(result, message);
				got++;
			}
			continue;
		}
		CHECK_FOR_INTERRUPTS();
		velo_source_kafka_reader_release(reader);
		if (velo_source_kafka_reader_is_ended(reader))
			return;
		if (velo_source_kafka_reader_fetch(reader) > 0)
			progress = GetCurrentTimestamp();
		else if (velo_source_kafka_reader_is_ended(reader))
			return;
		else if (TimestampDifferenceExceeds(progress, GetCurrentTimestamp(), velo_kafka_timeout_ms))
			velo_kafka_raise(reader->client, RD_KAFKA_RESP_ERR__TIMED_OUT,
							 psprintf("could not read topic \"%s\"", topic->name));
		else
			velo_source_kafka_reader_wait(reader, VELO_KAFKA_PIECE_MS);
	}
}

/* velo._consume(stream, max_rows, from) → setof (partition, offset, timestamp, key, value, headers) */
VELO_FUNCTION(velo_consume)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int rows = PG_GETARG_INT32(1);
	char *from = text_to_cstring(PG_GETARG_TEXT_PP(2));
	bool is_latest = pg_strcasecmp(from, "latest") == 0;
	VeloKafkaReader *reader;
	Topic topic;

	InitMaterializedSRF(fcinfo, 0);
	if (rows < 0 || rows > CONSUME_ROWS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the number of rows must be from 0 to %d", CONSUME_ROWS_MAX)));
	topic = find_topic(PG_GETARG_OID(0), ACL_SELECT);
	reader = velo_source_kafka_reader_open(topic.stream->options, topic.name, topic.owner,
										   "velo-query");
	velo_source_kafka_reader_ranges(reader);
	choose_start(reader, from, rows);
	velo_source_kafka_reader_start(reader);
	/* The latest of all partitions are chosen from the latest of each (velo.consume). */
	read_records(reader, &topic, is_latest ? PG_INT32_MAX : rows, result);
	velo_source_kafka_reader_close(reader);
	return (Datum) 0;
}
