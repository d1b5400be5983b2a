/*
 * json_write.c
 *	  A value of a type becomes JSON.
 *
 * Like PostgreSQL's to_json, but with what consumers of a stream rely on: the form does
 * not depend on session settings, times are in UTC, intervals in ISO 8601, bytea in
 * base64.  What has no number in JSON (NaN, infinity) is a text that reads back.
 */
#include "postgres.h"

#include "format/json_write.h"

#include <access/htup_details.h>
#include <catalog/pg_type.h>
#include <common/base64.h>
#include <common/shortest_dec.h>
#include <datatype/timestamp.h>
#include <fmgr.h>
#include <funcapi.h>
#include <math.h>
#include <miscadmin.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/datetime.h>
#include <utils/json.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/numeric.h>
#include <utils/timestamp.h>
#include <utils/typcache.h>
#include <utils/uuid.h>

#include "base/compat.h"
#include "base/option.h"
#include "format/json_read.h"
#include "format/json_time.h"

#define UNIX_TO_PG_MS ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (USECS_PER_DAY / 1000))

/* PostgreSQL's integers and doubles as texts. */
#define NUMBER_MAX 32

static const VeloOption decimal_option = {
	.name = "json.decimal",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "number",
	.choices = "number string",
	.description = "How numerics are written in JSON; both keep every digit, and both are read.",
};
VELO_OPTION(decimal_option);

static const VeloOption timestamp_option = {
	.name = "json.timestamp",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "iso8601",
	.choices = "iso8601 epoch_millis",
	.description = "How timestamps are written in JSON; both are read.",
};
VELO_OPTION(timestamp_option);

struct VeloJsonWriter
{
	VeloJsonKind kind;
	const VeloJsonForm *form;
	bool is_bare;
	FmgrInfo output; /* SCALAR and NUMERIC */

	/* NESTED: one of these */
	VeloJsonWriter *element;
	int16 element_length;
	bool element_by_value;
	char element_align;
	TupleDesc row; /* NULL: a record, which says itself what it is */
	const char **names;
	VeloJsonWriter **members;
};

VeloJsonForm
velo_format_json_form(List *options)
{
	const char *decimal = velo_base_option_text(options, "json.decimal");
	const char *timestamp = velo_base_option_text(options, "json.timestamp");

	return (VeloJsonForm) {.decimal_is_string = decimal && strcmp(decimal, "string") == 0,
						   .time_is_epoch_ms = timestamp && strcmp(timestamp, "epoch_millis") == 0};
}

/* --- texts ------------------------------------------------------------------ */

static void
write_escape(StringInfo out, unsigned char c)
{
	static const char letters[0x20] =
		{['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

	if (c == '"' || c == '\\')
	{
		appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, c);
	}
	else if (letters[c])
	{
		appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, letters[c]);
	}
	else
		appendStringInfo(out, "\\u%04x", c);
}

/* The first character that must be escaped, or the end; eight at a time where there is none. */
static inline const char *
skip_plain(const char *text, const char *end)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);

	for (; end - text >= sizeof(uint64); text += sizeof(uint64))
	{
		uint64 x;
		uint64 quote;
		uint64 backslash;

		memcpy(&x, text, sizeof(x));
		quote = x ^ (ones * '"');
		backslash = x ^ (ones * '\\');
		/* Sets the high bit of each byte that is one of them, and perhaps of a neighbour,
		 * so the loop below looks again. */
		if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
			 ((x - ones * 0x20) & ~x)) &
			(ones * 0x80))
			break;
	}
	while (text < end && (unsigned char) *text >= 0x20 && *text != '"' && *text != '\\')
		text++;
	return text;
}

void
velo_format_json_write_string(StringInfo out, const char *text, int length)
{
	const char *end = text + length;

	enlargeStringInfo(out, length + 2);
	appendStringInfoCharMacro(out, '"');
	while (text < end)
	{
		const char *plain = text;

		text = skip_plain(text, end);
		appendBinaryStringInfo(out, plain, text - plain);
		if (text < end)
			write_escape(out, (unsigned char) *text++);
	}
	appendStringInfoChar(out, '"');
}

