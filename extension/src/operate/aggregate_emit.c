/*
 * aggregate_emit.c
 *	  Finished groups as rows.
 *
 * Emission changes no state but the flags of groups, so a row that cannot be
 * computed (a division in the select list, say) fails alone and can be tried again.
 */
#include "postgres.h"

#include "operate/aggregate.h"

#include <access/htup_details.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>

/* Finishes a group and projects it; false if HAVING refuses it. */
static bool
project_group(Aggregate *self, VeloGroup *group, VeloChunk *out)
{
	AggState *agg = self->agg;
	ExprContext *econtext = agg->ss.ps.ps_ExprContext;
	AggregatePayload *payload = velo_aggregate_payload(group);
	TupleTableSlot *slot;
	int row;
	bool passes;

	memset(self->key_slot->tts_isnull, true, self->input_desc->natts);
	for (int i = 0; i < self->table->nkeys; i++)
	{
		self->key_slot->tts_values[self->key_columns[i]] = group->keys[i];
		self->key_slot->tts_isnull[self->key_columns[i]] = group->nulls[i];
	}
	econtext->ecxt_per_tuple_memory = out->context;
	self->state_context->ecxt_per_tuple_memory = group->cell->context;
	velo_operate_states_finish(self->transition, payload->states, econtext);
	if (self->replay)
		velo_operate_replay_run(self->replay,
								payload->states[self->transition->inputs_number].transValue,
								payload->states[self->transition->inputs_number].transValueIsNull,
								self->key_slot);
	econtext->ecxt_outertuple = self->key_slot;
	passes = ExecQual(agg->ss.ps.qual, econtext);
	if (!passes && !(group->flags & VELO_GROUP_EMITTED))
		return false;

	slot = ExecProject(agg->ss.ps.ps_ProjInfo);
	row = velo_row_append(out);
	memcpy(velo_row_values(out, row), slot->tts_values, sizeof(Datum) * out->natts);
	memcpy(velo_row_nulls(out, row), slot->tts_isnull, sizeof(bool) * out->natts);
	if (!passes)
	{
		/* It was there and is no longer: only its key goes out. */
		*velo_row_flags(out, row) |= VELO_ROW_TOMBSTONE;
		velo_row_bare(out, row, self->base.operate->plan->nkeys, self->base.operate->plan->keys);
	}
	return passes;
}

typedef struct Emission
{
	Aggregate *self;
	VeloGroup **groups;
	int ngroups;
	bool *passed;
} Emission;

static void
project_groups(void *arg)
{
	Emission *emission = arg;
	Aggregate *self = emission->self;

	velo_row_chunk_reset(self->out);
	for (int i = 0; i < emission->ngroups; i++)
		emission->passed[i] = project_group(self, emission->groups[i], self->out);
}

static void
set_emitted(Aggregate *self, VeloGroup *group, bool emitted)
{
	uint8 flag = emitted ? VELO_GROUP_EMITTED : 0;

	group->flags &= ~VELO_GROUP_CHANGED;
	if ((group->flags & VELO_GROUP_EMITTED) == flag)
		return;
	group->flags = (group->flags & ~VELO_GROUP_EMITTED) | flag;
	/* A window that stays: without HAVING a group that was emitted can only change. */
	if (group->cell->window->is_closed && self->agg->ss.ps.qual)
		velo_aggregate_mark_dirty(group);
}

/* The output column that shows a key, or a name made up for one that is not shown. */
static const char *
key_name(const Aggregate *self, int key)
{
	ListCell *item;

	foreach(item, self->grouping->agg->plan.targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, item);

		if (IsA(entry->expr, Var) && !entry->resjunk && entry->resname &&
			((Var *) entry->expr)->varattno == self->key_columns[key] + 1)
			return entry->resname;
	}
	return psprintf("_k%d", key + 1);
}

