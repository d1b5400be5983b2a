/*
 * kafka_record.c
 *	  Packing rows into messages, and reading what was packed.
 *
 * HEADERS come as jsonb, as the source makes them: an object of texts, several of one name
 * as an array, bytes that are no text as bytea prints them (\x6869).  So they go back as
 * the bytes they were.
 */
#include "postgres.h"

#include "sink/kafka_record.h"

#include <mb/pg_wchar.h>
#include <utils/builtins.h>
#include <utils/jsonb.h>
#include <utils/memutils.h>
#include <utils/numeric.h>
#include <utils/timestamp.h>
#include <utils/varlena.h>

#include "base/compat.h"
#include "format/format.h"
#include "format/key.h"
#include "row/row.h"

#define RECORD_TIME 0x01
#define RECORD_KEY 0x02
#define RECORD_HEADERS 0x04
#define RECORD_VALUE 0x08
#define RECORD_TAGS (RECORD_TIME | RECORD_KEY | RECORD_HEADERS | RECORD_VALUE)

#define HEADERS_MAX 10000
#define HEADER_NAME_MAX 10000
#define SHOWN_KEY_MAX 64

/* What a message takes beside its key, value and headers. */
#define RECORD_OVERHEAD_BYTES 64

struct VeloKafkaEncoder
{
	const VeloSinkSpec *spec;
	MemoryContext row;
	VeloFormatSpec format;
	VeloEncoder *value;
	VeloKeyWriter *key; /* NULL: no key */
	int *columns;		/* of the result that are in the value; NULL: the first ones */
	Datum *values;		/* those */
	bool *nulls;
};

/* --- making an encoder ------------------------------------------------------- */

static AttrNumber
column_of(const VeloSinkSpec *spec, const char *name)
{
	for (int i = 0; i < spec->payload; i++)
		if (namestrcmp(&TupleDescAttr(spec->desc, i)->attname, name) == 0)
			return i + 1;
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" named by \"key.field\" does not exist", name)));
}

/* Key columns: those of the option, else those of the query. */
static int
key_columns(const VeloSinkSpec *spec, const AttrNumber **keys)
{
	const char *given = velo_base_option_text(spec->options, "key.field");
	List *names;
	ListCell *cell;
	AttrNumber *found;
	int nkeys = 0;

	*keys = spec->keys;
	if (given == NULL || given[0] == '\0')
		return spec->nkeys;
	if (!SplitIdentifierString(pstrdup(given), ',', &names))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid value for \"key.field\": \"%s\"", given),
						errhint("Name a column, or several separated by commas.")));
	found = palloc(sizeof(AttrNumber) * Max(list_length(names), 1));
	foreach(cell, names)
		found[nkeys++] = column_of(spec, lfirst(cell));
	*keys = found;
	return nkeys;
}

/* The value without the key's columns. */
static void
leave_out_keys(VeloKafkaEncoder *encoder, int nkeys, const AttrNumber *keys)
{
	const VeloSinkSpec *spec = encoder->spec;
	TupleDesc desc;
	int natts = 0;

	encoder->columns = palloc(sizeof(int) * spec->payload);
	for (int i = 0; i < spec->payload; i++)
	{
		bool is_key = false;

		for (int k = 0; k < nkeys; k++)
			is_key = is_key || keys[k] == i + 1;
		if (!is_key)
			encoder->columns[natts++] = i;
	}
	desc = CreateTemplateTupleDesc(natts);
	for (int i = 0; i < natts; i++)
		TupleDescCopyEntry(desc, i + 1, spec->desc, encoder->columns[i] + 1);
	encoder->values = palloc(sizeof(Datum) * Max(natts, 1));
	encoder->nulls = palloc(sizeof(bool) * Max(natts, 1));
	encoder->format.desc = desc;
	encoder->format.natts = natts;
}