/* Text that is no JSON by itself. */
static void
write_text(const VeloJsonWriter *writer, StringInfo out, const char *text, int length)
{
	if (writer->is_bare)
		appendBinaryStringInfo(out, text, length);
	else
		velo_format_json_write_string(out, text, length);
}

/* --- scalars ---------------------------------------------------------------- */

static void
write_integer(StringInfo out, int64 value)
{
	char text[NUMBER_MAX];

	appendBinaryStringInfo(out, text, pg_lltoa(value, text));
}

/* The shortest digits that read back as the same number. */
static void
write_float(const VeloJsonWriter *writer, double value, bool is_float4, StringInfo out)
{
	char text[Max(DOUBLE_SHORTEST_DECIMAL_LEN, FLOAT_SHORTEST_DECIMAL_LEN)];
	int length;

	if (isnan(value))
		write_text(writer, out, "NaN", 3);
	else if (isinf(value))
		write_text(writer, out, value < 0 ? "-Infinity" : "Infinity", value < 0 ? 9 : 8);
	else
	{
		length = is_float4 ? float_to_shortest_decimal_buf((float) value, text)
						   : double_to_shortest_decimal_buf(value, text);
		appendBinaryStringInfo(out, text, length);
	}
}

static void
write_numeric(VeloJsonWriter *writer, Datum value, StringInfo out)
{
	Numeric number = DatumGetNumeric(value);
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));

	if (writer->form->decimal_is_string || numeric_is_nan(number) || numeric_is_inf(number))
		write_text(writer, out, text, strlen(text));
	else
		appendStringInfoString(out, text);
}

static void
write_timestamp(VeloJsonWriter *writer, Timestamp value, StringInfo out)
{
	char text[MAXDATELEN + 1];
	int utc = 0;
	int length;

	if (writer->form->time_is_epoch_ms && !TIMESTAMP_NOT_FINITE(value))
	{
		/* Towards the past, so that the order of times stays. */
		write_integer(out, value / 1000 - (value % 1000 < 0) + UNIX_TO_PG_MS);
		return;
	}
	length = velo_format_time_write(value, text);
	if (length == 0)
	{
		/* Before the year 1, after 9999, infinity: as PostgreSQL reads it. */
		JsonEncodeDateTime(text, TimestampGetDatum(value), TIMESTAMPTZOID, &utc);
		length = strlen(text);
	}
	write_text(writer, out, text, length);
}

static void
write_date(VeloJsonWriter *writer, DateADT value, StringInfo out)
{
	char text[MAXDATELEN + 1];
	int length = velo_format_date_write(value, text);

	if (length == 0)
	{
		JsonEncodeDateTime(text, DateADTGetDatum(value), DATEOID, NULL);
		length = strlen(text);
	}
	write_text(writer, out, text, length);
}

static void
write_interval(VeloJsonWriter *writer, Interval *value, StringInfo out)
{
	char text[MAXDATELEN + 1];
	struct pg_itm parts;

	if (velo_compat_interval_is_infinite(value))
	{
		char *infinity = DatumGetCString(DirectFunctionCall1(interval_out,
															 IntervalPGetDatum(value)));

		write_text(writer, out, infinity, strlen(infinity));
		return;
	}
	interval2itm(*value, &parts);
	EncodeInterval(&parts, INTSTYLE_ISO_8601, text);
	write_text(writer, out, text, strlen(text));
}

static void
write_uuid(VeloJsonWriter *writer, const pg_uuid_t *value, StringInfo out)
{
	static const char digits[] = "0123456789abcdef";
	char text[36];
	char *p = text;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[value->data[i] >> 4];
		*p++ = digits[value->data[i] & 0xf];
	}
	write_text(writer, out, text, sizeof(text));
}

