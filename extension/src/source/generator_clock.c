/*
 * generator_clock.c
 *	  Which records a generator has by now, and what times they carry.
 */
#include "postgres.h"

#include "source/generator_private.h"

#include <math.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/timestamp.h>

#include "base/option.h"

TimestampTz
velo_source_generator_read_time(const char *text)
{
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

/* Digits, sign and a unit of dialect durations: "-1h", "+500ms". */
static bool
read_offset(const char *text, TimestampTz *offset)
{
	static const struct
	{
		const char *name;
		int64 micros;
	} units[] = {
		{"ms", 1000},		   {"s", USECS_PER_SEC}, {"m", USECS_PER_MINUTE},
		{"h", USECS_PER_HOUR}, {"d", USECS_PER_DAY}, {"w", 7 * USECS_PER_DAY},
	};
	char *end;
	double number = strtod(text, &end);

	if (pg_strcasecmp(text, "now") == 0)
	{
		*offset = 0;
		return true;
	}
	if (end == text)
		return false;
	for (int i = 0; i < lengthof(units); i++)
	{
		if (strcmp(end, units[i].name) == 0)
		{
			*offset = (TimestampTz) (number * units[i].micros);
			return true;
		}
	}
	return false;
}

static bool
read_moment(List *options, const char *name, TimestampTz base, TimestampTz *time)
{
	const char *text = velo_base_option_text(options, name);
	TimestampTz offset;

	if (text == NULL)
		text = velo_base_option_text(options, psprintf("data.%s", name));
	if (text == NULL)
		return false;
	if (read_offset(text, &offset))
		*time = base + offset;
	else
		*time = velo_source_generator_read_time(text);
	return true;
}

int64
velo_source_generator_read_count(List *options, const char *name, int64 standard)
{
	const char *text = velo_base_option_text(options, name);

	if (text == NULL || !velo_base_option_is_set(options, name))
	{
		const char *annotated = velo_base_option_text(options, psprintf("data.%s", name));

		text = annotated ? annotated : text;
	}
	return text ? strtoi64(text, NULL, 10) : standard;
}

void
velo_source_generator_set_clock(VeloGenerator *generator, List *options)
{
	TimestampTz end;
	bool has_end;

	generator->rate = velo_base_option_float(options, "rows_per_second");
	generator->record_count = velo_source_generator_read_count(options, "record_count", -1);
	generator->has_start = read_moment(options, "time_start", generator->base, &generator->start);
	has_end = read_moment(options, "time_end", generator->base, &end);
	/* Unthrottled records are a millisecond apart. */
	generator->step = generator->rate > 0 ? (double) USECS_PER_SEC / generator->rate : 1000;
	if (!has_end)
		return;
	if (!generator->has_start)
	{
		generator->has_start = true;
		generator->start = generator->base;
	}
	if (end < generator->start)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"time_end\" lies before \"time_start\"")));
	if (generator->record_count > 0)
		generator->step = Max((double) (end - generator->start) / generator->record_count, 1e-6);
	else if (generator->record_count < 0)
		/* The range says how many there are. */
		generator->record_count = (int64) ceil((end - generator->start) / generator->step);
}

TimestampTz
velo_source_generator_time(const VeloGenerator *generator, int64 n)
{
	TimestampTz start = generator->has_start ? generator->start : generator->base;

	return start + (TimestampTz) rint(n * generator->step);
}

int64
velo_source_generator_first_at(const VeloGenerator *generator, TimestampTz time)
{
	int64 n = (int64) ceil((time - velo_source_generator_time(generator, 0)) / generator->step);

	n = Max(n, 0);
	return generator->record_count >= 0 ? Min(n, generator->record_count) : n;
}

TimestampTz
velo_source_generator_due(const VeloGenerator *generator, int64 n)
{
	if (generator->rate <= 0)
		return generator->base;
	return generator->base + (TimestampTz) rint(n / generator->rate * USECS_PER_SEC);
}

int64
velo_source_generator_count(const VeloGenerator *generator, TimestampTz now)
{
	int64 n = PG_INT64_MAX;

	if (generator->rate > 0)
	{
		n = now < generator->base
				? 0
				: (int64) floor((now - generator->base) * generator->rate / USECS_PER_SEC) + 1;
		/* Rounding must not say that a record is due and then that it is not. */
		while (n > 0 && velo_source_generator_due(generator, n - 1) > now)
			n--;
		while (velo_source_generator_due(generator, n) <= now)
			n++;
	}
	if (generator->record_count >= 0)
		n = Min(n, generator->record_count);
	return n;
}

int64
velo_source_generator_record_count(const VeloGenerator *generator)
{
	return generator->record_count;
}

double
velo_source_generator_rate(const VeloGenerator *generator)
{
	return generator->rate;
}

void
velo_source_generator_set_base(VeloGenerator *generator, TimestampTz base)
{
	generator->base = base;
}
