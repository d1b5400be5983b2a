/*
 * replay.h
 *	  Aggregates that run over the kept arguments of a group when it is emitted.
 */
#pragma once

#include <executor/tuptable.h>

#include "plan/plan.h"

typedef struct VeloReplay VeloReplay;

extern VeloReplay *velo_operate_replay_create(const VeloGrouping *grouping);

/*
 * Runs the real aggregates over a state of velo._inputs and puts their results
 * into the replay columns of a slot; they live in the current memory context.
 */
extern void velo_operate_replay_run(VeloReplay *self, Datum state, bool is_null,
									TupleTableSlot *slot);
