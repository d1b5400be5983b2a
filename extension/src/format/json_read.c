/*
 * json_read.c
 *	  A JSON value becomes a value of a column.
 *
 * The types that records are made of are read here, because a type's input function
 * costs more than finding the field does.  A fast path that meets a notation it does not
 * know asks the type's input function, so it may be narrow but never wrong.  What JSON
 * cannot say directly is read from its text: a number, a boolean or an object fits a
 * text column, and a string that holds a number fits a number column.
 */
#include "postgres.h"

#include "format/json_read.h"

#include <access/htup_details.h>
#include <catalog/pg_type.h>
#include <common/base64.h>
#include <common/int.h>
#include <datatype/timestamp.h>
#include <funcapi.h>
#include <math.h>
#include <mb/pg_wchar.h>
#include <nodes/makefuncs.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/numeric.h>
#include <utils/timestamp.h>
#include <utils/typcache.h>
#include <utils/uuid.h>

#include "base/compat.h"
#include "format/json_time.h"

/* Bytes of a value that an error message shows. */
#define SHOWN_MAX 40

/* Numbers up to here are turned into a C string on the stack. */
#define NUMBER_STACK 128

/* Largest integer up to which every integer is a double, and the power of ten. */
#define EXACT_MANTISSA (UINT64CONST(1) << 53)
#define EXACT_POWER 22

/* Fractions of at most so many digits are turned into numerics without parsing. */
#define NUMERIC_SCALE_MAX 18

#define UNIX_TO_PG_US ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

typedef enum Fit
{
	FITS,
	OUT_OF_RANGE,
	HAS_FRACTION
} Fit;

/* What is being read, for those who may fail. */
typedef struct Reading
{
	VeloJsonColumn *column;
	const VeloJsonValue *value;
	const char *record;
	VeloDecodeError *error;
} Reading;

/* --- texts ------------------------------------------------------------------ */

/* The value as it stands in the record: of a string with its quotes. */
static const char *
raw_text(const VeloJsonValue *value, Size *length)
{
	bool is_string = value->type == VELO_JSON_STRING;

	*length = value->length + 2 * is_string;
	return value->start - is_string;
}

static bool
fail(const Reading *reading, int sqlstate, const char *what)
{
	/* Not raw_text: parts of keys have no quotes around them. */
	const VeloJsonValue *value = reading->value;
	const char *quote = value->type == VELO_JSON_STRING ? "\"" : "";
	int shown = pg_encoding_mbcliplen(PG_UTF8, value->start, Min(value->length, SHOWN_MAX),
									  SHOWN_MAX);
	char *copy = pnstrdup(value->start, shown);

	if (reading->column->converts)
		copy = pg_any_to_server(copy, shown, PG_UTF8);
	return velo_format_fail(reading->error, sqlstate, value->start - reading->record,
							"field \"%s\": %s%s%s%s %s", reading->column->name, quote, copy,
							value->length > shown ? "..." : "", quote, what);
}

static bool
fail_unescape(const Reading *reading, long why)
{
	const char *name = reading->column->name;
	int at = reading->value->start - reading->record;

	if (why == VELO_JSON_UNESCAPE_NUL)
		return velo_format_fail(reading->error, ERRCODE_UNTRANSLATABLE_CHARACTER, at,
								"field \"%s\": \\u0000 cannot be converted to text", name);
	return velo_format_fail(reading->error, ERRCODE_INVALID_TEXT_REPRESENTATION, at,
							"field \"%s\": half of a Unicode surrogate pair", name);
}

/* A string's text or another value's JSON text, with a zero behind it; NULL: failed. */
static char *
to_cstring(const Reading *reading, Size *length)
{
	const VeloJsonValue *value = reading->value;
	char *text = palloc(value->length + 1);
	long n = value->length;

	if (value->type == VELO_JSON_STRING && value->has_escapes)
		n = velo_format_json_unescape(value->start, value->length, text);
	else
		memcpy(text, value->start, n);
	if (n < 0)
	{
		fail_unescape(reading, n);
		return NULL;
	}
	text[n] = '\0';
	if (reading->column->converts)
	{
		text = pg_any_to_server(text, n, PG_UTF8);
		n = strlen(text);
	}
	*length = n;
	return text;
}

