/*
 * aggregate.c
 *	  Grouped aggregation: PostgreSQL's transition functions over our own groups.
 *
 * PostgreSQL's Agg node is initialised once for the life of the pipeline, over a
 * Result that never runs.  What is used of it: the compiled expression that
 * advances all transition states of one row (phase->evaltrans), told by
 * all_pergroups which group's states to advance and by an expression context
 * where to put their memory; the final functions; and its projection and HAVING
 * condition.  Hash tables, memory and emission are ours (state/groups.h).
 *
 *	push	1. compute the columns the aggregates read ("input"); everything that
 *			   an expression can fail with fails here, before any state changes
 *			2. find the groups of all rows, prefetching
 *			3. advance them
 *
 * A row of a cell that has been set aside waits, as a copy, until the batch is
 * flushed; then the cell is read back once for all of them.  Cells leave memory
 * only after a flush, when nothing waits for emission; a batch that fills memory
 * is ended early (wants_flush).
 *
 * Careful mode (operator.h): each group is saved before a row touches it, so that
 * undo can bring it back.
 */
#include "postgres.h"

#include "operate/aggregate.h"

#include <access/htup_details.h>
#include <catalog/pg_aggregate.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/expandeddatum.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/syscache.h>

#define ACCOUNT_EVERY_CHUNKS 8
#define ACCOUNT_EVERY_CELLS 4

/* --- groups ------------------------------------------------------------------ */

void
velo_aggregate_mark_dirty(VeloGroup *group)
{
	VeloCell *cell = group->cell;

	if (group->flags & VELO_GROUP_DIRTY)
		return;
	group->flags |= VELO_GROUP_DIRTY;
	group->next_dirty = cell->dirty;
	cell->dirty = group;
	cell->is_stored = false;
}

/* Changes are emitted, and so is what changes after its window has closed. */
static void
mark(Aggregate *self, VeloGroup *group)
{
	velo_aggregate_mark_dirty(group);
	if ((self->base.operate->plan->emit == VELO_EMIT_CHANGES || group->cell->window->is_closed) &&
		!(group->flags & VELO_GROUP_CHANGED))
	{
		group->flags |= VELO_GROUP_CHANGED;
		velo_aggregate_payload(group)->next_changed = NULL;
		*self->changed_end = group;
		self->changed_end = &velo_aggregate_payload(group)->next_changed;
	}
}

static void
remember_for_undo(Aggregate *self, VeloGroup *group, bool is_new)
{
	VeloOperate *operate = self->base.operate;
	MemoryContext old = MemoryContextSwitchTo(operate->context);
	UndoEntry *entry = palloc0(sizeof(UndoEntry));

	if (self->undo_row != operate->careful_row)
	{
		ListCell *cell;

		foreach(cell, self->undo)
		{
			UndoEntry *done = lfirst(cell);

			if (done->saved)
				pfree(done->saved);
		}
		list_free_deep(self->undo);
		self->undo = NIL;
		self->undo_row = operate->careful_row;
	}
	entry->group = group;
	entry->is_new = is_new;
	entry->flags = group->flags;
	if (!is_new)
	{
		velo_aggregate_serialise(self, group);
		entry->saved = palloc(self->buffer.len);
		memcpy(entry->saved, self->buffer.data, self->buffer.len);
		entry->length = self->buffer.len;
	}
	self->undo = lappend(self->undo, entry);
	MemoryContextSwitchTo(old);
}

/* The cell of a row of "input"; its window is made if missing. */
static VeloCell *
cell_of(Aggregate *self, const Datum *values, uint32 hash)
{
	const VeloGrouping *grouping = self->grouping;
	TimestampTz start = 0;
	TimestampTz end = DT_NOEND;
	VeloCell *cell;
	VeloGroupWindow *window;

	if (grouping->window_start)
	{
		start = DatumGetTimestampTz(values[grouping->window_start - 1]);
		end = velo_operate_window_end(&self->base.operate->plan->window, start);
	}
	window = velo_state_groups_window(self->table, start, end, true);
	window->is_closed = end <= self->base.operate->watermark;
	cell = window->cells[hash >> (32 - VELO_CELL_BITS)];
	if (cell == NULL)
	{
		cell = velo_state_groups_cell(self->table, window, hash);
		cell->generation = self->generation;
	}
	return cell;
}

