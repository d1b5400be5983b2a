/*
 * median.c
 *	  velo.median: percentile_cont(0.5), exactly, of all values of a group.
 *
 * percentile_cont itself works in jobs too, but has its values sorted each time its group
 * is emitted.  Here they are kept as plain numbers, and the middle one is selected.
 */
#include "postgres.h"

#include "function/state.h"

#include <utils/float.h>
#include <utils/memutils.h>

#include "base/function.h"

/* What a saved state may hold. */
#define VALUES_MAX ((int64) (MaxAllocSize / sizeof(float8) - 16))

#define KIND_VALUES 'm'

typedef struct Values
{
	int64 n;
	int64 capacity;
	float8 *values;
} Values;

/* Room for "more" values, in the state's context. */
static void
make_room(Values *self, int64 more)
{
	int64 capacity = Max(self->capacity, 8);

	if (self->n + more > VALUES_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("median cannot keep more than %lld values", (long long) VALUES_MAX),
						errhint("Use approx_percentile(x, 0.5).")));
	while (capacity < self->n + more)
		capacity *= 2;
	if (capacity == self->capacity)
		return;
	self->values = self->values
					   ? repalloc_huge(self->values, sizeof(float8) * capacity)
					   : MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float8) * capacity);
	self->capacity = capacity;
}

/* velo._median_add(internal, double precision) → internal */
VELO_FUNCTION(velo_median_add)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Values *self = PG_ARGISNULL(0) ? palloc0(sizeof(Values)) : (Values *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		make_room(self, 1);
		self->values[self->n++] = PG_GETARG_FLOAT8(1);
	}
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(self);
}

/* velo._median_merge(internal, internal) → internal */
VELO_FUNCTION(velo_median_merge)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Values *into = PG_ARGISNULL(0) ? palloc0(sizeof(Values)) : (Values *) PG_GETARG_POINTER(0);
	Values *from = PG_ARGISNULL(1) ? NULL : (Values *) PG_GETARG_POINTER(1);

	if (from && from->n > 0)
	{
		make_room(into, from->n);
		memcpy(into->values + into->n, from->values, sizeof(float8) * from->n);
		into->n += from->n;
	}
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(into);
}

/* velo._median_save(internal) → bytea */
VELO_FUNCTION(velo_median_save)
{
	Values *self = (Values *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) velo_function_state_context(fcinfo);
	velo_function_save_begin(&buffer, KIND_VALUES);
	appendBinaryStringInfo(&buffer, (char *) &self->n, sizeof(self->n));
	velo_function_save_reserve(&buffer, sizeof(float8) * self->n);
	if (self->n > 0)
		appendBinaryStringInfo(&buffer, (char *) self->values, (int) (sizeof(float8) * self->n));
	PG_RETURN_BYTEA_P(velo_function_save_end(&buffer));
}

/* velo._median_load(bytea, internal) → internal */
VELO_FUNCTION(velo_median_load)
{
	Values *self = palloc0(sizeof(Values));
	StringInfoData buffer;
	int64 n;

	(void) velo_function_state_context(fcinfo);
	velo_function_load_begin(&buffer, PG_GETARG_BYTEA_PP(0), KIND_VALUES);
	n = velo_function_load_count(&buffer, sizeof(float8));
	make_room(self, n);
	velo_function_load_take(&buffer, self->values, sizeof(float8) * n);
	self->n = n;
	PG_RETURN_POINTER(self);
}

/* Puts the value of that rank into its place, what is less before and the rest behind it. */
static void
select_rank(float8 *values, int64 n, int64 rank)
{
	int64 low = 0;
	int64 high = n - 1;

	while (low < high)
	{
		float8 pivot = values[low + (high - low) / 2];
		int64 i = low;
		int64 j = high;

		while (i <= j)
		{
			while (float8_lt(values[i], pivot))
				i++;
			while (float8_gt(values[j], pivot))
				j--;
			if (i <= j)
			{
				float8 value = values[i];

				values[i++] = values[j];
				values[j--] = value;
			}
		}
		if (rank <= j)
			high = j;
		else if (rank >= i)
			low = i;
		else
			return;
	}
}

/* velo._median_final(internal) → double precision */
VELO_FUNCTION(velo_median_final)
{
	Values *self = PG_ARGISNULL(0) ? NULL : (Values *) PG_GETARG_POINTER(0);
	float8 *copy;
	int64 middle;
	float8 lower;
	float8 upper;

	if (self == NULL || self->n == 0)
		PG_RETURN_NULL();
	/* The state goes on. */
	copy = palloc(sizeof(float8) * self->n);
	memcpy(copy, self->values, sizeof(float8) * self->n);
	middle = (self->n - 1) / 2;
	select_rank(copy, self->n, middle);
	lower = copy[middle];
	if (self->n % 2 == 0)
	{
		upper = copy[middle + 1];
		for (int64 i = middle + 2; i < self->n; i++)
			if (float8_lt(copy[i], upper))
				upper = copy[i];
		lower = lower + 0.5 * (upper - lower); /* as percentile_cont does */
	}
	pfree(copy);
	PG_RETURN_FLOAT8(lower);
}