VeloKafkaEncoder *
velo_sink_kafka_encoder(const VeloSinkSpec *spec)
{
	VeloKafkaEncoder *encoder = palloc0(sizeof(VeloKafkaEncoder));
	const char *name = velo_base_option_text(spec->options, "format");
	const VeloFormatOps *format = velo_format_find(name ? name : "json");
	const char *key_format = velo_base_option_text(spec->options, "key.format");
	const AttrNumber *keys;
	int nkeys = key_columns(spec, &keys);

	if (format == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("format \"%s\" is not supported yet", name)));
	encoder->spec = spec;
	encoder->row = AllocSetContextCreate(CurrentMemoryContext, "velo kafka row",
										 ALLOCSET_DEFAULT_SIZES);
	encoder->format.name = spec->name;
	encoder->format.desc = spec->desc;
	encoder->format.natts = spec->payload;
	encoder->format.options = spec->options;
	if (nkeys > 0 && velo_base_option_is_set(spec->options, "key.in.value") &&
		!velo_base_option_bool(spec->options, "key.in.value"))
		leave_out_keys(encoder, nkeys, keys);
	encoder->value = format->encoder(&encoder->format);
	if (nkeys > 0)
		encoder->key = velo_format_key_writer(spec->desc, nkeys, keys,
											  key_format ? key_format : "string");
	return encoder;
}

/* --- packing --------------------------------------------------------------------- */

static inline void
put(StringInfo out, const void *data, int length)
{
	appendBinaryStringInfoNT(out, data, length);
}

/* Leaves room for a length; returns where. */
static inline int
begin_part(StringInfo out)
{
	int at = out->len;

	enlargeStringInfo(out, sizeof(int32));
	out->len += sizeof(int32);
	return at;
}

static inline int
end_part(StringInfo out, int at)
{
	int32 length = out->len - at - (int) sizeof(int32);

	memcpy(out->data + at, &length, sizeof(length));
	return length;
}

typedef struct HeaderWriter
{
	StringInfo out;
	uint16 count;
} HeaderWriter;

/* Text in UTF-8, whatever the database has; returns its length. */
static int
put_text(StringInfo out, const char *text, int length)
{
	char *converted = pg_server_to_any(text, length, PG_UTF8);

	if (converted != text)
		length = strlen(converted);
	put(out, converted, length);
	return length;
}

static void
put_header_name(HeaderWriter *writer, const JsonbValue *name)
{
	uint16 length;
	int length_at;

	if (name->val.string.len > HEADER_NAME_MAX || writer->count == HEADERS_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("headers of a record are too large"),
						errdetail("A header's name may have %d bytes, a record %d headers.",
								  HEADER_NAME_MAX, HEADERS_MAX)));
	length = name->val.string.len;
	length_at = writer->out->len;
	put(writer->out, &length, sizeof(length));
	length = put_text(writer->out, name->val.string.val, length);
	memcpy(writer->out->data + length_at, &length, sizeof(length));
	writer->count++;
}

static inline int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\x6869" as bytes; false if it is not of that form. */
static bool
put_hex(StringInfo out, const char *text, int length)
{
	if (length < 2 || length % 2 != 0 || text[0] != '\\' || text[1] != 'x')
		return false;
	for (int i = 2; i < length; i++)
		if (hex_digit(text[i]) < 0)
			return false;
	for (int i = 2; i < length; i += 2)
		appendStringInfoCharMacro(out, (char) (hex_digit(text[i]) << 4 | hex_digit(text[i + 1])));
	return true;
}

static void
put_header_value(HeaderWriter *writer, const JsonbValue *value)
{
	int at;
	char *text;

	if (value->type == jbvNull)
	{
		int32 none = -1;

		put(writer->out, &none, sizeof(none));
		return;
	}
	at = begin_part(writer->out);
	switch (value->type)
	{
		case jbvString:
			if (!put_hex(writer->out, value->val.string.val, value->val.string.len))
				put_text(writer->out, value->val.string.val, value->val.string.len);
			break;
		case jbvBool:
			appendStringInfoString(writer->out, value->val.boolean ? "true" : "false");
			break;
		case jbvNumeric:
			appendStringInfoString(writer->out, numeric_normalize(value->val.numeric));
			break;
		default:
		{
			Jsonb *jsonb = JsonbValueToJsonb(unconstify(JsonbValue *, value));

			text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
			appendStringInfoString(writer->out, text);
		}
	}
	end_part(writer->out, at);
}

