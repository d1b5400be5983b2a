/*
 * transition.h
 *	  Aggregate states of one group: beginning, saving, restoring, finishing.
 *
 * What PostgreSQL keeps static in nodeAgg.c, for states that outlive transactions.
 */
#pragma once

#include <lib/stringinfo.h>
#include <nodes/execnodes.h>
#include <executor/nodeAgg.h>

typedef struct VeloTransition
{
	AggState *agg;
	int inputs_aggno;	 /* of velo._inputs, or -1 */
	int inputs_number;	 /* its transition state, or -1 */
	FmgrInfo *serialise; /* of states of type internal, by number; fn_oid 0: none */
	FmgrInfo *deserialise;
} VeloTransition;

extern VeloTransition *velo_operate_transition_create(AggState *agg, int inputs_aggno);

/* Sets the initial values; by-reference ones are made in "context". */
extern void velo_operate_states_init(VeloTransition *self, AggStatePerGroup states,
									 MemoryContext context);

/* To bytes, and back into "context". */
extern void velo_operate_states_put(VeloTransition *self, StringInfo buffer,
									AggStatePerGroup states);
extern void velo_operate_states_get(VeloTransition *self, StringInfo buffer,
									AggStatePerGroup states, MemoryContext context);

/*
 * Final values of all aggregates but velo._inputs, into econtext's aggvalues.
 * The states stay usable.
 */
extern void velo_operate_states_finish(VeloTransition *self, AggStatePerGroup states,
									   ExprContext *econtext);

/* One value to bytes (varlenas detoasted, expanded objects flattened) and back. */
extern void velo_operate_put_datum(StringInfo buffer, Datum value, bool is_null, bool by_value,
								   int16 length);
extern Datum velo_operate_get_datum(StringInfo buffer, bool *is_null, bool by_value, int16 length);
