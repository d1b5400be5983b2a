/*
 * greatest.c
 *	  Aggregates by the order of values: velo.topk, velo.topk_distinct, velo.delta.
 *
 * The k greatest values are kept in an ascending array.  Most records of a large group
 * are below its first element and cost one comparison; the others move part of the
 * array, which for the k that people look at is cheaper than a heap's bookkeeping and
 * tells duplicates without a second structure.
 */
#include "postgres.h"

#include "function/state.h"

#include <catalog/namespace.h>
#include <nodes/value.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "base/function.h"
#include "operate/transition.h"

/* More would be a sort of the whole group. */
#define TOPK_MAX 100000

#define KIND_TOPK 'k'
#define KIND_EXTREMES 'x'

typedef struct TopK
{
	VeloValueType type;
	int k;
	int n;
	int capacity;
	Datum *values; /* ascending, n of them */
} TopK;

/* How values of one call are compared. */
typedef struct Order
{
	TypeCacheEntry *entry;
	Oid collation;
} Order;

static Order
order_of(FunctionCallInfo fcinfo, Oid type)
{
	Order order = {velo_function_type_cache(fcinfo, type, TYPECACHE_CMP_PROC_FINFO),
				   PG_GET_COLLATION()};

	return order;
}

static int
compare(const Order *order, Datum a, Datum b)
{
	return DatumGetInt32(FunctionCall2Coll(&order->entry->cmp_proc_finfo, order->collation, a, b));
}

/* --- the k greatest ---------------------------------------------------------------- */

static int
check_k(FunctionCallInfo fcinfo, const char *name)
{
	int k;

	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the number of values of %s must not be null", name)));
	k = PG_GETARG_INT32(2);
	if (k < 1 || k > TOPK_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the number of values of %s must be from 1 to %d, not %d", name,
							   TOPK_MAX, k)));
	return k;
}

/* The place of the first value that is not less than "value". */
static int
find_place(const TopK *state, const Order *order, Datum value)
{
	int low = 0;
	int high = state->n;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (compare(order, state->values[middle], value) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* In the state's context. */
static void
insert_value(TopK *state, const Order *order, Datum value, bool distinct)
{
	bool is_full = state->n == state->k;
	int place;

	if (is_full && compare(order, value, state->values[0]) <= 0)
		return;
	place = find_place(state, order, value);
	if (distinct && place < state->n && compare(order, state->values[place], value) == 0)
		return;
	value = velo_function_value_copy(&state->type, value);
	if (is_full)
	{
		/* The least makes room. */
		place--;
		velo_function_value_free(&state->type, state->values[0]);
		memmove(state->values, state->values + 1, sizeof(Datum) * place);
		state->values[place] = value;
		return;
	}
	if (state->n == state->capacity)
	{
		state->capacity = Min(state->k, Max(8, state->capacity * 2));
		state->values = state->values ? repalloc(state->values, sizeof(Datum) * state->capacity)
									  : palloc(sizeof(Datum) * state->capacity);
	}
	memmove(state->values + place + 1, state->values + place, sizeof(Datum) * (state->n - place));
	state->values[place] = value;
	state->n++;
}

static Datum
topk_add(FunctionCallInfo fcinfo, const char *name, bool distinct)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	int k = check_k(fcinfo, name);
	TopK *state = PG_ARGISNULL(0) ? NULL : (TopK *) PG_GETARG_POINTER(0);

	if (state == NULL)
	{
		state = palloc0(sizeof(TopK));
		state->k = k;
		velo_function_argument_type(fcinfo, 1, &state->type);
	}
	else if (state->k != k)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the number of values of %s must be the same for all records", name),
						errdetail("It was %d and is now %d.", state->k, k)));
	if (!PG_ARGISNULL(1))
	{
		Order order = order_of(fcinfo, state->type.type);

		insert_value(state, &order, PG_GETARG_DATUM(1), distinct);
	}
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(state);
}

/* velo._topk_add(internal, anyelement, integer) → internal */
VELO_FUNCTION(velo_topk_add)
{
	return topk_add(fcinfo, "topk", false);
}