/* One header, or several of one name. */
static void
put_header(HeaderWriter *writer, const JsonbValue *name, const JsonbValue *value)
{
	JsonbContainer *array = value->type == jbvBinary ? value->val.binary.data : NULL;

	if (array == NULL || !JsonContainerIsArray(array))
	{
		put_header_name(writer, name);
		put_header_value(writer, value);
		return;
	}
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		put_header_name(writer, name);
		put_header_value(writer, element);
	}
}

void
velo_sink_kafka_pack_headers(const Jsonb *headers, StringInfo out)
{
	HeaderWriter writer = {out, 0};
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue name;
	JsonbValue value;
	int count_at = out->len;

	put(out, &writer.count, sizeof(writer.count));
	if (!JB_ROOT_IS_OBJECT(headers))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("headers of a record must be a JSON object of texts")));
	iterator = JsonbIteratorInit(unconstify(JsonbContainer *, &headers->root));
	(void) JsonbIteratorNext(&iterator, &name, true);
	while ((token = JsonbIteratorNext(&iterator, &name, true)) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&iterator, &value, true);
		put_header(&writer, &name, &value);
	}
	memcpy(out->data + count_at, &writer.count, sizeof(writer.count));
}

void
velo_sink_kafka_pack(const VeloKafkaRecord *record, StringInfo out)
{
	uint8 tag = (record->time_ms >= 0 ? RECORD_TIME : 0) | (record->key ? RECORD_KEY : 0) |
				(record->headers ? RECORD_HEADERS : 0) | (record->value ? RECORD_VALUE : 0);

	put(out, &tag, sizeof(tag));
	if (record->time_ms >= 0)
		put(out, &record->time_ms, sizeof(record->time_ms));
	if (record->key)
	{
		put(out, &record->key_length, sizeof(int32));
		put(out, record->key, record->key_length);
	}
	if (record->headers)
	{
		put(out, &record->headers_length, sizeof(int32));
		put(out, record->headers, record->headers_length);
	}
	if (record->value)
	{
		put(out, &record->value_length, sizeof(int32));
		put(out, record->value, record->value_length);
	}
}

char *
velo_sink_kafka_show_key(const char *key, int length)
{
	int shown = Min(length, SHOWN_KEY_MAX);

	if (key == NULL)
		return pstrdup("(none)");
	if (pg_verifymbstr(key, length, true))
		return psprintf("\"%.*s\"%s", pg_mbcliplen(key, length, shown), key,
						length > shown ? "..." : "");
	return psprintf("of %d bytes", length);
}

/* --- a row ------------------------------------------------------------------------- */

/* Milliseconds since 1970, or -1: what lies before cannot be said in a message. */
static int64
time_ms(const VeloKafkaEncoder *encoder, const Datum *values, const bool *nulls)
{
	AttrNumber column = encoder->spec->event_time;
	TimestampTz time;
	int64 since;

	if (column == 0 || nulls[column - 1])
		return -1;
	time = DatumGetTimestampTz(values[column - 1]);
	if (TIMESTAMP_NOT_FINITE(time))
		return -1;
	since = time / 1000 + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400000);
	return since >= 0 ? since : -1;
}

static void
check_size(int bytes, int bytes_max, const char *key, int key_length)
{
	if (bytes + RECORD_OVERHEAD_BYTES <= bytes_max)
		return;
	/* Class 22, so that it is the record's error and not the job's. */
	ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
					errmsg("record is too large for the topic"),
					errdetail("The record with key %s has %d bytes, a message may have %d.",
							  velo_sink_kafka_show_key(key, key_length), bytes, bytes_max),
					errhint("Raise \"max.message.bytes\" of the topic and "
							"\"kafka.message.max.bytes\" of the sink.")));
}

