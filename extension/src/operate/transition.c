/*
 * transition.c
 *	  Aggregate states of one group.
 *
 * Saved form of a state: one byte of flags, then, unless NULL, the value: eight
 * bytes if by value, else a length and its bytes.  States of type internal go
 * through their serialise functions, which the planner guarantees to exist
 * (others are replayed, see plan/grouping.c).
 */
#include "postgres.h"

#include "operate/transition.h"

#include <access/htup_details.h>
#include <catalog/pg_aggregate.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <utils/datum.h>
#include <utils/expandeddatum.h>
#include <utils/memutils.h>
#include <utils/syscache.h>

#define STATE_NULL 0x01
#define STATE_NONE 0x02 /* noTransValue */

VeloTransition *
velo_operate_transition_create(AggState *agg, int inputs_aggno)
{
	VeloTransition *self = palloc0(sizeof(VeloTransition));

	self->agg = agg;
	self->inputs_aggno = inputs_aggno;
	self->inputs_number = inputs_aggno >= 0 ? agg->peragg[inputs_aggno].transno : -1;
	self->serialise = palloc0(sizeof(FmgrInfo) * Max(1, agg->numtrans));
	self->deserialise = palloc0(sizeof(FmgrInfo) * Max(1, agg->numtrans));
	for (int i = 0; i < agg->numtrans; i++)
	{
		HeapTuple tuple;
		Form_pg_aggregate form;

		if (agg->pertrans[i].aggtranstype != INTERNALOID)
			continue;
		tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(agg->pertrans[i].aggref->aggfnoid));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for aggregate %u", agg->pertrans[i].aggref->aggfnoid);
		form = (Form_pg_aggregate) GETSTRUCT(tuple);
		fmgr_info(form->aggserialfn, &self->serialise[i]);
		fmgr_info(form->aggdeserialfn, &self->deserialise[i]);
		ReleaseSysCache(tuple);
	}
	return self;
}

void
velo_operate_states_init(VeloTransition *self, AggStatePerGroup states, MemoryContext context)
{
	for (int i = 0; i < self->agg->numtrans; i++)
	{
		AggStatePerTrans pertrans = &self->agg->pertrans[i];

		if (pertrans->initValueIsNull)
			states[i].transValue = pertrans->initValue;
		else
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			states[i].transValue = datumCopy(pertrans->initValue, pertrans->transtypeByVal,
											 pertrans->transtypeLen);
			MemoryContextSwitchTo(old);
		}
		states[i].transValueIsNull = pertrans->initValueIsNull;
		states[i].noTransValue = pertrans->initValueIsNull;
	}
}

void
velo_operate_put_datum(StringInfo buffer, Datum value, bool is_null, bool by_value, int16 length)
{
	appendStringInfoChar(buffer, is_null ? 1 : 0);
	if (is_null)
		return;
	if (by_value)
	{
		appendBinaryStringInfo(buffer, (char *) &value, sizeof(Datum));
		return;
	}
	if (length == -1)
	{
		int32 size;

		if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		{
			ExpandedObjectHeader *object = DatumGetEOHP(value);

			size = EOH_get_flat_size(object);
			appendBinaryStringInfo(buffer, (char *) &size, sizeof(size));
			enlargeStringInfo(buffer, size);
			EOH_flatten_into(object, buffer->data + buffer->len, size);
			buffer->len += size;
			return;
		}
		value = PointerGetDatum(PG_DETOAST_DATUM(value));
		size = VARSIZE(DatumGetPointer(value));
		appendBinaryStringInfo(buffer, (char *) &size, sizeof(size));
		appendBinaryStringInfo(buffer, DatumGetPointer(value), size);
		return;
	}
	else
	{
		int32 size = datumGetSize(value, false, length);

		appendBinaryStringInfo(buffer, (char *) &size, sizeof(size));
		appendBinaryStringInfo(buffer, DatumGetPointer(value), size);
	}
}

static void
take(StringInfo buffer, void *to, int size)
{
	if (buffer->len - buffer->cursor < size)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("saved state is shorter than its contents")));
	memcpy(to, buffer->data + buffer->cursor, size);
	buffer->cursor += size;
}

Datum
velo_operate_get_datum(StringInfo buffer, bool *is_null, bool by_value, int16 length)
{
	char flag;
	Datum value;
	int32 size;
	char *copy;

	take(buffer, &flag, 1);
	*is_null = flag != 0;
	if (*is_null)
		return (Datum) 0;
	if (by_value)
	{
		take(buffer, &value, sizeof(Datum));
		return value;
	}
	take(buffer, &size, sizeof(size));
	if (size < 0 || size > buffer->len - buffer->cursor)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("saved state is shorter than its contents")));
	copy = palloc(size);
	take(buffer, copy, size);
	return PointerGetDatum(copy);
}