/* The same, by the type's input function; raises. */
static bool
read_by_input(const Reading *reading, Datum *result)
{
	VeloJsonColumn *column = reading->column;
	Size length;
	char *text = to_cstring(reading, &length);

	if (text == NULL)
		return false;
	*result = InputFunctionCall(&column->input, text, column->input_parameter, column->typmod);
	return true;
}

static bool
read_text(const Reading *reading, char **room, Datum *result)
{
	const VeloJsonColumn *column = reading->column;
	const VeloJsonValue *value = reading->value;
	int32 typmod = column->typmod;
	char *text;
	long n = value->length;

	/* A length limit counts characters, of which there are no more than bytes. */
	if (column->converts || (typmod >= (int32) VARHDRSZ && n > typmod - (int32) VARHDRSZ))
		return read_by_input(reading, result);
	text = room ? *room : palloc(VARHDRSZ + n);
	if (value->type == VELO_JSON_STRING && value->has_escapes)
	{
		n = velo_format_json_unescape(value->start, n, VARDATA(text));
		if (n < 0)
			return fail_unescape(reading, n);
	}
	else
		memcpy(VARDATA(text), value->start, n);
	SET_VARSIZE(text, VARHDRSZ + n);
	if (room)
		*room += MAXALIGN(VARHDRSZ + n);
	*result = PointerGetDatum(text);
	return true;
}

/* --- numbers ---------------------------------------------------------------- */

/* A number of more digits than fit: without those that mean nothing, perhaps they do. */
static Fit
shorten(const VeloJsonValue *value, uint64 *mantissa, int32 *exponent)
{
	uint64 m = 0;
	int n = 0;
	int zeros = 0; /* seen last, not yet part of m */

	for (Size i = 0; i < value->length; i++)
	{
		char c = value->start[i];

		if (c == 'e' || c == 'E')
			break;
		if (c == '0')
			zeros += m > 0;
		else if (c >= '1' && c <= '9')
		{
			if (n + zeros >= 19)
				n = 20; /* too many, whatever follows */
			for (; n < 20 && zeros > 0; zeros--, n++)
				m *= 10;
			zeros = 0;
			if (n < 20)
				m = m * 10 + (c - '0');
			n++;
		}
	}
	*mantissa = m;
	*exponent = value->exponent + zeros;
	if (n > 19)
		return *exponent < 0 ? HAS_FRACTION : OUT_OF_RANGE;
	return FITS;
}

/* The number times 10 ^ shift as an integer. */
static Fit
to_int64(const VeloJsonValue *value, int shift, int64 *result)
{
	uint64 m = value->mantissa;
	int32 exponent = value->exponent;

	if (!value->is_exact)
	{
		Fit fit = shorten(value, &m, &exponent);

		if (fit != FITS)
			return fit;
	}
	exponent += shift;
	for (; exponent < 0 && m != 0; exponent++, m /= 10)
		if (m % 10 != 0)
			return HAS_FRACTION;
	for (; exponent > 0 && m != 0; exponent--)
		if (pg_mul_u64_overflow(m, 10, &m))
			return OUT_OF_RANGE;
	if (m > (uint64) PG_INT64_MAX + value->is_negative)
		return OUT_OF_RANGE;
	*result = value->is_negative ? (int64) (0 - m) : (int64) m;
	return FITS;
}

static bool
read_integer(const Reading *reading, const VeloJsonValue *number, int64 min, int64 max,
			 int64 *result)
{
	Fit fit = to_int64(number, 0, result);

	if (fit == HAS_FRACTION)
		return fail(reading, ERRCODE_INVALID_TEXT_REPRESENTATION, "is not an integer");
	if (fit == OUT_OF_RANGE || *result < min || *result > max)
	{
		char what[64];

		snprintf(what, sizeof(what), "is out of range for type %s",
				 reading->column->kind == VELO_JSON_KIND_INT2	? "smallint"
				 : reading->column->kind == VELO_JSON_KIND_INT4 ? "integer"
																: "bigint");
		return fail(reading, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, what);
	}
	return true;
}

