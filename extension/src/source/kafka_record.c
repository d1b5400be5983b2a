/*
 * kafka_record.c
 *	  What a message of Kafka is as a row.
 */
#include "postgres.h"

#include "source/kafka_record.h"

#include <catalog/pg_type.h>
#include <librdkafka/rdkafka.h>
#include <mb/pg_wchar.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/timestamp.h>

#include "base/clock.h"
#include "base/compat.h"
#include "format/key.h"

#define POSTGRES_EPOCH_MS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000)

/* The header that says it. */
#define EVENT_TIME "_event_time"

struct VeloKafkaDecoder
{
	VeloFormatSpec spec;
	VeloDecoder *value;
	VeloKeyReader *key; /* NULL: no columns are in the key */
	bool is_key_apart;	/* and they are in no value */
};

/* --- columns ---------------------------------------------------------------------- */

static void
read_key(VeloKafkaDecoder *decoder, List *keys)
{
	VeloFormatSpec *spec = &decoder->spec;
	AttrNumber *numbers = palloc(sizeof(AttrNumber) * list_length(keys));
	const char *format = velo_base_option_text(spec->options, "key.format");
	const char *in_value = velo_base_option_text(spec->options, "key.in.value");
	ListCell *cell;

	decoder->is_key_apart = in_value && strcmp(in_value, "false") == 0;
	foreach(cell, keys)
	{
		numbers[foreach_current_index(cell)] = lfirst_int(cell);
		if (decoder->is_key_apart)
			spec->needed = bms_del_member(spec->needed, lfirst_int(cell) - 1);
	}
	decoder->key = velo_format_key_reader(spec->desc, list_length(keys), numbers,
										  format ? format : "string");
}

VeloKafkaDecoder *
velo_source_kafka_decoder(const char *name, TupleDesc desc, int natts, const Bitmapset *needed,
						  List *keys, List *options)
{
	VeloKafkaDecoder *decoder = palloc0(sizeof(VeloKafkaDecoder));
	const char *format = velo_base_option_text(options, "format");
	const VeloFormatOps *ops = velo_format_find(format);

	if (ops == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("format \"%s\" is not supported yet", format)));
	decoder->spec.name = name;
	decoder->spec.desc = desc;
	decoder->spec.natts = natts;
	/* A set without members is NULL, which would mean all: one that no column has. */
	decoder->spec.needed = bms_add_member(bms_copy(needed), natts + VELO_SYSTEM_COLUMNS);
	decoder->spec.options = options;
	if (keys != NIL)
		read_key(decoder, keys);
	decoder->value = ops->decoder(&decoder->spec);
	return decoder;
}

static bool
decode_key(VeloKafkaDecoder *decoder, const rd_kafka_message_t *message, Datum *values, bool *nulls,
		   VeloDecodeError *error)
{
	if (decoder->key == NULL)
		return true;
	if (message->key == NULL)
		return velo_format_fail(error, ERRCODE_NULL_VALUE_NOT_ALLOWED, -1,
								message->payload ? "the record has no key"
												 : "a record without a value has no key");
	return velo_format_key_read(decoder->key, message->key, message->key_len, values, nulls, error);
}

bool
velo_source_kafka_decode(VeloKafkaDecoder *decoder, const rd_kafka_message_t *message,
						 Datum *values, bool *nulls, bool *is_tombstone, VeloDecodeError *error)
{
	*is_tombstone = message->payload == NULL;
	if (*is_tombstone)
		return decode_key(decoder, message, values, nulls, error);
	if (!decoder->value->ops->decode(decoder->value, message->payload, message->len, values, nulls,
									 error))
		return false;
	return !decoder->is_key_apart || decode_key(decoder, message, values, nulls, error);
}

/* --- system columns ---------------------------------------------------------------- */

static Datum
bytes_datum(const void *data, int length)
{
	bytea *bytes = palloc(VARHDRSZ + length);

	SET_VARSIZE(bytes, VARHDRSZ + length);
	memcpy(VARDATA(bytes), data, length);
	return PointerGetDatum(bytes);
}

Datum
velo_source_kafka_key(const rd_kafka_message_t *message, Oid type, bool *is_null)
{
	char *text;
	Datum key;

	*is_null = message->key == NULL;
	if (*is_null)
		return (Datum) 0;
	if (type == BYTEAOID)
		return bytes_datum(message->key, message->key_len);
	text = pg_any_to_server(message->key, message->key_len, PG_UTF8);
	if (text != message->key)
		return CStringGetTextDatum(text);
	key = PointerGetDatum(cstring_to_text_with_len(message->key, message->key_len));
	return key;
}

TimestampTz
velo_source_kafka_time(const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	int64 ms = rd_kafka_message_timestamp(message, &type);

	if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms < 0)
		return velo_clock_now();
	/* A producer may have written anything. */
	if (ms > PG_INT64_MAX / 1000 || !IS_VALID_TIMESTAMP((ms - POSTGRES_EPOCH_MS) * 1000))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("message time %lld is out of range for a timestamp", (long long) ms)));
	return (ms - POSTGRES_EPOCH_MS) * 1000;
}