void
velo_operate_states_put(VeloTransition *self, StringInfo buffer, AggStatePerGroup states)
{
	MemoryContext old = MemoryContextSwitchTo(self->agg->tmpcontext->ecxt_per_tuple_memory);

	for (int i = 0; i < self->agg->numtrans; i++)
	{
		AggStatePerTrans pertrans = &self->agg->pertrans[i];
		AggStatePerGroup state = &states[i];

		appendStringInfoChar(buffer, (state->transValueIsNull ? STATE_NULL : 0) |
										 (state->noTransValue ? STATE_NONE : 0));
		if (state->transValueIsNull)
			continue;
		if (OidIsValid(self->serialise[i].fn_oid))
		{
			LOCAL_FCINFO(fcinfo, 1);
			Datum bytes;

			InitFunctionCallInfoData(*fcinfo, &self->serialise[i], 1, InvalidOid,
									 (Node *) self->agg, NULL);
			fcinfo->args[0].value = state->transValue;
			fcinfo->args[0].isnull = false;
			bytes = FunctionCallInvoke(fcinfo);
			velo_operate_put_datum(buffer, bytes, false, false, -1);
		}
		else
			velo_operate_put_datum(buffer, state->transValue, false, pertrans->transtypeByVal,
								   pertrans->transtypeLen);
	}
	MemoryContextSwitchTo(old);
	ResetExprContext(self->agg->tmpcontext);
}

void
velo_operate_states_get(VeloTransition *self, StringInfo buffer, AggStatePerGroup states,
						MemoryContext context)
{
	for (int i = 0; i < self->agg->numtrans; i++)
	{
		AggStatePerTrans pertrans = &self->agg->pertrans[i];
		AggStatePerGroup state = &states[i];
		char flags;
		bool is_null;
		MemoryContext old;

		take(buffer, &flags, 1);
		state->transValueIsNull = (flags & STATE_NULL) != 0;
		state->noTransValue = (flags & STATE_NONE) != 0;
		state->transValue = (Datum) 0;
		if (state->transValueIsNull)
			continue;
		if (OidIsValid(self->deserialise[i].fn_oid))
		{
			LOCAL_FCINFO(fcinfo, 2);
			Datum bytes = velo_operate_get_datum(buffer, &is_null, false, -1);
			ExprContext *state_context = self->agg->curaggcontext;
			MemoryContext saved = state_context->ecxt_per_tuple_memory;

			/* Deserialise functions allocate in the current context, or ask for the aggregate's. */
			old = MemoryContextSwitchTo(context);
			state_context->ecxt_per_tuple_memory = context;
			InitFunctionCallInfoData(*fcinfo, &self->deserialise[i], 2, InvalidOid,
									 (Node *) self->agg, NULL);
			fcinfo->args[0].value = bytes;
			fcinfo->args[0].isnull = false;
			fcinfo->args[1].value = (Datum) 0;
			fcinfo->args[1].isnull = false;
			state->transValue = FunctionCallInvoke(fcinfo);
			state_context->ecxt_per_tuple_memory = saved;
			MemoryContextSwitchTo(old);
			continue;
		}
		old = MemoryContextSwitchTo(context);
		state->transValue = velo_operate_get_datum(buffer, &is_null, pertrans->transtypeByVal,
												   pertrans->transtypeLen);
		MemoryContextSwitchTo(old);
	}
}

void
velo_operate_states_finish(VeloTransition *self, AggStatePerGroup states, ExprContext *econtext)
{
	AggState *agg = self->agg;
	MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

	for (int i = 0; i < agg->numaggs; i++)
	{
		AggStatePerAgg peragg = &agg->peragg[i];
		AggStatePerTrans pertrans = &agg->pertrans[peragg->transno];
		AggStatePerGroup state = &states[peragg->transno];

		if (i == self->inputs_aggno)
		{
			econtext->ecxt_aggvalues[i] = (Datum) 0;
			econtext->ecxt_aggnulls[i] = true;
			continue;
		}
		if (OidIsValid(peragg->finalfn_oid))
		{
			LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
			bool any_null = state->transValueIsNull;

			agg->curperagg = peragg;
			InitFunctionCallInfoData(*fcinfo, &peragg->finalfn, peragg->numFinalArgs,
									 pertrans->aggCollation, (Node *) agg, NULL);
			fcinfo->args[0].value = MakeExpandedObjectReadOnly(state->transValue,
															   state->transValueIsNull,
															   pertrans->transtypeLen);
			fcinfo->args[0].isnull = state->transValueIsNull;
			for (int arg = 1; arg < peragg->numFinalArgs; arg++)
			{
				fcinfo->args[arg].value = (Datum) 0;
				fcinfo->args[arg].isnull = true;
				any_null = true;
			}
			if (fcinfo->flinfo->fn_strict && any_null)
			{
				econtext->ecxt_aggvalues[i] = (Datum) 0;
				econtext->ecxt_aggnulls[i] = true;
			}
			else
			{
				econtext->ecxt_aggvalues[i] = FunctionCallInvoke(fcinfo);
				econtext->ecxt_aggnulls[i] = fcinfo->isnull;
			}
			agg->curperagg = NULL;
		}
		else
		{
			econtext->ecxt_aggvalues[i] = MakeExpandedObjectReadOnly(state->transValue,
																	 state->transValueIsNull,
																	 pertrans->transtypeLen);
			econtext->ecxt_aggnulls[i] = state->transValueIsNull;
		}
	}
	MemoryContextSwitchTo(old);
}