/* As PostgreSQL does: what is too large, or too small to differ from zero, is an error. */
static bool
read_float(const Reading *reading, const VeloJsonValue *number, Datum *result)
{
	bool is_float4 = reading->column->kind == VELO_JSON_KIND_FLOAT4;
	char buffer[NUMBER_STACK];
	char *text = number->length < sizeof(buffer) ? buffer : palloc(number->length + 1);
	double d;

	memcpy(text, number->start, number->length);
	text[number->length] = '\0';
	d = is_float4 ? strtof(text, NULL) : strtod(text, NULL);
	if (isinf(d) || (d == 0 && (!number->is_exact || number->mantissa != 0) &&
					 strcspn(text, "123456789") < strcspn(text, "eE")))
		return fail(reading, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
					is_float4 ? "is out of range for type real"
							  : "is out of range for type double precision");
	*result = is_float4 ? Float4GetDatum((float4) d) : Float8GetDatum(d);
	return true;
}

/* Division and multiplication of exact numbers round once, as strtod does. */
static inline bool
read_float8(const Reading *reading, const VeloJsonValue *number, Datum *result)
{
	static const double powers[EXACT_POWER + 1] = {
		1e0,  1e1,	1e2,  1e3,	1e4,  1e5,	1e6,  1e7,	1e8,  1e9,	1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
	};
	int32 exponent = number->exponent;
	double d;

	if (!number->is_exact || number->mantissa > EXACT_MANTISSA || exponent < -EXACT_POWER ||
		exponent > EXACT_POWER)
		return read_float(reading, number, result);
	d = (double) (int64) number->mantissa;
	d = exponent < 0 ? d / powers[-exponent] : d * powers[exponent];
	*result = Float8GetDatum(number->is_negative ? -d : d);
	return true;
}

static void
read_numeric(const Reading *reading, const VeloJsonValue *number, Datum *result)
{
	VeloJsonColumn *column = reading->column;

	/* Keeps the digits as written, also zeros at the end: 1.50 stays 1.50. */
	if (number->is_exact && number->exponent <= 0 && number->exponent >= -NUMERIC_SCALE_MAX &&
		number->mantissa <= PG_INT64_MAX && memchr(number->start, 'e', number->length) == NULL &&
		memchr(number->start, 'E', number->length) == NULL)
	{
		int64 m = (int64) number->mantissa;
		Numeric n = number->exponent == 0 ? int64_to_numeric(number->is_negative ? -m : m)
										  : int64_div_fast_to_numeric(number->is_negative ? -m : m,
																	  -number->exponent);

		*result = NumericGetDatum(n);
		if (column->typmod >= (int32) VARHDRSZ)
			*result = DirectFunctionCall2(numeric, *result, Int32GetDatum(column->typmod));
		return;
	}
	*result = DirectFunctionCall3(numeric_in,
								  CStringGetDatum(pnstrdup(number->start, number->length)),
								  ObjectIdGetDatum(InvalidOid), Int32GetDatum(column->typmod));
}

static bool
read_number(const Reading *reading, Datum *result)
{
	VeloJsonValue parsed;
	const VeloJsonValue *number = reading->value;
	int64 integer;

	if (number->type == VELO_JSON_STRING)
	{
		if (number->has_escapes || !velo_format_json_number(number->start, number->length, &parsed))
			return read_by_input(reading, result); /* NaN, and blanks around */
		number = &parsed;
	}
	else if (number->type != VELO_JSON_NUMBER)
		return fail(reading, ERRCODE_INVALID_TEXT_REPRESENTATION, "is not a number");
	switch (reading->column->kind)
	{
		case VELO_JSON_KIND_INT2:
			if (!read_integer(reading, number, PG_INT16_MIN, PG_INT16_MAX, &integer))
				return false;
			*result = Int16GetDatum((int16) integer);
			return true;
		case VELO_JSON_KIND_INT4:
			if (!read_integer(reading, number, PG_INT32_MIN, PG_INT32_MAX, &integer))
				return false;
			*result = Int32GetDatum((int32) integer);
			return true;
		case VELO_JSON_KIND_INT8:
			if (!read_integer(reading, number, PG_INT64_MIN, PG_INT64_MAX, &integer))
				return false;
			*result = Int64GetDatum(integer);
			return true;
		case VELO_JSON_KIND_FLOAT4:
			return read_float(reading, number, result);
		case VELO_JSON_KIND_FLOAT8:
			return read_float8(reading, number, result);
		default:
			read_numeric(reading, number, result);
			return true;
	}
}

/* --- dates and times -------------------------------------------------------- */