/* Milliseconds since 1970, or ISO 8601. */
static TimestampTz
parse_event_time(const char *data, size_t length)
{
	char *text = pnstrdup(data, length);
	char *end;
	int64 ms;

	errno = 0;
	ms = strtoll(text, &end, 10);
	if (end == text || *end != '\0')
		return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
													   ObjectIdGetDatum(InvalidOid),
													   Int32GetDatum(-1)));
	if (errno != 0 || ms > PG_INT64_MAX / 2000 || ms < PG_INT64_MIN / 2000 ||
		!IS_VALID_TIMESTAMP((ms - POSTGRES_EPOCH_MS) * 1000))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("header \"%s\" is out of range for a timestamp: %s", EVENT_TIME, text)));
	return (ms - POSTGRES_EPOCH_MS) * 1000;
}

TimestampTz
velo_source_kafka_event_time(const rd_kafka_message_t *message, TimestampTz otherwise)
{
	rd_kafka_headers_t *headers;
	const void *data;
	size_t length;

	if (rd_kafka_message_headers(message, &headers) ||
		rd_kafka_header_get_last(headers, EVENT_TIME, &data, &length) || data == NULL)
		return otherwise;
	return parse_event_time(data, length);
}

bool
velo_source_kafka_time_is_append(const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;

	(void) rd_kafka_message_timestamp(message, &type);
	return type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
}

/* --- headers ------------------------------------------------------------------------ */

/* Text of a header's name or value, which may be any bytes: those that are none in hex. */
static void
header_text(JsonbValue *value, const void *data, size_t length)
{
	value->type = jbvString;
	if (pg_verify_mbstr(PG_UTF8, data, length, true))
	{
		char *copy = pnstrdup(data, length);
		char *text = pg_any_to_server(copy, length, PG_UTF8);

		value->val.string.val = text;
		value->val.string.len = strlen(text);
	}
	else
	{
		char *hex = palloc(length * 2 + 3);

		hex[0] = '\\';
		hex[1] = 'x';
		value->val.string.val = hex;
		value->val.string.len = 2 + hex_encode(data, length, hex + 2);
	}
}

static void
header_value(JsonbValue *value, const void *data, size_t length)
{
	if (data == NULL)
		value->type = jbvNull;
	else
		header_text(value, data, length);
}

/* Is there one of that name before number n? */
static bool
came_before(const rd_kafka_headers_t *headers, size_t n, const char *name)
{
	const char *other;
	const void *data;
	size_t length;

	for (size_t i = 0; i < n; i++)
		if (!rd_kafka_header_get_all(headers, i, &other, &data, &length) &&
			strcmp(other, name) == 0)
			return true;
	return false;
}

static void
push_header(JsonbParseState **state, const rd_kafka_headers_t *headers, const char *name)
{
	JsonbValue value;
	const void *data;
	size_t length;
	bool is_repeated = !rd_kafka_header_get(headers, 1, name, &data, &length);

	header_text(&value, name, strlen(name));
	pushJsonbValue(state, WJB_KEY, &value);
	if (is_repeated)
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (size_t i = 0; !rd_kafka_header_get(headers, i, name, &data, &length); i++)
	{
		header_value(&value, data, length);
		pushJsonbValue(state, is_repeated ? WJB_ELEM : WJB_VALUE, &value);
	}
	if (is_repeated)
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

Jsonb *
velo_source_kafka_headers(const rd_kafka_message_t *message)
{
	JsonbParseState *state = NULL;
	rd_kafka_headers_t *headers;
	const char *name;
	const void *data;
	size_t length;

	if (rd_kafka_message_headers(message, &headers))
		return NULL;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &data, &length); i++)
		if (!came_before(headers, i, name))
			push_header(&state, headers, name);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* --- as it came ---------------------------------------------------------------------- */

VeloRawRecord
velo_source_kafka_raw(const rd_kafka_message_t *message, const char *topic, bool with_headers)
{
	rd_kafka_timestamp_type_t type;
	int64 ms = rd_kafka_message_timestamp(message, &type);
	VeloRawRecord record = {
		.topic = topic,
		.partition = message->partition,
		.offset = message->offset,
		.key = message->key,
		.key_length = message->key_len,
		.value = message->payload,
		.value_length = message->len,
	};

	/* Here even a time that is out of range must not raise. */
	record.timestamp = ms >= 0 && ms < PG_INT64_MAX / 2000 &&
							   IS_VALID_TIMESTAMP((ms - POSTGRES_EPOCH_MS) * 1000)
						   ? (ms - POSTGRES_EPOCH_MS) * 1000
						   : DT_NOBEGIN;
	if (with_headers)
		record.headers = velo_source_kafka_headers(message);
	return record;
}
