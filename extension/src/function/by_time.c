/*
 * by_time.c
 *	  Aggregates velo.first(x, t) and velo.last(x, t): the value of the earliest and of
 *	  the latest record, by a time or anything else that has an order.
 *
 * Of equal times the first record to come wins for velo.first, the last for velo.last,
 * as they do without a time.  Records whose value or time is NULL are skipped.
 */
#include "postgres.h"

#include "function/state.h"

#include "base/function.h"
#include "operate/transition.h"

#define KIND_BY_TIME 't'

typedef struct ByTime
{
	VeloValueType type;
	VeloValueType time_type;
	Datum value;
	Datum time;
} ByTime;

/* Takes a value and its time over, in the current context. */
static void
replace_value(ByTime *state, Datum value, Datum time)
{
	Datum old_value = state->value;
	Datum old_time = state->time;

	state->value = velo_function_value_copy(&state->type, value);
	state->time = velo_function_value_copy(&state->time_type, time);
	velo_function_value_free(&state->type, old_value);
	velo_function_value_free(&state->time_type, old_time);
}

static ByTime *
make_state(const VeloValueType *type, const VeloValueType *time_type, Datum value, Datum time)
{
	ByTime *state = palloc(sizeof(ByTime));

	state->type = *type;
	state->time_type = *time_type;
	state->value = velo_function_value_copy(type, value);
	state->time = velo_function_value_copy(time_type, time);
	return state;
}

/* Is a later arrival of this time the one to keep? */
static bool
is_better(FunctionCallInfo fcinfo, const ByTime *state, Datum time, bool last)
{
	TypeCacheEntry *entry = velo_function_type_cache(fcinfo, state->time_type.type,
													 TYPECACHE_CMP_PROC_FINFO);
	int order = DatumGetInt32(FunctionCall2Coll(&entry->cmp_proc_finfo, PG_GET_COLLATION(), time,
												state->time));

	return last ? order >= 0 : order < 0;
}

static Datum
add(FunctionCallInfo fcinfo, bool last)
{
	MemoryContext context = velo_function_state_context(fcinfo);
	ByTime *state = PG_ARGISNULL(0) ? NULL : (ByTime *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		if (state == NULL)
		{
			VeloValueType type;
			VeloValueType time_type;

			velo_function_argument_type(fcinfo, 1, &type);
			velo_function_argument_type(fcinfo, 2, &time_type);
			state = make_state(&type, &time_type, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
			/* A type without an order is told at the first record already. */
			(void) is_better(fcinfo, state, state->time, last);
		}
		else if (is_better(fcinfo, state, PG_GETARG_DATUM(2), last))
			replace_value(state, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
		MemoryContextSwitchTo(old);
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* velo._first_at(internal, anyelement, "any") → internal */
VELO_FUNCTION(velo_first_at)
{
	return add(fcinfo, false);
}

/* velo._last_at(internal, anyelement, "any") → internal */
VELO_FUNCTION(velo_last_at)
{
	return add(fcinfo, true);
}

static Datum
merge(FunctionCallInfo fcinfo, bool last)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	ByTime *into = PG_ARGISNULL(0) ? NULL : (ByTime *) PG_GETARG_POINTER(0);
	ByTime *from = PG_ARGISNULL(1) ? NULL : (ByTime *) PG_GETARG_POINTER(1);

	if (from && into && is_better(fcinfo, into, from->time, last))
		replace_value(into, from->value, from->time);
	else if (from && into == NULL)
		into = make_state(&from->type, &from->time_type, from->value, from->time);
	MemoryContextSwitchTo(old);
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

/* velo._first_at_merge(internal, internal) → internal */
VELO_FUNCTION(velo_first_at_merge)
{
	return merge(fcinfo, false);
}

/* velo._last_at_merge(internal, internal) → internal */
VELO_FUNCTION(velo_last_at_merge)
{
	return merge(fcinfo, true);
}

/* velo._at_save(internal) → bytea */
VELO_FUNCTION(velo_at_save)
{
	ByTime *state = (ByTime *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) velo_function_state_context(fcinfo);
	velo_function_save_begin(&buffer, KIND_BY_TIME);
	velo_function_save_type(&buffer, &state->type);
	velo_function_save_type(&buffer, &state->time_type);
	velo_operate_put_datum(&buffer, state->value, false, state->type.by_value, state->type.length);
	velo_operate_put_datum(&buffer, state->time, false, state->time_type.by_value,
						   state->time_type.length);
	PG_RETURN_BYTEA_P(velo_function_save_end(&buffer));
}

/* velo._at_load(bytea, internal) → internal */
VELO_FUNCTION(velo_at_load)
{
	ByTime *state = palloc(sizeof(ByTime));
	StringInfoData buffer;
	bool is_null;

	(void) velo_function_state_context(fcinfo);
	velo_function_load_begin(&buffer, PG_GETARG_BYTEA_PP(0), KIND_BY_TIME);
	velo_function_load_type(&buffer, &state->type);
	velo_function_load_type(&buffer, &state->time_type);
	state->value = velo_operate_get_datum(&buffer, &is_null, state->type.by_value,
										  state->type.length);
	state->time = velo_operate_get_datum(&buffer, &is_null, state->time_type.by_value,
										 state->time_type.length);
	PG_RETURN_POINTER(state);
}

/* velo._at_final(internal, anyelement, "any") → anyelement */
VELO_FUNCTION(velo_at_final)
{
	ByTime *state = PG_ARGISNULL(0) ? NULL : (ByTime *) PG_GETARG_POINTER(0);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(state->value);
}