static bool
fail_time(const Reading *reading)
{
	return fail(reading, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, "is out of range for a date or time");
}

/* Milliseconds since 1970 as microseconds since then; parts of a microsecond are rounded. */
static bool
read_epoch(const Reading *reading, int64 *us)
{
	const VeloJsonValue *value = reading->value;

	switch (to_int64(value, 3, us))
	{
		case FITS:
			return true;
		case HAS_FRACTION:
		{
			double d = strtod(pnstrdup(value->start, value->length), NULL) * 1000;

			if (fabs(d) >= 9e18)
				return fail_time(reading);
			*us = (int64) rint(d);
			return true;
		}
		default:
			return fail_time(reading);
	}
}

static void
apply_precision(const VeloJsonColumn *column, Datum *result)
{
	if (column->typmod < 0)
		return;
	*result = DirectFunctionCall2(column->kind == VELO_JSON_KIND_TIMESTAMPTZ ? timestamptz_scale
																			 : timestamp_scale,
								  *result, Int32GetDatum(column->typmod));
}

/* Both kinds count microseconds; without a zone that is UTC, as the dialect has it. */
static bool
read_timestamp(const Reading *reading, Datum *result)
{
	const VeloJsonValue *value = reading->value;
	VeloJsonTime time;

	if (value->type == VELO_JSON_NUMBER)
	{
		if (!read_epoch(reading, &time.us))
			return false;
		if (pg_sub_s64_overflow(time.us, UNIX_TO_PG_US, &time.us) || !IS_VALID_TIMESTAMP(time.us))
			return fail_time(reading);
	}
	else if (value->type != VELO_JSON_STRING)
		return fail(reading, ERRCODE_INVALID_DATETIME_FORMAT, "is not a time");
	else if (!velo_format_time_parse(value->start, value->length, &time))
		return read_by_input(reading, result);
	*result = TimestampTzGetDatum(time.us);
	apply_precision(reading->column, result);
	return true;
}

static bool
read_date(const Reading *reading, Datum *result)
{
	const VeloJsonValue *value = reading->value;
	VeloJsonTime time;
	int64 days;

	if (value->type == VELO_JSON_NUMBER)
	{
		if (!read_epoch(reading, &time.us))
			return false;
		days = time.us / USECS_PER_DAY - (time.us % USECS_PER_DAY < 0) -
			   (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);
		if (days < (int64) DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE ||
			days >= (int64) DATE_END_JULIAN - POSTGRES_EPOCH_JDATE)
			return fail_time(reading);
		*result = DateADTGetDatum((DateADT) days);
		return true;
	}
	if (value->type != VELO_JSON_STRING)
		return fail(reading, ERRCODE_INVALID_DATETIME_FORMAT, "is not a date");
	/* Of a time with a zone PostgreSQL takes the date that is written, whatever the zone. */
	if (value->length < 10 || !velo_format_time_parse(value->start, 10, &time) ||
		(value->length > 10 &&
		 !velo_format_time_parse(value->start, value->length, &(VeloJsonTime) {0})))
		return read_by_input(reading, result);
	*result = DateADTGetDatum((DateADT) (time.us / USECS_PER_DAY));
	return true;
}

/* --- others ----------------------------------------------------------------- */

static bool
read_bool(const Reading *reading, Datum *result)
{
	if (reading->value->type != VELO_JSON_TRUE && reading->value->type != VELO_JSON_FALSE)
		return read_by_input(reading, result);
	*result = BoolGetDatum(reading->value->type == VELO_JSON_TRUE);
	return true;
}

static int
hex_pair(const char *p)
{
	int pair = 0;

	for (int i = 0; i < 2; i++)
	{
		char c = p[i] | 0x20;

		if (p[i] >= '0' && p[i] <= '9')
			pair = pair * 16 + (p[i] - '0');
		else if (c >= 'a' && c <= 'f')
			pair = pair * 16 + (c - 'a' + 10);
		else
			return -1;
	}
	return pair;
}

static bool
read_uuid(const Reading *reading, Datum *result)
{
	const VeloJsonValue *value = reading->value;
	const char *p = value->start;
	pg_uuid_t *uuid = palloc(sizeof(pg_uuid_t));

	if (value->type != VELO_JSON_STRING || value->length != 36)
		return read_by_input(reading, result);
	for (int i = 0; i < UUID_LEN; i++, p += 2)
	{
		int pair;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
			return read_by_input(reading, result);
		pair = hex_pair(p);
		if (pair < 0)
			return read_by_input(reading, result);
		uuid->data[i] = (unsigned char) pair;
	}
	*result = UUIDPGetDatum(uuid);
	return true;
}