static void
write_bytea(VeloJsonWriter *writer, Datum value, StringInfo out)
{
	bytea *bytes = DatumGetByteaPP(value);
	int size = VARSIZE_ANY_EXHDR(bytes);
	int room = pg_b64_enc_len(size);
	int length;

	if (!writer->is_bare)
		appendStringInfoChar(out, '"');
	enlargeStringInfo(out, room);
	length = pg_b64_encode(VARDATA_ANY(bytes), size, out->data + out->len, room);
	if (length < 0)
		elog(ERROR, "could not encode bytes as base64");
	out->len += length;
	out->data[out->len] = '\0';
	if (!writer->is_bare)
		appendStringInfoChar(out, '"');
}

static void
write_by_output(VeloJsonWriter *writer, Datum value, StringInfo out)
{
	char *text = OutputFunctionCall(&writer->output, value);

	write_text(writer, out, text, strlen(text));
}

/* --- arrays and rows -------------------------------------------------------- */

/* The elements of one dimension; *at: the next element. */
static void
write_dimension(VeloJsonWriter *writer, int ndims, const int *dims, const Datum *values,
				const bool *nulls, int *at, StringInfo out)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < dims[0]; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		if (ndims > 1)
			write_dimension(writer, ndims - 1, dims + 1, values, nulls, at, out);
		else
		{
			if (nulls[*at])
				appendBinaryStringInfo(out, "null", 4);
			else
				velo_format_json_write(writer->element, values[*at], out);
			(*at)++;
		}
	}
	appendStringInfoChar(out, ']');
}

static void
write_array(VeloJsonWriter *writer, Datum value, StringInfo out)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	Datum *values;
	bool *nulls;
	int n;
	int at = 0;

	if (ARR_NDIM(array) == 0)
	{
		appendBinaryStringInfo(out, "[]", 2);
		return;
	}
	deconstruct_array(array, ARR_ELEMTYPE(array), writer->element_length, writer->element_by_value,
					  writer->element_align, &values, &nulls, &n);
	write_dimension(writer, ARR_NDIM(array), ARR_DIMS(array), values, nulls, &at, out);
}

static void
write_row(VeloJsonWriter *writer, Datum value, StringInfo out)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	HeapTupleData tuple = {.t_data = header, .t_len = HeapTupleHeaderGetDatumLength(header)};
	Datum *values = palloc(sizeof(Datum) * Max(writer->row->natts, 1));
	bool *nulls = palloc(sizeof(bool) * Max(writer->row->natts, 1));
	char separator = '{';

	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, writer->row, values, nulls);
	for (int i = 0; i < writer->row->natts; i++)
	{
		if (writer->members[i] == NULL)
			continue;
		appendStringInfoChar(out, separator);
		appendStringInfoString(out, writer->names[i]);
		if (nulls[i])
			appendBinaryStringInfo(out, "null", 4);
		else
			velo_format_json_write(writer->members[i], values[i], out);
		separator = ',';
	}
	appendStringInfoString(out, separator == '{' ? "{}" : "}");
}

static void prepare_row(VeloJsonWriter *writer, TupleDesc desc);

/* A value of type record: what it is, it says itself. */
static void
write_record(VeloJsonWriter *writer, Datum value, StringInfo out)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	TupleDesc desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											HeapTupleHeaderGetTypMod(header));
	VeloJsonWriter *row = palloc0(sizeof(VeloJsonWriter));

	row->kind = VELO_JSON_KIND_NESTED;
	row->form = writer->form;
	prepare_row(row, desc);
	ReleaseTupleDesc(desc);
	write_row(row, value, out);
}

static void
write_nested(VeloJsonWriter *writer, Datum value, StringInfo out)
{
	check_stack_depth();
	if (writer->element)
		write_array(writer, value, out);
	else if (writer->row)
		write_row(writer, value, out);
	else
		write_record(writer, value, out);
}