static VeloGroup *
group_of(Aggregate *self, VeloCell *cell, uint32 hash, const Datum *values, const bool *nulls)
{
	bool is_new;
	VeloGroup *group = velo_state_groups_lookup(self->table, cell, hash, values, nulls,
												self->key_columns, &is_new);

	if (is_new)
		velo_operate_states_init(self->transition, velo_aggregate_payload(group)->states,
								 cell->context);
	if (self->base.operate->careful)
		remember_for_undo(self, group, is_new);
	cell->last_used = self->batch;
	return group;
}

static inline void
advance(Aggregate *self, VeloGroup *group, TupleTableSlot *slot)
{
	AggState *agg = self->agg;
	ExprContext *econtext = agg->tmpcontext;
	bool is_null;

	if (self->base.operate->plan->emits_once && (group->flags & VELO_GROUP_EMITTED))
		return;
	self->state_context->ecxt_per_tuple_memory = group->cell->context;
	agg->all_pergroups[0] = velo_aggregate_payload(group)->states;
	econtext->ecxt_outertuple = slot;
	(void) ExecEvalExprSwitchContext(agg->phase->evaltrans, econtext, &is_null);
	ResetExprContext(econtext);
	mark(self, group);
}

static void
keep_pending(Aggregate *self, VeloCell *cell, const VeloChunk *chunk, int row)
{
	MemoryContext old = MemoryContextSwitchTo(self->pending_context);

	if (cell->pending == NIL)
		self->pending_cells = lappend(self->pending_cells, cell);
	cell->pending = lappend(cell->pending,
							heap_form_minimal_tuple(chunk->desc, velo_row_values(chunk, row),
													velo_row_nulls(chunk, row)));
	MemoryContextSwitchTo(old);
}

/* --- push -------------------------------------------------------------------- */

/*
 * A state that keeps a value (max, array_agg, …) keeps it over commits: it must
 * not be a pointer into a toast table whose rows may be gone by then.
 */
static void
detoast_row(Aggregate *self, int row)
{
	Datum *values = velo_row_values(self->input, row);
	bool *nulls = velo_row_nulls(self->input, row);

	for (int i = 0; i < self->nvarlena; i++)
	{
		int column = self->varlena[i];

		if (!nulls[column] && VARATT_IS_EXTERNAL(DatumGetPointer(values[column])))
		{
			MemoryContext old = MemoryContextSwitchTo(self->input->context);

			values[column] = PointerGetDatum(PG_DETOAST_DATUM(values[column]));
			MemoryContextSwitchTo(old);
		}
	}
}

static void
project_input(Aggregate *self, VeloChunk *chunk)
{
	velo_row_chunk_reset(self->input);
	self->row.econtext->ecxt_per_tuple_memory = self->input->context;
	for (int i = 0; i < chunk->nrows; i++)
	{
		int row = velo_row_append(self->input);

		velo_row_to_slot(chunk, i, self->row.slot);
		velo_row_to_slot(self->input, row, self->input_slot);
		ExecProject(self->projection);
		detoast_row(self, row);
	}
}

static void
check_memory(Aggregate *self)
{
	VeloOperate *operate = self->base.operate;
	Size pending;

	if (++self->chunks % ACCOUNT_EVERY_CHUNKS != 0)
		return;
	velo_state_groups_account(self->table);
	operate->state_bytes = self->table->bytes;
	pending = MemoryContextMemAllocated(self->pending_context, true);
	if (operate->state_bytes > operate->state_bytes_max || pending > operate->state_bytes_max / 2)
		operate->wants_flush = true;
}

static void
aggregate_push(VeloOperator *base, VeloChunk *chunk)
{
	Aggregate *self = (Aggregate *) base;
	VeloChunk *input = self->input;
	VeloGroup *groups[VELO_CHUNK_ROWS];

	base->rows_in += chunk->nrows;
	project_input(self, chunk);

	base->operate->touched = true;
	for (int i = 0; i < input->nrows; i++)
	{
		Datum *values = velo_row_values(input, i);
		bool *nulls = velo_row_nulls(input, i);
		uint32 hash = velo_state_groups_hash(self->table, values, nulls, self->key_columns);
		VeloCell *cell = cell_of(self, values, hash);

		groups[i] = NULL;
		if (cell->context == NULL)
		{
			if (!base->operate->careful)
			{
				keep_pending(self, cell, input, i);
				continue;
			}
			velo_aggregate_load(self, cell);
		}
		groups[i] = group_of(self, cell, hash, values, nulls);
		__builtin_prefetch(groups[i]->payload);
	}
	for (int i = 0; i < input->nrows; i++)
	{
		if (groups[i] == NULL)
			continue;
		velo_row_to_slot(input, i, self->input_slot);
		advance(self, groups[i], self->input_slot);
	}
	check_memory(self);
}