static bool
read_bytea(const Reading *reading, Datum *result)
{
	const VeloJsonValue *value = reading->value;
	Size length;
	char *text;
	bytea *bytes;
	int room;
	int n;

	if (value->type != VELO_JSON_STRING)
		return fail(reading, ERRCODE_INVALID_TEXT_REPRESENTATION, "is not a base64 string");
	text = to_cstring(reading, &length);
	if (text == NULL)
		return false;
	room = pg_b64_dec_len(length);
	bytes = palloc(VARHDRSZ + room);
	n = pg_b64_decode(text, length, VARDATA(bytes), room);
	if (n < 0)
		return fail(reading, ERRCODE_INVALID_TEXT_REPRESENTATION, "is not base64");
	SET_VARSIZE(bytes, VARHDRSZ + n);
	*result = PointerGetDatum(bytes);
	return true;
}

/* The value as a piece of JSON in the database's encoding. */
static char *
raw_json(const Reading *reading, Size *length)
{
	const char *from = raw_text(reading->value, length);
	char *text = pnstrdup(from, *length);

	if (reading->column->converts)
	{
		text = pg_any_to_server(text, *length, PG_UTF8);
		*length = strlen(text);
	}
	return text;
}

static bool
read_json(const Reading *reading, Datum *result)
{
	Size length;
	char *text = raw_json(reading, &length);

	if (reading->column->kind == VELO_JSON_KIND_JSONB)
		*result = DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
	else
		*result = PointerGetDatum(cstring_to_text_with_len(text, length));
	return true;
}

/* Arrays and composites, as json_populate_record fills a row of just this column. */
static bool
read_nested(const Reading *reading, Datum *result, bool *is_null)
{
	VeloJsonColumn *column = reading->column;
	LOCAL_FCINFO(fcinfo, 3);
	HeapTupleData tuple;
	Datum row;
	Size length;
	char *text = raw_json(reading, &length);

	InitFunctionCallInfoData(*fcinfo, &column->populate, 3, InvalidOid, NULL, NULL);
	fcinfo->args[0] = (NullableDatum) {column->empty_row, false};
	fcinfo->args[1] = (NullableDatum) {CStringGetTextDatum(psprintf("{\"v\":%s}", text)), false};
	fcinfo->args[2] = (NullableDatum) {BoolGetDatum(false), false};
	row = FunctionCallInvoke(fcinfo);
	tuple.t_data = DatumGetHeapTupleHeader(row);
	tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	heap_deform_tuple(&tuple, column->row, result, is_null);
	return true;
}

static bool
read_null(const Reading *reading, Datum *result, bool *is_null)
{
	VeloJsonColumn *column = reading->column;

	*result = (Datum) 0;
	*is_null = true;
	if (column->not_null)
		return velo_format_fail(reading->error, ERRCODE_NOT_NULL_VIOLATION,
								reading->value->type == VELO_JSON_NULL
									? reading->value->start - reading->record
									: -1,
								"field \"%s\" is %s, but its column is NOT NULL", column->name,
								reading->value->type == VELO_JSON_NULL ? "null" : "missing");
	/* A domain may forbid it. */
	if (column->is_domain)
		(void) InputFunctionCall(&column->input, NULL, column->input_parameter, column->typmod);
	return true;
}