/* velo._topk_distinct_add(internal, anyelement, integer) → internal */
VELO_FUNCTION(velo_topk_distinct_add)
{
	return topk_add(fcinfo, "topk_distinct", true);
}

static Datum
topk_merge(FunctionCallInfo fcinfo, bool distinct)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	TopK *into = PG_ARGISNULL(0) ? NULL : (TopK *) PG_GETARG_POINTER(0);
	TopK *from = PG_ARGISNULL(1) ? NULL : (TopK *) PG_GETARG_POINTER(1);

	if (from)
	{
		Order order = order_of(fcinfo, from->type.type);

		if (into == NULL)
		{
			into = palloc0(sizeof(TopK));
			into->type = from->type;
			into->k = from->k;
		}
		for (int i = 0; i < from->n; i++)
			insert_value(into, &order, from->values[i], distinct);
	}
	MemoryContextSwitchTo(old);
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

/* velo._topk_merge(internal, internal) → internal */
VELO_FUNCTION(velo_topk_merge)
{
	return topk_merge(fcinfo, false);
}

/* velo._topk_distinct_merge(internal, internal) → internal */
VELO_FUNCTION(velo_topk_distinct_merge)
{
	return topk_merge(fcinfo, true);
}

/* velo._topk_save(internal) → bytea */
VELO_FUNCTION(velo_topk_save)
{
	TopK *state = (TopK *) PG_GETARG_POINTER(0);
	StringInfoData buffer;
	int64 n = state->n;

	(void) velo_function_state_context(fcinfo);
	velo_function_save_begin(&buffer, KIND_TOPK);
	velo_function_save_type(&buffer, &state->type);
	appendBinaryStringInfo(&buffer, (char *) &state->k, sizeof(state->k));
	appendBinaryStringInfo(&buffer, (char *) &n, sizeof(n));
	for (int i = 0; i < state->n; i++)
		velo_operate_put_datum(&buffer, state->values[i], false, state->type.by_value,
							   state->type.length);
	PG_RETURN_BYTEA_P(velo_function_save_end(&buffer));
}

/* velo._topk_load(bytea, internal) → internal */
VELO_FUNCTION(velo_topk_load)
{
	TopK *state = palloc0(sizeof(TopK));
	StringInfoData buffer;
	bool is_null;

	(void) velo_function_state_context(fcinfo);
	velo_function_load_begin(&buffer, PG_GETARG_BYTEA_PP(0), KIND_TOPK);
	velo_function_load_type(&buffer, &state->type);
	velo_function_load_take(&buffer, &state->k, sizeof(state->k));
	state->n = state->capacity = (int) velo_function_load_count(&buffer, 1);
	if (state->n > 0)
		state->values = palloc(sizeof(Datum) * state->n);
	for (int i = 0; i < state->n; i++)
		state->values[i] = velo_operate_get_datum(&buffer, &is_null, state->type.by_value,
												  state->type.length);
	PG_RETURN_POINTER(state);
}

/* velo._topk_final(internal, anyelement, integer) → anyarray: descending */
VELO_FUNCTION(velo_topk_final)
{
	TopK *state = PG_ARGISNULL(0) ? NULL : (TopK *) PG_GETARG_POINTER(0);
	Datum *values;

	if (state == NULL || state->n == 0)
		PG_RETURN_NULL();
	values = palloc(sizeof(Datum) * state->n);
	for (int i = 0; i < state->n; i++)
		values[i] = state->values[state->n - 1 - i];
	PG_RETURN_ARRAYTYPE_P(construct_array(values, state->n, state->type.type, state->type.length,
										  state->type.by_value, state->type.align));
}

/* --- greatest and least -------------------------------------------------------------- */

typedef struct Extremes
{
	VeloValueType type;
	Datum least;
	Datum greatest;
} Extremes;

static Extremes *
extremes_of(const VeloValueType *type, Datum least, Datum greatest)
{
	Extremes *state = palloc(sizeof(Extremes));

	state->type = *type;
	state->least = velo_function_value_copy(type, least);
	state->greatest = velo_function_value_copy(type, greatest);
	return state;
}

