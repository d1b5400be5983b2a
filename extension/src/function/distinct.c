/*
 * distinct.c
 *	  velo.count_distinct: how many different values, exactly.
 *
 * The values are kept in a hash table of our own: PostgreSQL's DISTINCT would sort all
 * values of a group each time it is emitted.  A state is saved with the hash values, so
 * that reading it back compares nothing.
 */
#include "postgres.h"

#include "function/state.h"

#include <utils/memutils.h>

#include "base/function.h"
#include "operate/transition.h"

/* As many as slots can number. */
#define VALUES_MAX (1 << 30)
#define SLOTS_MIN 16

#define KIND_DISTINCT 'd'

typedef struct Distinct
{
	VeloValueType type;
	uint32 n;
	uint32 capacity;
	uint32 nslots;	/* a power of two, at least twice n */
	Datum *values;	/* by arrival */
	uint32 *hashes; /* of values */
	uint32 *slots;	/* by hash: number of a value + 1, 0 for none */
} Distinct;

static void *
resize(void *memory, Size bytes)
{
	return memory ? repalloc_huge(memory, bytes)
				  : MemoryContextAllocHuge(CurrentMemoryContext, bytes);
}

static void
fill_slots(Distinct *state)
{
	memset(state->slots, 0, sizeof(uint32) * state->nslots);
	for (uint32 i = 0; i < state->n; i++)
	{
		uint32 slot = state->hashes[i] & (state->nslots - 1);

		while (state->slots[slot] != 0)
			slot = (slot + 1) & (state->nslots - 1);
		state->slots[slot] = i + 1;
	}
}

/* Room for so many values. */
static void
make_room(Distinct *state, uint32 wanted)
{
	uint32 capacity = Max(state->capacity, SLOTS_MIN / 2);

	if (wanted > VALUES_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("count_distinct cannot count more than %d values", VALUES_MAX),
						errhint("Use approx_count_distinct.")));
	while (capacity < wanted)
		capacity *= 2;
	if (capacity == state->capacity)
		return;
	state->capacity = capacity;
	state->nslots = capacity * 2;
	state->values = resize(state->values, sizeof(Datum) * capacity);
	state->hashes = resize(state->hashes, sizeof(uint32) * capacity);
	state->slots = resize(state->slots, sizeof(uint32) * state->nslots);
	fill_slots(state);
}

/* Is there an equal value?  Else the slot where it belongs. */
static bool
find(const Distinct *state, TypeCacheEntry *entry, Oid collation, Datum value, uint32 hash,
	 uint32 *slot)
{
	if (state->nslots == 0)
		return false;
	for (*slot = hash & (state->nslots - 1); state->slots[*slot] != 0;
		 *slot = (*slot + 1) & (state->nslots - 1))
	{
		uint32 number = state->slots[*slot] - 1;

		if (state->hashes[number] == hash &&
			DatumGetBool(FunctionCall2Coll(&entry->eq_opr_finfo, collation, state->values[number],
										   value)))
			return true;
	}
	return false;
}

/* In the state's context. */
static void
add(FunctionCallInfo fcinfo, Distinct *state, Datum value)
{
	TypeCacheEntry *entry = velo_function_type_cache(fcinfo, state->type.type,
													 TYPECACHE_HASH_EXTENDED_PROC_FINFO |
														 TYPECACHE_EQ_OPR_FINFO);
	uint32 hash = (uint32) DatumGetUInt64(FunctionCall2Coll(&entry->hash_extended_proc_finfo,
															PG_GET_COLLATION(), value,
															Int64GetDatum(0)));
	uint32 slot = 0;

	if (find(state, entry, PG_GET_COLLATION(), value, hash, &slot))
		return;
	if (state->n == state->capacity)
	{
		make_room(state, state->n + 1);
		(void) find(state, entry, PG_GET_COLLATION(), value, hash, &slot);
	}
	state->values[state->n] = velo_function_value_copy(&state->type, value);
	state->hashes[state->n] = hash;
	state->slots[slot] = ++state->n;
}

/* velo._distinct_add(internal, anyelement) → internal */
VELO_FUNCTION(velo_distinct_add)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Distinct *state = PG_ARGISNULL(0) ? NULL : (Distinct *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		if (state == NULL)
		{
			state = palloc0(sizeof(Distinct));
			velo_function_argument_type(fcinfo, 1, &state->type);
		}
		add(fcinfo, state, PG_GETARG_DATUM(1));
	}
	MemoryContextSwitchTo(old);
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* velo._distinct_merge(internal, internal) → internal */
VELO_FUNCTION(velo_distinct_merge)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Distinct *into = PG_ARGISNULL(0) ? NULL : (Distinct *) PG_GETARG_POINTER(0);
	Distinct *from = PG_ARGISNULL(1) ? NULL : (Distinct *) PG_GETARG_POINTER(1);

	if (from && into == NULL)
	{
		into = palloc0(sizeof(Distinct));
		into->type = from->type;
	}
	for (uint32 i = 0; from && i < from->n; i++)
		add(fcinfo, into, from->values[i]);
	MemoryContextSwitchTo(old);
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

/* velo._distinct_save(internal) → bytea */
VELO_FUNCTION(velo_distinct_save)
{
	Distinct *state = (Distinct *) PG_GETARG_POINTER(0);
	StringInfoData buffer;
	int64 n = state->n;

	(void) velo_function_state_context(fcinfo);
	velo_function_save_begin(&buffer, KIND_DISTINCT);
	velo_function_save_type(&buffer, &state->type);
	appendBinaryStringInfo(&buffer, (char *) &n, sizeof(n));
	velo_function_save_reserve(&buffer, sizeof(uint32) * state->n);
	appendBinaryStringInfo(&buffer, (char *) state->hashes, sizeof(uint32) * state->n);
	for (uint32 i = 0; i < state->n; i++)
	{
		velo_function_save_reserve(&buffer, sizeof(Datum) + 1);
		velo_operate_put_datum(&buffer, state->values[i], false, state->type.by_value,
							   state->type.length);
	}
	PG_RETURN_BYTEA_P(velo_function_save_end(&buffer));
}

/* velo._distinct_load(bytea, internal) → internal */
VELO_FUNCTION(velo_distinct_load)
{
	Distinct *state = palloc0(sizeof(Distinct));
	StringInfoData buffer;
	uint32 n;
	bool is_null;

	(void) velo_function_state_context(fcinfo);
	velo_function_load_begin(&buffer, PG_GETARG_BYTEA_PP(0), KIND_DISTINCT);
	velo_function_load_type(&buffer, &state->type);
	n = (uint32) velo_function_load_count(&buffer, sizeof(uint32));
	make_room(state, n);
	velo_function_load_take(&buffer, state->hashes, sizeof(uint32) * n);
	for (uint32 i = 0; i < n; i++)
		state->values[i] = velo_operate_get_datum(&buffer, &is_null, state->type.by_value,
												  state->type.length);
	state->n = n;
	fill_slots(state);
	PG_RETURN_POINTER(state);
}

/* velo._distinct_count(internal) → bigint */
VELO_FUNCTION(velo_distinct_count)
{
	PG_RETURN_INT64(PG_ARGISNULL(0) ? 0 : ((Distinct *) PG_GETARG_POINTER(0))->n);
}