/* The key of a group as JSON; its aggregates may be what cannot be computed. */
static char *
describe_group(const Aggregate *self, const VeloGroup *group)
{
	int nkeys = self->table->nkeys;
	TupleDesc desc = CreateTemplateTupleDesc(nkeys);
	HeapTuple tuple;

	for (int i = 0; i < nkeys; i++)
		TupleDescInitEntry(desc, i + 1, key_name(self, i), self->table->keys[i].type, -1, 0);
	BlessTupleDesc(desc);
	tuple = heap_form_tuple(desc, group->keys, group->nulls);
	return TextDatumGetCString(DirectFunctionCall1(row_to_json, HeapTupleGetDatum(tuple)));
}

/* Up to a chunk of groups; a row that cannot be computed fails alone. */
static void
emit_groups(Aggregate *self, VeloGroup **groups, int ngroups)
{
	bool passed[VELO_CHUNK_ROWS];
	Emission emission = {self, groups, ngroups, passed};

	if (velo_operate_try(project_groups, &emission) == NULL)
	{
		for (int i = 0; i < ngroups; i++)
			set_emitted(self, groups[i], passed[i]);
		velo_operate_push_next(&self->base, self->out);
		return;
	}
	for (int i = 0; i < ngroups; i++)
	{
		Emission single = {self, &groups[i], 1, passed};
		ErrorData *error = velo_operate_try(project_groups, &single);

		if (error)
		{
			VeloFailure failure = {"aggregate", error, NULL, 0, describe_group(self, groups[i])};

			groups[i]->flags &= ~VELO_GROUP_CHANGED;
			self->base.operate->on_failure(self->base.operate, &failure);
			continue;
		}
		set_emitted(self, groups[i], passed[0]);
		velo_operate_push_next(&self->base, self->out);
	}
}

void
velo_aggregate_emit_listed(Aggregate *self)
{
	VeloGroup *groups[VELO_CHUNK_ROWS];

	while (self->changed)
	{
		int n = 0;

		CHECK_FOR_INTERRUPTS();
		while (self->changed && n < VELO_CHUNK_ROWS)
		{
			groups[n++] = self->changed;
			self->changed = velo_aggregate_payload(self->changed)->next_changed;
		}
		emit_groups(self, groups, n);
		velo_operate_forward_drain(&self->base);
	}
	self->changed_end = &self->changed;
}

void
velo_aggregate_emit_changed(Aggregate *self)
{
	velo_aggregate_drain_pending(self);
	velo_aggregate_emit_listed(self);
}

typedef struct Gathering
{
	Aggregate *self;
	VeloGroup *groups[VELO_CHUNK_ROWS];
	int n;
} Gathering;

static void
emit_gathered(Gathering *gathering)
{
	if (gathering->n == 0)
		return;
	CHECK_FOR_INTERRUPTS();
	emit_groups(gathering->self, gathering->groups, gathering->n);
	velo_operate_forward_drain(&gathering->self->base);
	gathering->n = 0;
}

static void
gather_group(VeloGroup *group, void *arg)
{
	Gathering *gathering = arg;

	gathering->groups[gathering->n++] = group;
	if (gathering->n == VELO_CHUNK_ROWS)
		emit_gathered(gathering);
}

/* All groups of a window, cell by cell, so that those set aside need not fit together. */
void
velo_aggregate_emit_window(Aggregate *self, VeloGroupWindow *window)
{
	Gathering gathering = {.self = self};

	for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
	{
		VeloCell *cell = window->cells[i];
		bool was_aside = cell && cell->context == NULL;

		if (cell == NULL)
			continue;
		if (was_aside)
			velo_aggregate_load(self, cell);
		velo_state_groups_each(cell, gather_group, &gathering);
		emit_gathered(&gathering);
		/* Unless what was emitted has still to be saved. */
		if (was_aside && cell->dirty == NULL)
			velo_state_groups_cell_evict(self->table, cell);
		else if (was_aside)
			velo_aggregate_make_room(self);
	}
}

void
velo_aggregate_drop_window(Aggregate *self, VeloGroupWindow *window)
{
	VeloStore *store = self->base.operate->store;

	for (int i = 0; store && i < VELO_CELLS_PER_WINDOW; i++)
		if (window->cells[i])
			velo_state_cell_drop(store, window->cells[i]->id);
	velo_state_groups_drop_window(self->table, window);
}