static void
extremes_take(Extremes *state, const Order *order, Datum value)
{
	Datum *replaced = NULL;

	if (compare(order, value, state->least) < 0)
		replaced = &state->least;
	else if (compare(order, value, state->greatest) > 0)
		replaced = &state->greatest;
	else
		return;
	velo_function_value_free(&state->type, *replaced);
	*replaced = velo_function_value_copy(&state->type, value);
}

/* velo._extremes_add(internal, anyelement) → internal */
VELO_FUNCTION(velo_extremes_add)
{
	MemoryContext context = velo_function_state_context(fcinfo);
	MemoryContext old;
	Extremes *state = PG_ARGISNULL(0) ? NULL : (Extremes *) PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	old = MemoryContextSwitchTo(context);
	if (state == NULL)
	{
		VeloValueType type;

		velo_function_argument_type(fcinfo, 1, &type);
		state = extremes_of(&type, PG_GETARG_DATUM(1), PG_GETARG_DATUM(1));
	}
	else
	{
		Order order = order_of(fcinfo, state->type.type);

		extremes_take(state, &order, PG_GETARG_DATUM(1));
	}
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(state);
}

/* velo._extremes_merge(internal, internal) → internal */
VELO_FUNCTION(velo_extremes_merge)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Extremes *into = PG_ARGISNULL(0) ? NULL : (Extremes *) PG_GETARG_POINTER(0);
	Extremes *from = PG_ARGISNULL(1) ? NULL : (Extremes *) PG_GETARG_POINTER(1);

	if (from && into)
	{
		Order order = order_of(fcinfo, from->type.type);

		extremes_take(into, &order, from->least);
		extremes_take(into, &order, from->greatest);
	}
	else if (from)
		into = extremes_of(&from->type, from->least, from->greatest);
	MemoryContextSwitchTo(old);
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

/* velo._extremes_save(internal) → bytea */
VELO_FUNCTION(velo_extremes_save)
{
	Extremes *state = (Extremes *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) velo_function_state_context(fcinfo);
	velo_function_save_begin(&buffer, KIND_EXTREMES);
	velo_function_save_type(&buffer, &state->type);
	velo_operate_put_datum(&buffer, state->least, false, state->type.by_value, state->type.length);
	velo_operate_put_datum(&buffer, state->greatest, false, state->type.by_value,
						   state->type.length);
	PG_RETURN_BYTEA_P(velo_function_save_end(&buffer));
}

/* velo._extremes_load(bytea, internal) → internal */
VELO_FUNCTION(velo_extremes_load)
{
	Extremes *state = palloc(sizeof(Extremes));
	StringInfoData buffer;
	bool is_null;

	(void) velo_function_state_context(fcinfo);
	velo_function_load_begin(&buffer, PG_GETARG_BYTEA_PP(0), KIND_EXTREMES);
	velo_function_load_type(&buffer, &state->type);
	state->least = velo_operate_get_datum(&buffer, &is_null, state->type.by_value,
										  state->type.length);
	state->greatest = velo_operate_get_datum(&buffer, &is_null, state->type.by_value,
											 state->type.length);
	PG_RETURN_POINTER(state);
}

/* velo._extremes_delta(internal, anyelement) → anyelement: greatest - least */
VELO_FUNCTION(velo_extremes_delta)
{
	Extremes *state = PG_ARGISNULL(0) ? NULL : (Extremes *) PG_GETARG_POINTER(0);
	Oid operator;

	if (state == NULL)
		PG_RETURN_NULL();
	/* velo.delta is declared for types only that have it. */
	operator= OpernameGetOprid(list_make2(makeString("pg_catalog"), makeString("-")),
							   state->type.type, state->type.type);
	if (!OidIsValid(operator))
		elog(ERROR, "type %u has no operator -", state->type.type);
	PG_RETURN_DATUM(OidFunctionCall2(get_opcode(operator), state->greatest, state->least));
}