bool
velo_format_json_read(VeloJsonColumn *column, const VeloJsonValue *value, const char *record,
					  char **room, Datum *result, bool *is_null, VeloDecodeError *error)
{
	Reading reading = {column, value, record, error};

	if (value->type <= VELO_JSON_NULL)
		return read_null(&reading, result, is_null);
	*is_null = false;
	switch (column->kind)
	{
		case VELO_JSON_KIND_BOOL:
			return read_bool(&reading, result);
		case VELO_JSON_KIND_INT2:
		case VELO_JSON_KIND_INT4:
		case VELO_JSON_KIND_INT8:
		case VELO_JSON_KIND_FLOAT4:
		case VELO_JSON_KIND_FLOAT8:
		case VELO_JSON_KIND_NUMERIC:
			return read_number(&reading, result);
		case VELO_JSON_KIND_TEXT:
			return read_text(&reading, room, result);
		case VELO_JSON_KIND_TIMESTAMP:
		case VELO_JSON_KIND_TIMESTAMPTZ:
			return read_timestamp(&reading, result);
		case VELO_JSON_KIND_DATE:
			return read_date(&reading, result);
		case VELO_JSON_KIND_UUID:
			return read_uuid(&reading, result);
		case VELO_JSON_KIND_BYTEA:
			return read_bytea(&reading, result);
		case VELO_JSON_KIND_JSON:
		case VELO_JSON_KIND_JSONB:
			return read_json(&reading, result);
		case VELO_JSON_KIND_NESTED:
			return read_nested(&reading, result, is_null);
		case VELO_JSON_KIND_INTERVAL:
		case VELO_JSON_KIND_SCALAR:
			break;
	}
	return read_by_input(&reading, result);
}

/* --- preparation ------------------------------------------------------------ */

static bool
is_nested_type(Oid type)
{
	Oid base = getBaseType(type);

	return type_is_rowtype(base) || OidIsValid(get_element_type(base));
}

VeloJsonKind
velo_format_json_kind(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return VELO_JSON_KIND_BOOL;
		case INT2OID:
			return VELO_JSON_KIND_INT2;
		case INT4OID:
			return VELO_JSON_KIND_INT4;
		case INT8OID:
			return VELO_JSON_KIND_INT8;
		case FLOAT4OID:
			return VELO_JSON_KIND_FLOAT4;
		case FLOAT8OID:
			return VELO_JSON_KIND_FLOAT8;
		case NUMERICOID:
			return VELO_JSON_KIND_NUMERIC;
		case TEXTOID:
		case VARCHAROID:
			return VELO_JSON_KIND_TEXT;
		case TIMESTAMPOID:
			return VELO_JSON_KIND_TIMESTAMP;
		case TIMESTAMPTZOID:
			return VELO_JSON_KIND_TIMESTAMPTZ;
		case DATEOID:
			return VELO_JSON_KIND_DATE;
		case INTERVALOID:
			return VELO_JSON_KIND_INTERVAL;
		case UUIDOID:
			return VELO_JSON_KIND_UUID;
		case BYTEAOID:
			return VELO_JSON_KIND_BYTEA;
		case JSONOID:
			return VELO_JSON_KIND_JSON;
		case JSONBOID:
			return VELO_JSON_KIND_JSONB;
		default:
			return is_nested_type(type) ? VELO_JSON_KIND_NESTED : VELO_JSON_KIND_SCALAR;
	}
}

static void
prepare_populate(VeloJsonColumn *column)
{
	Const *argument = makeNullConst(RECORDOID, -1, InvalidOid);
	FuncExpr *call = makeFuncExpr(F_JSON_POPULATE_RECORD, RECORDOID, list_make1(argument),
								  InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	Datum value = (Datum) 0;
	bool is_null = true;

	/* It learns the row's type from the row that it is given. */
	column->row = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(column->row, 1, "v", column->type, column->typmod, 0);
	column->row = BlessTupleDesc(column->row);
	column->empty_row = heap_copy_tuple_as_datum(heap_form_tuple(column->row, &value, &is_null),
												 column->row);
	fmgr_info(F_JSON_POPULATE_RECORD, &column->populate);
	fmgr_info_set_expr((Node *) call, &column->populate);
}

void
velo_format_json_column_init(VeloJsonColumn *column, Form_pg_attribute attribute)
{
	Oid input;

	memset(column, 0, sizeof(*column));
	column->name = pstrdup(NameStr(attribute->attname));
	column->type = attribute->atttypid;
	column->typmod = attribute->atttypmod;
	column->kind = velo_format_json_kind(attribute->atttypid);
	column->is_domain = get_typtype(attribute->atttypid) == TYPTYPE_DOMAIN;
	column->not_null = attribute->attnotnull;
	column->converts = GetDatabaseEncoding() != PG_UTF8;
	getTypeInputInfo(column->type, &input, &column->input_parameter);
	fmgr_info(input, &column->input);
	if (column->kind == VELO_JSON_KIND_NESTED)
		prepare_populate(column);
}