static void
aggregate_undo(VeloOperator *base)
{
	Aggregate *self = (Aggregate *) base;

	if (self->undo_row != base->operate->careful_row)
		return;
	for (int i = list_length(self->undo) - 1; i >= 0; i--)
	{
		UndoEntry *entry = list_nth(self->undo, i);
		VeloGroup *group = entry->group;

		/* What the row marked stands at the head (dirty) or the end (changed) of its list. */
		if ((group->flags & VELO_GROUP_DIRTY) && !(entry->flags & VELO_GROUP_DIRTY) &&
			group->cell->dirty == group)
			group->cell->dirty = group->next_dirty;
		if ((group->flags & VELO_GROUP_CHANGED) && !(entry->flags & VELO_GROUP_CHANGED))
		{
			VeloGroup **place = &self->changed;

			while (*place != group)
				place = &velo_aggregate_payload(*place)->next_changed;
			*place = NULL;
			self->changed_end = place;
		}
		if (entry->is_new)
			velo_state_groups_remove(self->table, group);
		else
		{
			velo_aggregate_restore(self, group->cell, entry->saved, entry->length);
			group->flags = entry->flags;
		}
	}
	self->undo = NIL;
}

/*
 * Rows that waited for cells set aside: each cell is read back once for all of its rows.
 * One batch may need all cells, which do not fit together; so what has changed goes out
 * on the way and cells are set aside again.
 */
void
velo_aggregate_drain_pending(Aggregate *self)
{
	ListCell *item;
	Datum *values;
	bool *nulls;

	if (self->pending_cells == NIL)
		return;
	values = palloc(sizeof(Datum) * self->input_desc->natts);
	nulls = palloc(sizeof(bool) * self->input_desc->natts);
	foreach(item, self->pending_cells)
	{
		VeloCell *cell = lfirst(item);
		ListCell *row;

		CHECK_FOR_INTERRUPTS();
		if (cell->context == NULL)
			velo_aggregate_load(self, cell);
		foreach(row, cell->pending)
		{
			HeapTupleData tuple;
			MinimalTuple minimal = lfirst(row);
			uint32 hash;

			tuple.t_len = minimal->t_len + MINIMAL_TUPLE_OFFSET;
			tuple.t_data = (HeapTupleHeader) ((char *) minimal - MINIMAL_TUPLE_OFFSET);
			heap_deform_tuple(&tuple, self->input_desc, values, nulls);
			hash = velo_state_groups_hash(self->table, values, nulls, self->key_columns);
			self->input_slot->tts_values = values;
			self->input_slot->tts_isnull = nulls;
			self->input_slot->tts_nvalid = self->input_desc->natts;
			self->input_slot->tts_flags &= ~TTS_FLAG_EMPTY;
			advance(self, group_of(self, cell, hash, values, nulls), self->input_slot);
		}
		cell->pending = NIL;
		if (foreach_current_index(item) % ACCOUNT_EVERY_CELLS == ACCOUNT_EVERY_CELLS - 1)
		{
			velo_aggregate_emit_listed(self);
			velo_aggregate_make_room(self);
		}
	}
	self->pending_cells = NIL;
	MemoryContextReset(self->pending_context);
	pfree(values);
	pfree(nulls);
}

/* Final rows of windows whose end has passed. */
static void
close_windows(Aggregate *self, TimestampTz watermark)
{
	for (VeloGroupWindow *window = self->table->windows;
		 window && window->end <= watermark && window->end != DT_NOEND; window = window->next)
	{
		if (window->is_closed)
			continue;
		window->is_closed = true;
		if (self->base.operate->plan->emit == VELO_EMIT_FINAL)
			velo_aggregate_emit_window(self, window);
	}
}

static void
drop_windows(Aggregate *self, TimestampTz watermark)
{
	VeloGroupWindow *window;

	while ((window = self->table->windows) != NULL && window->end != DT_NOEND &&
		   velo_operate_is_past(self->base.operate->plan, window->end, watermark))
		velo_aggregate_drop_window(self, window);
}

static void
aggregate_watermark(VeloOperator *base, TimestampTz watermark)
{
	Aggregate *self = (Aggregate *) base;
	VeloGroupWindow *window = self->table->windows;

	if (watermark > DT_NOBEGIN && window && window->end <= watermark && window->end != DT_NOEND)
	{
		velo_aggregate_emit_changed(self);
		close_windows(self, watermark);
		drop_windows(self, watermark);
	}
	velo_operate_forward_watermark(base, watermark);
}

