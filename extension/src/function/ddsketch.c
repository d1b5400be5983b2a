/*
 * ddsketch.c
 *	  velo.approx_percentile: percentiles with a relative error of 1 %.
 *
 * DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
 * relative-error guarantees", 2019): counts of values by the integer part of their
 * logarithm to the base gamma = (1 + a) / (1 - a), for positive and negative values each.
 * Zero, NaN and the infinities are counted on their own; NaN is greater than all other
 * values, as in PostgreSQL.
 *
 * Each side has at most BINS_MAX bins, which lie side by side: 35 orders of magnitude.
 * Values smaller than the greatest by more than that share the lowest bin, and only
 * percentiles that fall into it are less exact.
 *
 * The value at rank floor(p * (n - 1)) is given, so p = 0 is the least value and p = 1
 * the greatest, which are kept exactly.
 */
#include "postgres.h"

#include "function/state.h"

#include <math.h>

#include <catalog/pg_type.h>
#include <utils/array.h>
#include <utils/float.h>

#include "base/compat.h"
#include "base/function.h"

#define RELATIVE_ERROR 0.01
#define BINS_MAX 4096
/* Bins are added in steps, so that few values cost few reallocations. */
#define BINS_STEP 32

#define KIND_SKETCH 'q'

typedef struct Bins
{
	int32 first; /* logarithm of counts[0] */
	int32 n;
	int64 *counts;
} Bins;

typedef struct Sketch
{
	struct
	{
		int64 zero;
		int64 nan;
		int64 plus_infinity;
		int64 minus_infinity;
		float8 least; /* of finite values, if there are any */
		float8 greatest;
		int64 finite;
	} head;
	Bins positive;
	Bins negative; /* of absolute values */
	/* What is asked for, the same for all records: float8, or float8[] flat. */
	Size asked_bytes; /* 0: NULL */
	char *asked;
} Sketch;

static double
gamma_log(void)
{
	return log1p(2 * RELATIVE_ERROR / (1 - RELATIVE_ERROR));
}

static int32
bin_of(double value)
{
	return (int32) ceil(log(value) / gamma_log());
}

/* The value whose distance to both ends of the bin is the same part of them. */
static double
value_of(int32 bin)
{
	return exp(bin * gamma_log()) * (1 - RELATIVE_ERROR);
}

/* --- bins ---------------------------------------------------------------------------- */

/* Bins from "first" to "last", with what is below folded into the first. */
static void
set_bounds(Bins *bins, int32 first, int32 last)
{
	int32 n = last - first + 1;
	int64 *counts = palloc0(sizeof(int64) * n);

	for (int32 i = 0; i < bins->n; i++)
		counts[Max(bins->first + i - first, 0)] += bins->counts[i];
	if (bins->counts)
		pfree(bins->counts);
	bins->counts = counts;
	bins->first = first;
	bins->n = n;
}

static void
add_to_bin(Bins *bins, int32 bin, int64 count)
{
	if (bins->n == 0)
		set_bounds(bins, bin, bin + BINS_STEP - 1);
	else if (bin >= bins->first + bins->n)
	{
		int32 last = bin + BINS_STEP - 1;

		set_bounds(bins, Max(bins->first, last - BINS_MAX + 1), last);
	}
	else if (bin < bins->first && bins->n < BINS_MAX)
	{
		int32 last = bins->first + bins->n - 1;

		set_bounds(bins, Max(bin - BINS_STEP + 1, last - BINS_MAX + 1), last);
	}
	bins->counts[Max(bin - bins->first, 0)] += count;
}

static void
merge_bins(Bins *into, const Bins *from)
{
	/* From above, so that what is folded is folded once. */
	for (int32 i = from->n - 1; i >= 0; i--)
		if (from->counts[i] > 0)
			add_to_bin(into, from->first + i, from->counts[i]);
}

static int64
total_of(const Bins *bins)
{
	int64 total = 0;

	for (int32 i = 0; i < bins->n; i++)
		total += bins->counts[i];
	return total;
}

/* --- adding -------------------------------------------------------------------------- */

static void
count_value(Sketch *self, double value)
{
	if (isnan(value))
		self->head.nan++;
	else if (isinf(value))
		*(value > 0 ? &self->head.plus_infinity : &self->head.minus_infinity) += 1;
	else
	{
		if (self->head.finite == 0 || value < self->head.least)
			self->head.least = value;
		if (self->head.finite == 0 || value > self->head.greatest)
			self->head.greatest = value;
		self->head.finite++;
		if (value > 0)
			add_to_bin(&self->positive, bin_of(value), 1);
		else if (value < 0)
			add_to_bin(&self->negative, bin_of(-value), 1);
		else
			self->head.zero++;
	}
}