static void
encode_value(VeloKafkaEncoder *encoder, const Datum *values, const bool *nulls, StringInfo out)
{
	int at = begin_part(out);

	if (encoder->columns)
	{
		for (int i = 0; i < encoder->format.natts; i++)
		{
			encoder->values[i] = values[encoder->columns[i]];
			encoder->nulls[i] = nulls[encoder->columns[i]];
		}
		values = encoder->values;
		nulls = encoder->nulls;
	}
	encoder->value->ops->encode(encoder->value, values, nulls, out);
	end_part(out, at);
}

void
velo_sink_kafka_encode(VeloKafkaEncoder *encoder, const Datum *values, const bool *nulls,
					   bool is_tombstone, int bytes_max, StringInfo out)
{
	AttrNumber headers = encoder->spec->headers;
	MemoryContext old = MemoryContextSwitchTo(encoder->row);
	int64 time = time_ms(encoder, values, nulls);
	int start = out->len;
	int key_at = 0;
	int key_length = 0;
	uint8 tag = is_tombstone ? 0 : RECORD_VALUE;

	put(out, &tag, sizeof(tag));
	if (time >= 0)
	{
		tag |= RECORD_TIME;
		put(out, &time, sizeof(time));
	}
	if (encoder->key)
	{
		tag |= RECORD_KEY;
		key_at = begin_part(out);
		velo_format_key_write(encoder->key, values, nulls, out);
		key_length = end_part(out, key_at);
	}
	if (headers != 0 && !nulls[headers - 1])
	{
		Jsonb *jsonb = DatumGetJsonbP(values[headers - 1]);

		if (JB_ROOT_COUNT(jsonb) > 0)
		{
			int at = begin_part(out);

			tag |= RECORD_HEADERS;
			velo_sink_kafka_pack_headers(jsonb, out);
			end_part(out, at);
		}
	}
	if (!is_tombstone)
		encode_value(encoder, values, nulls, out);
	out->data[start] = (char) tag;
	MemoryContextSwitchTo(old);
	check_size(out->len - start, bytes_max,
			   encoder->key ? out->data + key_at + sizeof(int32) : NULL, key_length);
	MemoryContextReset(encoder->row);
}

/* --- reading ------------------------------------------------------------------------ */

static void
report_damage(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("outbox of the job is damaged"),
					errdetail("A message in it is not complete."),
					errhint("Restore the database from a backup, or start the job over with "
							"RESET JOB.")));
}

static const char *
read_part(const char *at, const char *end, const char **part, int *length)
{
	int32 n;

	if (end - at < sizeof(n))
		report_damage();
	memcpy(&n, at, sizeof(n));
	at += sizeof(n);
	if (n < 0 || end - at < n)
		report_damage();
	*part = at;
	*length = n;
	return at + n;
}

const char *
velo_sink_kafka_unpack(const char *at, const char *end, VeloKafkaRecord *record)
{
	uint8 tag;

	memset(record, 0, sizeof(VeloKafkaRecord));
	record->time_ms = -1;
	if (at >= end)
		report_damage();
	tag = (uint8) *at++;
	if ((tag & ~RECORD_TAGS) != 0)
		report_damage();
	if (tag & RECORD_TIME)
	{
		if (end - at < sizeof(record->time_ms))
			report_damage();
		memcpy(&record->time_ms, at, sizeof(record->time_ms));
		at += sizeof(record->time_ms);
	}
	if (tag & RECORD_KEY)
		at = read_part(at, end, &record->key, &record->key_length);
	if (tag & RECORD_HEADERS)
		at = read_part(at, end, &record->headers, &record->headers_length);
	if (tag & RECORD_VALUE)
		at = read_part(at, end, &record->value, &record->value_length);
	return at;
}
