/*
 * time.c
 *	  Functions about times: velo.timestamp, velo.date_format, velo.datediff.
 *
 * Where the dialect says T, a time is timestamptz, timestamp, date, or bigint
 * milliseconds since 1970.  A timestamptz is shown in the session's time zone, which in a
 * job is the job's; a timestamp and a date have fields of their own.
 */
#include "postgres.h"

#include <catalog/pg_type.h>
#include <common/int.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/fmgrprotos.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>

#include "base/compat.h"
#include "base/function.h"
#include "base/time_text.h"
#include "format/json_time.h"
#include "operate/event_time.h"

/* --- conversions ------------------------------------------------------------------------ */

/* ISO 8601, in UTC unless the text says otherwise. */
static TimestampTz
from_iso8601(text *value)
{
	VeloJsonTime time;
	const char *data = VARDATA_ANY(value);
	Datum datum = PointerGetDatum(value);

	if (velo_format_time_parse(data, VARSIZE_ANY_EXHDR(value), &time))
		return time.us;
	return velo_operate_to_time(datum, TEXTOID, NULL);
}

/*
 * velo.timestamp(time [, format text]) → timestamptz: bigint, double precision and text
 * by format, as event.time.format has it
 */
VELO_FUNCTION(velo_timestamp_from)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	char *format = PG_NARGS() > 1 ? text_to_cstring(PG_GETARG_TEXT_PP(1)) : NULL;
	Datum value = PG_GETARG_DATUM(0);
	bool is_epoch;

	if (format && strcmp(format, "epoch") == 0)
		format = "epoch_seconds";
	is_epoch = format &&
			   (strcmp(format, "epoch_millis") == 0 || strcmp(format, "epoch_seconds") == 0);
	if (type == TEXTOID && (format == NULL || strcmp(format, "iso8601") == 0))
		PG_RETURN_TIMESTAMPTZ(from_iso8601(DatumGetTextPP(value)));
	if (format && !is_epoch && type == TEXTOID)
		PG_RETURN_TIMESTAMPTZ(velo_base_time_read(text_to_cstring(DatumGetTextPP(value)), format));
	if (format && !is_epoch)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a number cannot be read as a time of format \"%s\"", format),
						errhint("Use epoch_millis or epoch_seconds, or cast the number to text.")));
	if (type == FLOAT8OID)
	{
		value = DirectFunctionCall1(float8_numeric, value);
		type = NUMERICOID;
	}
	PG_RETURN_TIMESTAMPTZ(velo_operate_to_time(value, type, format));
}

/* --- as text -------------------------------------------------------------------------------- */

static Datum
date_format(FunctionCallInfo fcinfo, pg_tz *zone)
{
	StringInfoData buffer;
	int64 micros = PG_GETARG_INT64(0);

	/* As to_char. */
	if (TIMESTAMP_NOT_FINITE(micros))
		PG_RETURN_NULL();
	initStringInfo(&buffer);
	velo_base_time_write(&buffer, micros, zone, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buffer.data, buffer.len));
}

/* velo.date_format(timestamptz, text) → text */
VELO_FUNCTION(velo_date_format)
{
	return date_format(fcinfo, session_timezone);
}

/* velo.date_format(timestamp, text) → text */
VELO_FUNCTION(velo_date_format_local)
{
	return date_format(fcinfo, NULL);
}

/* --- differences ---------------------------------------------------------------------------- */

typedef struct Unit
{
	const char *name; /* singular */
	int64 micros;	  /* 0: months count */
	int months;
} Unit;

static const Unit units[] = {
	{"microsecond", 1, 0},
	{"millisecond", 1000, 0},
	{"second", USECS_PER_SEC, 0},
	{"minute", USECS_PER_MINUTE, 0},
	{"hour", USECS_PER_HOUR, 0},
	{"day", USECS_PER_DAY, 0},
	{"week", 7 * USECS_PER_DAY, 0},
	{"month", 0, 1},
	{"quarter", 0, 3},
	{"year", 0, 12},
};

static const Unit *
find_unit(text *name)
{
	int length = (int) VARSIZE_ANY_EXHDR(name);
	const char *data = VARDATA_ANY(name);

	for (size_t i = 0; i < lengthof(units); i++)
	{
		int own = (int) strlen(units[i].name);

		if (pg_strncasecmp(data, units[i].name, Min(own, length)) == 0 &&
			(length == own || (length == own + 1 && pg_tolower((unsigned char) data[own]) == 's')))
			return &units[i];
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("time unit \"%.*s\" is not known", length, data),
					errhint("Use microseconds, milliseconds, seconds, minutes, hours, days, weeks, "
							"months, quarters or years.")));
}

/* Whole units from a to b; towards zero if b is before a. */
static Datum
difference(text *unit_name, int64 a, int64 b, PGFunction age)
{
	const Unit *unit = find_unit(unit_name);
	int64 micros;

	if (TIMESTAMP_NOT_FINITE(a) || TIMESTAMP_NOT_FINITE(b) || pg_sub_s64_overflow(b, a, &micros))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("the difference of the two times is out of range")));
	if (unit->micros > 0)
		PG_RETURN_INT64(micros / unit->micros);
	PG_RETURN_INT64(DatumGetIntervalP(DirectFunctionCall2(age, TimestampTzGetDatum(b),
														  TimestampTzGetDatum(a)))
						->month /
					unit->months);
}

/* velo.datediff(unit text, a timestamptz, b timestamptz) → bigint */
VELO_FUNCTION(velo_datediff)
{
	return difference(PG_GETARG_TEXT_PP(0), PG_GETARG_INT64(1), PG_GETARG_INT64(2),
					  timestamptz_age);
}

/* velo.datediff(unit text, a timestamp, b timestamp) → bigint */
VELO_FUNCTION(velo_datediff_local)
{
	return difference(PG_GETARG_TEXT_PP(0), PG_GETARG_INT64(1), PG_GETARG_INT64(2), timestamp_age);
}

static TimestampTz
time_of(FunctionCallInfo fcinfo, int argument)
{
	Oid type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, argument));
	Datum value = PG_GETARG_DATUM(argument);

	switch (type)
	{
		case UNKNOWNOID:
			value = PointerGetDatum(cstring_to_text(DatumGetCString(value)));
			return from_iso8601(DatumGetTextPP(value));
		case TEXTOID:
			return from_iso8601(DatumGetTextPP(value));
		case TIMESTAMPTZOID:
		case TIMESTAMPOID:
		case DATEOID:
		case INT4OID:
		case INT8OID:
			return velo_operate_to_time(value, type, NULL);
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a value of type %s is no time", format_type_be(type)),
					 errhint("Use timestamptz, timestamp, date, or bigint milliseconds since "
							 "1970.")));
	}
}

/* velo.datediff(unit text, a "any", b "any") → bigint: times of different types */
VELO_FUNCTION(velo_datediff_mixed)
{
	TimestampTz a = time_of(fcinfo, 1);
	TimestampTz b = time_of(fcinfo, 2);

	return difference(PG_GETARG_TEXT_PP(0), a, b, timestamptz_age);
}