static void
check_fraction(double p)
{
	if (!(p >= 0 && p <= 1))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("percentile value %g is not between 0 and 1", p)));
}

static void
check_fractions(ArrayType *array)
{
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	Datum value;
	bool is_null;

	while (array_iterate(iterator, &value, &is_null))
		if (!is_null)
			check_fraction(DatumGetFloat8(value));
	array_free_iterator(iterator);
}

/* Notes what is asked for, or checks that it is what it was. */
static Sketch *
ask(Sketch *self, const char *asked, Size bytes)
{
	if (self && self->asked_bytes == bytes && memcmp(self->asked, asked, bytes) == 0)
		return self;
	if (self)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the fraction of approx_percentile must be the same for all records")));
	self = palloc0(sizeof(Sketch));
	self->asked_bytes = bytes;
	self->asked = palloc(Max(bytes, 1));
	memcpy(self->asked, asked, bytes);
	return self;
}

/* velo._percentile_add(internal, double precision, double precision) → internal */
VELO_FUNCTION(velo_percentile_add)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Sketch *self = PG_ARGISNULL(0) ? NULL : (Sketch *) PG_GETARG_POINTER(0);
	double p = PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT8(2);

	if (self == NULL)
		check_fraction(p);
	self = ask(self, (char *) &p, PG_ARGISNULL(2) ? 0 : sizeof(p));
	if (!PG_ARGISNULL(1))
		count_value(self, PG_GETARG_FLOAT8(1));
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(self);
}

/* velo._percentiles_add(internal, double precision, double precision[]) → internal */
VELO_FUNCTION(velo_percentiles_add)
{
	ArrayType *array = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2);
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Sketch *self = PG_ARGISNULL(0) ? NULL : (Sketch *) PG_GETARG_POINTER(0);

	if (self == NULL && array)
		check_fractions(array);
	self = ask(self, array ? (char *) array : "", array ? VARSIZE(array) : 0);
	if (!PG_ARGISNULL(1))
		count_value(self, PG_GETARG_FLOAT8(1));
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(self);
}

/* velo._percentile_merge(internal, internal) → internal */
VELO_FUNCTION(velo_percentile_merge)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Sketch *into = PG_ARGISNULL(0) ? NULL : (Sketch *) PG_GETARG_POINTER(0);
	Sketch *from = PG_ARGISNULL(1) ? NULL : (Sketch *) PG_GETARG_POINTER(1);

	if (from)
	{
		into = ask(into, from->asked, from->asked_bytes);
		if (from->head.finite > 0)
		{
			bool is_first = into->head.finite == 0;

			into->head.least = is_first ? from->head.least
										: Min(into->head.least, from->head.least);
			into->head.greatest = is_first ? from->head.greatest
										   : Max(into->head.greatest, from->head.greatest);
		}
		into->head.finite += from->head.finite;
		into->head.zero += from->head.zero;
		into->head.nan += from->head.nan;
		into->head.plus_infinity += from->head.plus_infinity;
		into->head.minus_infinity += from->head.minus_infinity;
		merge_bins(&into->positive, &from->positive);
		merge_bins(&into->negative, &from->negative);
	}
	MemoryContextSwitchTo(old);
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

/* --- saving -------------------------------------------------------------------------- */

/* Empty bins at the ends are room to grow and not saved. */
static void
save_bins(StringInfo buffer, const Bins *bins)
{
	int32 from = 0;
	int32 to = bins->n;
	int32 first;
	int64 n;

	while (from < to && bins->counts[from] == 0)
		from++;
	while (to > from && bins->counts[to - 1] == 0)
		to--;
	first = bins->first + from;
	n = to - from;
	appendBinaryStringInfo(buffer, (char *) &first, sizeof(first));
	appendBinaryStringInfo(buffer, (char *) &n, sizeof(n));
	if (n > 0)
		appendBinaryStringInfo(buffer, (char *) (bins->counts + from), sizeof(int64) * n);
}

static void
load_bins(StringInfo buffer, Bins *bins)
{
	velo_function_load_take(buffer, &bins->first, sizeof(bins->first));
	bins->n = (int32) velo_function_load_count(buffer, sizeof(int64));
	if (bins->n == 0)
		return;
	bins->counts = palloc(sizeof(int64) * bins->n);
	velo_function_load_take(buffer, bins->counts, sizeof(int64) * bins->n);
}