static void
aggregate_flush(VeloOperator *base, bool at_end)
{
	Aggregate *self = (Aggregate *) base;

	velo_aggregate_emit_changed(self);
	if (at_end && base->operate->plan->emit == VELO_EMIT_FINAL)
	{
		/* Windows have been closed by the watermark; what is left has none. */
		while (self->table->windows)
		{
			if (!self->table->windows->is_closed)
				velo_aggregate_emit_window(self, self->table->windows);
			velo_aggregate_drop_window(self, self->table->windows);
		}
	}
	velo_aggregate_make_room(self);
	velo_operate_forward_flush(base, at_end);
}

static void
aggregate_close(VeloOperator *base)
{
	Aggregate *self = (Aggregate *) base;

	ExecEndNode(&self->agg->ss.ps);
}

static const VeloOperatorOps aggregate_ops = {
	.name = "aggregate",
	.push = aggregate_push,
	.watermark = aggregate_watermark,
	.drain = velo_operate_forward_drain,
	.flush = aggregate_flush,
	.save = velo_aggregate_save,
	.undo = aggregate_undo,
	.close = aggregate_close,
};

static void
init_table(Aggregate *self)
{
	Agg *node = (Agg *) self->agg->ss.ps.plan;
	Oid *types = palloc(sizeof(Oid) * Max(1, node->numCols));
	Oid *collations = palloc(sizeof(Oid) * Max(1, node->numCols));

	self->varlena = palloc(sizeof(int) * Max(1, self->input_desc->natts));
	for (int i = 0; i < self->input_desc->natts; i++)
		if (TupleDescAttr(self->input_desc, i)->attlen == -1)
			self->varlena[self->nvarlena++] = i;
	self->key_columns = palloc(sizeof(int) * Max(1, node->numCols));
	for (int i = 0; i < node->numCols; i++)
	{
		Form_pg_attribute att = TupleDescAttr(self->input_desc, node->grpColIdx[i] - 1);

		self->key_columns[i] = node->grpColIdx[i] - 1;
		types[i] = att->atttypid;
		collations[i] = node->grpCollations[i];
	}
	self->table = velo_state_groups_create(self->base.operate->context, node->numCols, types,
										   collations,
										   offsetof(AggregatePayload, states) +
											   sizeof(AggStatePerGroupData) * self->agg->numtrans);
}

VeloOperator *
velo_operate_aggregate(VeloOperate *operate)
{
	Aggregate *self = palloc0(sizeof(Aggregate));
	const VeloPlan *plan = operate->plan;
	const VeloGrouping *grouping = plan->grouping;
	MemoryContext old = MemoryContextSwitchTo(operate->estate->es_query_cxt);

	self->base.ops = &aggregate_ops;
	self->base.operate = operate;
	self->grouping = grouping;
	/* EXPLAIN_ONLY: the node makes no hash table of its own. */
	self->agg = (AggState *) ExecInitNode((Plan *) copyObject(grouping->agg), operate->estate,
										  EXEC_FLAG_EXPLAIN_ONLY);
	self->input_desc = CreateTupleDescCopy(ExecGetResultType(outerPlanState(self->agg)));
	self->input_slot = MakeSingleTupleTableSlot(self->input_desc, &TTSOpsVirtual);
	self->key_slot = MakeSingleTupleTableSlot(self->input_desc, &TTSOpsVirtual);
	ExecStoreAllNullTuple(self->key_slot);
	self->state_context = self->agg->aggstrategy == AGG_HASHED ? self->agg->hashcontext
															   : self->agg->aggcontexts[0];
	self->agg->curaggcontext = self->state_context;
	self->row = velo_operate_row_context(operate, plan->source.desc);
	self->projection = ExecBuildProjectionInfo(grouping->input, self->row.econtext,
											   self->input_slot, NULL, NULL);
	MemoryContextSwitchTo(old);

	self->transition = velo_operate_transition_create(self->agg, grouping->inputs_aggno);
	if (grouping->replay_query)
		self->replay = velo_operate_replay_create(grouping);
	self->input = velo_row_chunk_create(self->input_desc, self->input_desc->natts,
										operate->context);
	self->out = velo_row_chunk_create(plan->output, plan->output->natts, operate->context);
	self->pending_context = AllocSetContextCreate(operate->context, "velo pending rows",
												  ALLOCSET_DEFAULT_SIZES);
	self->changed_end = &self->changed;
	self->generation = 1;
	initStringInfo(&self->buffer);
	init_table(self);
	if (operate->store)
		velo_aggregate_recover(self);
	return &self->base;
}