void
velo_format_json_write(VeloJsonWriter *writer, Datum value, StringInfo out)
{
	switch (writer->kind)
	{
		case VELO_JSON_KIND_BOOL:
			appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
			break;
		case VELO_JSON_KIND_INT2:
			write_integer(out, DatumGetInt16(value));
			break;
		case VELO_JSON_KIND_INT4:
			write_integer(out, DatumGetInt32(value));
			break;
		case VELO_JSON_KIND_INT8:
			write_integer(out, DatumGetInt64(value));
			break;
		case VELO_JSON_KIND_FLOAT4:
			write_float(writer, DatumGetFloat4(value), true, out);
			break;
		case VELO_JSON_KIND_FLOAT8:
			write_float(writer, DatumGetFloat8(value), false, out);
			break;
		case VELO_JSON_KIND_NUMERIC:
			write_numeric(writer, value, out);
			break;
		case VELO_JSON_KIND_TEXT:
		{
			text *string = DatumGetTextPP(value);

			write_text(writer, out, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
			break;
		}
		case VELO_JSON_KIND_TIMESTAMP:
		case VELO_JSON_KIND_TIMESTAMPTZ:
			write_timestamp(writer, DatumGetTimestamp(value), out);
			break;
		case VELO_JSON_KIND_DATE:
			write_date(writer, DatumGetDateADT(value), out);
			break;
		case VELO_JSON_KIND_INTERVAL:
			write_interval(writer, DatumGetIntervalP(value), out);
			break;
		case VELO_JSON_KIND_UUID:
			write_uuid(writer, DatumGetUUIDP(value), out);
			break;
		case VELO_JSON_KIND_BYTEA:
			write_bytea(writer, value, out);
			break;
		case VELO_JSON_KIND_JSON:
		{
			text *json = DatumGetTextPP(value);

			appendBinaryStringInfo(out, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
			break;
		}
		case VELO_JSON_KIND_JSONB:
		{
			Jsonb *json = DatumGetJsonbP(value);

			(void) JsonbToCString(out, &json->root, VARSIZE(json));
			break;
		}
		case VELO_JSON_KIND_NESTED:
			write_nested(writer, value, out);
			break;
		case VELO_JSON_KIND_SCALAR:
			write_by_output(writer, value, out);
			break;
	}
}

/* --- preparation ------------------------------------------------------------ */

static VeloJsonWriter *
make_writer(Oid type, const VeloJsonForm *form, bool is_bare)
{
	VeloJsonWriter *writer = palloc0(sizeof(VeloJsonWriter));
	Oid base = getBaseType(type);
	Oid output;
	bool is_varlena;

	/* Types may nest as deep as somebody defines them. */
	check_stack_depth();
	writer->kind = velo_format_json_kind(base);
	writer->form = form;
	writer->is_bare = is_bare;
	if (writer->kind == VELO_JSON_KIND_SCALAR)
	{
		getTypeOutputInfo(base, &output, &is_varlena);
		fmgr_info(output, &writer->output);
	}
	else if (writer->kind == VELO_JSON_KIND_NESTED && !type_is_rowtype(base))
	{
		Oid element = get_element_type(base);

		writer->element = make_writer(element, form, false);
		get_typlenbyvalalign(element, &writer->element_length, &writer->element_by_value,
							 &writer->element_align);
	}
	else if (writer->kind == VELO_JSON_KIND_NESTED && base != RECORDOID)
	{
		TupleDesc desc = lookup_rowtype_tupdesc(base, -1);

		prepare_row(writer, desc);
		ReleaseTupleDesc(desc);
	}
	return writer;
}

static void
prepare_row(VeloJsonWriter *writer, TupleDesc desc)
{
	writer->row = CreateTupleDescCopy(desc);
	writer->names = palloc0(sizeof(char *) * Max(desc->natts, 1));
	writer->members = palloc0(sizeof(VeloJsonWriter *) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		StringInfoData name;

		if (attribute->attisdropped)
			continue;
		initStringInfo(&name);
		velo_format_json_write_string(&name, NameStr(attribute->attname),
									  strlen(NameStr(attribute->attname)));
		appendStringInfoChar(&name, ':');
		writer->names[i] = name.data;
		writer->members[i] = make_writer(attribute->atttypid, writer->form, false);
	}
}

VeloJsonWriter *
velo_format_json_writer(Oid type, const VeloJsonForm *form)
{
	return make_writer(type, form, form->is_bare);
}