/* velo._percentile_save(internal) → bytea */
VELO_FUNCTION(velo_percentile_save)
{
	Sketch *self = (Sketch *) PG_GETARG_POINTER(0);
	StringInfoData buffer;
	int64 asked = self->asked_bytes;

	(void) velo_function_state_context(fcinfo);
	velo_function_save_begin(&buffer, KIND_SKETCH);
	appendBinaryStringInfo(&buffer, (char *) &self->head, sizeof(self->head));
	appendBinaryStringInfo(&buffer, (char *) &asked, sizeof(asked));
	appendBinaryStringInfo(&buffer, self->asked, (int) self->asked_bytes);
	save_bins(&buffer, &self->positive);
	save_bins(&buffer, &self->negative);
	PG_RETURN_BYTEA_P(velo_function_save_end(&buffer));
}

/* velo._percentile_load(bytea, internal) → internal */
VELO_FUNCTION(velo_percentile_load)
{
	Sketch *self = palloc0(sizeof(Sketch));
	StringInfoData buffer;

	(void) velo_function_state_context(fcinfo);
	velo_function_load_begin(&buffer, PG_GETARG_BYTEA_PP(0), KIND_SKETCH);
	velo_function_load_take(&buffer, &self->head, sizeof(self->head));
	self->asked_bytes = (Size) velo_function_load_count(&buffer, 1);
	self->asked = palloc(Max(self->asked_bytes, 1));
	velo_function_load_take(&buffer, self->asked, self->asked_bytes);
	load_bins(&buffer, &self->positive);
	load_bins(&buffer, &self->negative);
	PG_RETURN_POINTER(self);
}

/* --- the result ---------------------------------------------------------------------- */

static double
bin_at(const Bins *bins, int64 rank, bool is_negative)
{
	for (int32 i = 0; i < bins->n; i++)
	{
		int32 number = is_negative ? bins->n - 1 - i : i;

		rank -= bins->counts[number];
		if (rank < 0)
			return is_negative ? -value_of(bins->first + number) : value_of(bins->first + number);
	}
	return is_negative ? 0 : INFINITY; /* bounded by what is kept exactly */
}

static double
percentile(const Sketch *self, double p)
{
	int64 n = self->head.finite + self->head.nan + self->head.plus_infinity +
			  self->head.minus_infinity;
	int64 rank = (int64) floor(p * (double) (n - 1));
	int64 negatives = total_of(&self->negative);
	double value;

	if (rank < self->head.minus_infinity)
		return -get_float8_infinity();
	rank -= self->head.minus_infinity;
	if (rank >= self->head.finite)
		return rank - self->head.finite < self->head.plus_infinity ? get_float8_infinity()
																   : get_float8_nan();
	if (rank == 0)
		return self->head.least;
	if (rank == self->head.finite - 1)
		return self->head.greatest;
	if (rank < negatives)
		value = bin_at(&self->negative, rank, true);
	else if (rank < negatives + self->head.zero)
		value = 0;
	else
		value = bin_at(&self->positive, rank - negatives - self->head.zero, false);
	return Min(Max(value, self->head.least), self->head.greatest);
}

static bool
is_empty(const Sketch *self)
{
	return self->asked_bytes == 0 || self->head.finite + self->head.nan + self->head.plus_infinity +
											 self->head.minus_infinity ==
										 0;
}

/* velo._percentile_final(internal) → double precision */
VELO_FUNCTION(velo_percentile_final)
{
	Sketch *self = PG_ARGISNULL(0) ? NULL : (Sketch *) PG_GETARG_POINTER(0);
	double p;

	if (self == NULL || is_empty(self))
		PG_RETURN_NULL();
	memcpy(&p, self->asked, sizeof(p));
	PG_RETURN_FLOAT8(percentile(self, p));
}

/* velo._percentiles_final(internal) → double precision[], of the shape that was asked for */
VELO_FUNCTION(velo_percentiles_final)
{
	Sketch *self = PG_ARGISNULL(0) ? NULL : (Sketch *) PG_GETARG_POINTER(0);
	ArrayType *asked;
	Datum *values;
	bool *nulls;
	int n;

	if (self == NULL || is_empty(self))
		PG_RETURN_NULL();
	asked = (ArrayType *) self->asked;
	deconstruct_array(asked, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values,
					  &nulls, &n);
	if (n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			values[i] = Float8GetDatum(percentile(self, DatumGetFloat8(values[i])));
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, ARR_NDIM(asked), ARR_DIMS(asked),
											 ARR_LBOUND(asked), FLOAT8OID, sizeof(float8),
											 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
