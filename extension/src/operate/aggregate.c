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

#include "operate/operator.h"

#include <access/htup_details.h>
#include <catalog/pg_aggregate.h>
#include <executor/executor.h>
#include <executor/nodeAgg.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/expandeddatum.h>
#include <utils/json.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/syscache.h>

#include "operate/replay.h"
#include "operate/transition.h"
#include "state/groups.h"

#define ACCOUNT_EVERY_CHUNKS 8

/* Behind the key of each group. */
typedef struct Payload
{
	VeloGroup  *next_changed;
	AggStatePerGroupData states[FLEXIBLE_ARRAY_MEMBER];
} Payload;

typedef struct UndoEntry
{
	VeloGroup  *group;
	bool		is_new;
	uint8		flags;
	char	   *saved;			/* serialised states */
	Size		length;
} UndoEntry;

typedef struct Aggregate
{
	VeloOperator base;
	const VeloGrouping *grouping;
	AggState   *agg;
	VeloTransition *transition; /* saving and restoring states */
	VeloReplay *replay;			/* or NULL */
	ExprContext *state_context; /* its per-tuple memory is where states live */

	VeloRowContext row;
	ProjectionInfo *projection; /* source row -> input */
	TupleDesc	input_desc;
	VeloChunk  *input;
	TupleTableSlot *input_slot;
	TupleTableSlot *key_slot;	/* a group's key in the input's shape, for emission */

	int			nvarlena;		/* columns of the input that may be toasted */
	int		   *varlena;

	VeloGroupTable *table;
	int		   *key_columns;	/* of the input, 0-based */

	VeloGroup  *changed;		/* first of the groups that wait for emission */
	VeloGroup **changed_end;
	VeloChunk  *out;

	MemoryContext pending_context;	/* rows that wait for their cell */
	List	   *pending_cells;

	uint64		batch;
	uint64		generation;		/* of the rolling snapshot */
	int			chunks;
	StringInfoData buffer;		/* serialised groups */

	uint64		undo_row;
	List	   *undo;
} Aggregate;

static inline Payload *
payload_of(VeloGroup *group)
{
	return group->payload;
}

/* --- storing groups --------------------------------------------------------- */

static void
serialise_group(Aggregate *self, VeloGroup *group)
{
	StringInfo	buffer = &self->buffer;

	resetStringInfo(buffer);
	appendStringInfoChar(buffer, group->flags & VELO_GROUP_EMITTED);
	for (int i = 0; i < self->table->nkeys; i++)
		velo_operate_put_datum(buffer, group->keys[i], group->nulls[i],
							   self->table->keys[i].by_value, self->table->keys[i].length);
	velo_operate_states_put(self->transition, buffer, payload_of(group)->states);
}

/* Puts a serialised group into its (resident) cell, replacing one of the same key. */
static VeloGroup *
restore_group(Aggregate *self, VeloCell *cell, const char *data, Size length)
{
	StringInfoData buffer = {.data = unconstify(char *, data), .len = length};
	int			n = Max(1, self->table->nkeys);
	Datum	   *keys = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);
	int		   *columns = palloc(sizeof(int) * n);
	uint8		flags = (uint8) buffer.data[buffer.cursor++];
	VeloGroup  *group;
	bool		is_new;

	for (int i = 0; i < self->table->nkeys; i++)
	{
		keys[i] = velo_operate_get_datum(&buffer, &nulls[i], self->table->keys[i].by_value,
										 self->table->keys[i].length);
		columns[i] = i;
	}
	group = velo_state_groups_lookup(self->table, cell,
									 velo_state_groups_hash(self->table, keys, nulls, columns),
									 keys, nulls, columns, &is_new);
	group->flags = flags;
	velo_operate_states_get(self->transition, &buffer, payload_of(group)->states, cell->context);
	return group;
}

static void
load_record(void *arg, VeloRecordKind kind, uint64 id, const char *data, Size length)
{
	Aggregate  *self = ((void **) arg)[0];
	VeloCell   *cell = ((void **) arg)[1];

	EState	   *estate = self->base.operate->estate;
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	restore_group(self, cell, data, length);
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(estate);
}

/* Brings a cell that was set aside back into memory. */
static void
load_cell(Aggregate *self, VeloCell *cell)
{
	void	   *args[2] = {self, cell};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "velo cell load",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;

	velo_state_groups_cell_init(self->table, cell);
	/* Not in the per-tuple context: what reads the cell outlives the single group. */
	old = MemoryContextSwitchTo(context);
	velo_state_cell_load(self->base.operate->store, cell->id, load_record, args);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	cell->is_stored = true;
	cell->generation = self->generation;
}

static void
put_in_cell(VeloGroup *group, void *arg)
{
	Aggregate  *self = arg;

	serialise_group(self, group);
	velo_state_cell_record(self->base.operate->store, self->buffer.data, self->buffer.len);
}

/* Sets a cell aside. */
static void
evict_cell(Aggregate *self, VeloCell *cell)
{
	VeloStore  *store = self->base.operate->store;

	if (!cell->is_stored || cell->dirty)
	{
		velo_state_cell_begin(store, cell->id);
		velo_state_groups_each(cell, put_in_cell, self);
		velo_state_cell_end(store);
		cell->is_stored = true;
	}
	velo_state_groups_cell_evict(self->table, cell);
}

static void
append_group(VeloGroup *group, void *arg)
{
	Aggregate  *self = arg;

	serialise_group(self, group);
	velo_state_append(self->base.operate->store, VELO_RECORD_PUT, group->cell->id,
					  self->buffer.data, self->buffer.len);
}

/* --- groups ------------------------------------------------------------------ */

static void
mark(Aggregate *self, VeloGroup *group)
{
	VeloCell   *cell = group->cell;

	if (!(group->flags & VELO_GROUP_DIRTY))
	{
		group->flags |= VELO_GROUP_DIRTY;
		group->next_dirty = cell->dirty;
		cell->dirty = group;
		cell->is_stored = false;
	}
	if (self->base.operate->plan->emit == VELO_EMIT_CHANGES &&
		!(group->flags & VELO_GROUP_CHANGED))
	{
		group->flags |= VELO_GROUP_CHANGED;
		payload_of(group)->next_changed = NULL;
		*self->changed_end = group;
		self->changed_end = &payload_of(group)->next_changed;
	}
}

static void
remember_for_undo(Aggregate *self, VeloGroup *group, bool is_new)
{
	VeloOperate *operate = self->base.operate;
	MemoryContext old = MemoryContextSwitchTo(operate->context);
	UndoEntry  *entry = palloc0(sizeof(UndoEntry));

	if (self->undo_row != operate->careful_row)
	{
		ListCell   *cell;

		foreach(cell, self->undo)
		{
			UndoEntry  *done = lfirst(cell);

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
		serialise_group(self, group);
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
	VeloCell   *cell;
	VeloGroupWindow *window;

	if (grouping->window_start)
	{
		start = DatumGetTimestampTz(values[grouping->window_start - 1]);
		end = velo_operate_window_end(&self->base.operate->plan->window, start);
	}
	window = velo_state_groups_window(self->table, start, end, true);
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
	bool		is_new;
	VeloGroup  *group = velo_state_groups_lookup(self->table, cell, hash, values, nulls,
												 self->key_columns, &is_new);

	if (is_new)
		velo_operate_states_init(self->transition, payload_of(group)->states, cell->context);
	if (self->base.operate->careful)
		remember_for_undo(self, group, is_new);
	cell->last_used = self->batch;
	return group;
}

static inline void
advance(Aggregate *self, VeloGroup *group, TupleTableSlot *slot)
{
	AggState   *agg = self->agg;
	ExprContext *econtext = agg->tmpcontext;
	bool		is_null;

	self->state_context->ecxt_per_tuple_memory = group->cell->context;
	agg->all_pergroups[0] = payload_of(group)->states;
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
	Datum	   *values = velo_row_values(self->input, row);
	bool	   *nulls = velo_row_nulls(self->input, row);

	for (int i = 0; i < self->nvarlena; i++)
	{
		int			column = self->varlena[i];

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
		int			row = velo_row_append(self->input);

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
	Size		pending;

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
	Aggregate  *self = (Aggregate *) base;
	VeloChunk  *input = self->input;
	VeloGroup  *groups[VELO_CHUNK_ROWS];

	base->rows_in += chunk->nrows;
	project_input(self, chunk);

	base->operate->touched = true;
	for (int i = 0; i < input->nrows; i++)
	{
		Datum	   *values = velo_row_values(input, i);
		bool	   *nulls = velo_row_nulls(input, i);
		uint32		hash = velo_state_groups_hash(self->table, values, nulls, self->key_columns);
		VeloCell   *cell = cell_of(self, values, hash);

		groups[i] = NULL;
		if (cell->context == NULL)
		{
			if (!base->operate->careful)
			{
				keep_pending(self, cell, input, i);
				continue;
			}
			load_cell(self, cell);
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
	Aggregate  *self = (Aggregate *) base;

	if (self->undo_row != base->operate->careful_row)
		return;
	for (int i = list_length(self->undo) - 1; i >= 0; i--)
	{
		UndoEntry  *entry = list_nth(self->undo, i);
		VeloGroup  *group = entry->group;

		/* What the row marked stands at the head (dirty) or the end (changed) of its list. */
		if ((group->flags & VELO_GROUP_DIRTY) && !(entry->flags & VELO_GROUP_DIRTY) &&
			group->cell->dirty == group)
			group->cell->dirty = group->next_dirty;
		if ((group->flags & VELO_GROUP_CHANGED) && !(entry->flags & VELO_GROUP_CHANGED))
		{
			VeloGroup **place = &self->changed;

			while (*place != group)
				place = &payload_of(*place)->next_changed;
			*place = NULL;
			self->changed_end = place;
		}
		if (entry->is_new)
			velo_state_groups_remove(self->table, group);
		else
		{
			restore_group(self, group->cell, entry->saved, entry->length);
			group->flags = entry->flags;
		}
	}
	self->undo = NIL;
}

/* Rows that waited for cells set aside: each cell is read back once for all of its rows. */
static void
drain_pending(Aggregate *self)
{
	ListCell   *item;
	Datum	   *values;
	bool	   *nulls;

	if (self->pending_cells == NIL)
		return;
	values = palloc(sizeof(Datum) * self->input_desc->natts);
	nulls = palloc(sizeof(bool) * self->input_desc->natts);
	foreach(item, self->pending_cells)
	{
		VeloCell   *cell = lfirst(item);
		ListCell   *row;

		CHECK_FOR_INTERRUPTS();
		if (cell->context == NULL)
			load_cell(self, cell);
		foreach(row, cell->pending)
		{
			HeapTupleData tuple;
			MinimalTuple minimal = lfirst(row);
			uint32		hash;

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
	}
	self->pending_cells = NIL;
	MemoryContextReset(self->pending_context);
	pfree(values);
	pfree(nulls);
}

/* --- emission ------------------------------------------------------------------ */

/* Finishes a group and projects it; false if HAVING refuses it. */
static bool
project_group(Aggregate *self, VeloGroup *group, VeloChunk *out)
{
	AggState   *agg = self->agg;
	ExprContext *econtext = agg->ss.ps.ps_ExprContext;
	Payload    *payload = payload_of(group);
	TupleTableSlot *slot;
	int			row;
	bool		passes;

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
		const VeloPlan *plan = self->base.operate->plan;

		*velo_row_flags(out, row) |= VELO_ROW_TOMBSTONE;
		for (int i = 0; i < out->natts; i++)
		{
			bool		is_key = false;

			for (int k = 0; k < plan->nkeys; k++)
				is_key = is_key || plan->keys[k] == i + 1;
			if (!is_key)
				velo_row_nulls(out, row)[i] = true;
		}
	}
	return passes;
}

typedef struct Emission
{
	Aggregate  *self;
	VeloGroup **groups;
	int			ngroups;
	bool	   *passed;
} Emission;

static void
project_groups(void *arg)
{
	Emission   *emission = arg;
	Aggregate  *self = emission->self;

	velo_row_chunk_reset(self->out);
	for (int i = 0; i < emission->ngroups; i++)
		emission->passed[i] = project_group(self, emission->groups[i], self->out);
}

static void
set_emitted(Aggregate *self, VeloGroup *group, bool emitted)
{
	uint8		flag = emitted ? VELO_GROUP_EMITTED : 0;

	group->flags &= ~VELO_GROUP_CHANGED;
	if ((group->flags & VELO_GROUP_EMITTED) != flag)
		group->flags = (group->flags & ~VELO_GROUP_EMITTED) | flag;
}

static char *
describe_group(Aggregate *self, VeloGroup *group)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < self->table->nkeys; i++)
	{
		Oid			output;
		bool		is_varlena;

		appendStringInfo(&json, "%s\"key%d\": ", i ? ", " : "", i + 1);
		if (group->nulls[i])
		{
			appendStringInfoString(&json, "null");
			continue;
		}
		getTypeOutputInfo(self->table->keys[i].type, &output, &is_varlena);
		escape_json(&json, OidOutputFunctionCall(output, group->keys[i]));
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* Up to a chunk of groups; a row that cannot be computed fails alone. */
static void
emit_groups(Aggregate *self, VeloGroup **groups, int ngroups)
{
	bool		passed[VELO_CHUNK_ROWS];
	Emission	emission = {self, groups, ngroups, passed};

	if (velo_operate_try(project_groups, &emission) == NULL)
	{
		for (int i = 0; i < ngroups; i++)
			set_emitted(self, groups[i], passed[i]);
		velo_operate_push_next(&self->base, self->out);
		return;
	}
	for (int i = 0; i < ngroups; i++)
	{
		Emission	single = {self, &groups[i], 1, passed};
		ErrorData  *error = velo_operate_try(project_groups, &single);

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

static void
emit_changed(Aggregate *self)
{
	VeloGroup  *groups[VELO_CHUNK_ROWS];

	drain_pending(self);
	while (self->changed)
	{
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		while (self->changed && n < VELO_CHUNK_ROWS)
		{
			groups[n++] = self->changed;
			self->changed = payload_of(self->changed)->next_changed;
		}
		emit_groups(self, groups, n);
		velo_operate_forward_drain(&self->base);
	}
	self->changed_end = &self->changed;
}

typedef struct Gathering
{
	Aggregate  *self;
	VeloGroup  *groups[VELO_CHUNK_ROWS];
	int			n;
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
	Gathering  *gathering = arg;

	gathering->groups[gathering->n++] = group;
	if (gathering->n == VELO_CHUNK_ROWS)
		emit_gathered(gathering);
}

/* All groups of a window, cell by cell, so that those set aside need not fit together. */
static void
emit_window(Aggregate *self, VeloGroupWindow *window)
{
	Gathering	gathering = {.self = self};

	for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
	{
		VeloCell   *cell = window->cells[i];
		bool		was_aside = cell && cell->context == NULL;

		if (cell == NULL)
			continue;
		if (was_aside)
			load_cell(self, cell);
		velo_state_groups_each(cell, gather_group, &gathering);
		emit_gathered(&gathering);
		if (was_aside)
			velo_state_groups_cell_evict(self->table, cell);
	}
}

static void
drop_window(Aggregate *self, VeloGroupWindow *window)
{
	VeloStore  *store = self->base.operate->store;

	for (int i = 0; store && i < VELO_CELLS_PER_WINDOW; i++)
		if (window->cells[i])
			velo_state_cell_drop(store, window->cells[i]->id);
	velo_state_groups_drop_window(self->table, window);
}

static void
aggregate_watermark(VeloOperator *base, TimestampTz watermark)
{
	Aggregate  *self = (Aggregate *) base;
	VeloGroupWindow *window = self->table->windows;

	if (watermark > DT_NOBEGIN && window && window->end <= watermark && window->end != DT_NOEND)
	{
		emit_changed(self);
		while ((window = self->table->windows) != NULL && window->end <= watermark &&
			   window->end != DT_NOEND)
		{
			if (base->operate->plan->emit == VELO_EMIT_FINAL)
				emit_window(self, window);
			drop_window(self, window);
		}
	}
	velo_operate_forward_watermark(base, watermark);
}

static void
make_room(Aggregate *self)
{
	VeloOperate *operate = self->base.operate;

	velo_state_groups_account(self->table);
	operate->state_bytes = self->table->bytes;
	if (operate->state_bytes <= operate->state_bytes_max)
		return;
	if (operate->store == NULL || !velo_base_option_bool(operate->plan->options, "spill.to.disk"))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("state of the query needs more than %zu MB",
						operate->state_bytes_max / (1024 * 1024)),
				 errhint("Raise 'max.memory.mb', group by fewer keys, or use shorter windows.")));
	/* Down to three quarters, so that not every batch has to make room again. */
	while (self->table->bytes > operate->state_bytes_max / 4 * 3)
	{
		VeloCell   *cell = velo_state_groups_coldest(self->table, (uint64) -1);

		if (cell == NULL)
			break;
		evict_cell(self, cell);
		CHECK_FOR_INTERRUPTS();
	}
	operate->state_bytes = self->table->bytes;
}

static void
aggregate_flush(VeloOperator *base, bool at_end)
{
	Aggregate  *self = (Aggregate *) base;

	emit_changed(self);
	if (at_end && base->operate->plan->emit == VELO_EMIT_FINAL)
	{
		/* Windows have been closed by the watermark; what is left has none. */
		while (self->table->windows)
		{
			emit_window(self, self->table->windows);
			drop_window(self, self->table->windows);
		}
	}
	make_room(self);
	velo_operate_forward_flush(base, at_end);
}

/* --- the store ------------------------------------------------------------------- */

static void
save_dirty(Aggregate *self)
{
	for (VeloGroupWindow *window = self->table->windows; window; window = window->next)
	{
		for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
		{
			VeloCell   *cell = window->cells[i];

			if (cell == NULL || cell->context == NULL)
				continue;
			for (VeloGroup *group = cell->dirty; group; group = group->next_dirty)
			{
				if (self->base.operate->store)
					append_group(group, self);
				group->flags &= ~VELO_GROUP_DIRTY;
			}
			cell->dirty = NULL;
		}
	}
}

/* Some of the cells that the present snapshot has not written yet. */
static void
save_snapshot(Aggregate *self)
{
	VeloStore  *store = self->base.operate->store;
	Size		wanted = velo_state_wants_snapshot(store, self->table->bytes);
	Size		start = velo_state_log_bytes(store);

	if (wanted == 0)
		return;
	for (VeloGroupWindow *window = self->table->windows; window; window = window->next)
	{
		for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
		{
			VeloCell   *cell = window->cells[i];

			if (cell == NULL || cell->context == NULL || cell->generation == self->generation)
				continue;
			if (velo_state_log_bytes(store) - start >= wanted)
				return;
			velo_state_cell_drop(store, cell->id);
			velo_state_groups_each(cell, append_group, self);
			cell->is_stored = false;
			cell->generation = self->generation;
		}
	}
	velo_state_snapshot_done(store);
	self->generation++;
}

static void
aggregate_save(VeloOperator *base)
{
	Aggregate  *self = (Aggregate *) base;

	save_dirty(self);
	if (base->operate->store)
		save_snapshot(self);
	self->batch++;
}

static void
recover_record(void *arg, VeloRecordKind kind, uint64 id, const char *data, Size length)
{
	Aggregate  *self = arg;
	VeloOperate *operate = self->base.operate;
	TimestampTz start = velo_state_cell_window(id);
	VeloGroupWindow *window;
	VeloCell   *cell;
	MemoryContext old;

	if (kind == VELO_RECORD_OPERATOR)
		return;
	window = velo_state_groups_window(self->table, start,
									  velo_operate_window_end(&operate->plan->window, start), true);
	cell = window->cells[velo_state_cell_slice(id)];
	if (kind == VELO_RECORD_DROP_CELL)
	{
		if (cell)
		{
			velo_state_groups_cell_evict(self->table, cell);
			pfree(cell);
			window->cells[velo_state_cell_slice(id)] = NULL;
		}
		return;
	}
	if (cell == NULL)
	{
		uint32		hash = (uint32) velo_state_cell_slice(id) << (32 - VELO_CELL_BITS);

		cell = velo_state_groups_cell(self->table, window, hash);
		cell->generation = 0;
	}
	else if (cell->context == NULL)
	{
		load_cell(self, cell);
		/* Records that follow may stand in the older segment: the snapshot must cover them. */
		cell->generation = 0;
	}
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(operate->estate));
	restore_group(self, cell, data, length);
	cell->is_stored = false;
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(operate->estate);
}

static void
recover(Aggregate *self)
{
	VeloOperate *operate = self->base.operate;
	uint64	   *ids;
	int			n = velo_state_cells(operate->store, &ids);
	VeloGroupWindow *next;

	/* Cells set aside stay aside; the log may bring some of them back. */
	for (int i = 0; i < n; i++)
	{
		TimestampTz start = velo_state_cell_window(ids[i]);
		VeloGroupWindow *window =
			velo_state_groups_window(self->table, start,
									 velo_operate_window_end(&operate->plan->window, start), true);
		uint32		hash = (uint32) velo_state_cell_slice(ids[i]) << (32 - VELO_CELL_BITS);
		VeloCell   *cell = velo_state_groups_cell(self->table, window, hash);

		velo_state_groups_cell_evict(self->table, cell);
		cell->is_stored = true;
	}
	velo_state_recover(operate->store, recover_record, self);
	for (VeloGroupWindow *window = self->table->windows; window; window = next)
	{
		bool		is_empty = true;

		next = window->next;
		for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
			is_empty = is_empty && window->cells[i] == NULL;
		if (is_empty)
			velo_state_groups_drop_window(self->table, window);
	}
	velo_state_groups_account(self->table);
	operate->state_bytes = self->table->bytes;
}

static void
aggregate_close(VeloOperator *base)
{
	Aggregate  *self = (Aggregate *) base;

	ExecEndNode(&self->agg->ss.ps);
}

static const VeloOperatorOps aggregate_ops = {
	.name = "aggregate",
	.push = aggregate_push,
	.watermark = aggregate_watermark,
	.drain = velo_operate_forward_drain,
	.flush = aggregate_flush,
	.save = aggregate_save,
	.undo = aggregate_undo,
	.close = aggregate_close,
};

static void
init_table(Aggregate *self)
{
	Agg		   *node = (Agg *) self->agg->ss.ps.plan;
	Oid		   *types = palloc(sizeof(Oid) * Max(1, node->numCols));
	Oid		   *collations = palloc(sizeof(Oid) * Max(1, node->numCols));

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
										   offsetof(Payload, states) +
										   sizeof(AggStatePerGroupData) * self->agg->numtrans);
}

VeloOperator *
velo_operate_aggregate(VeloOperate *operate)
{
	Aggregate  *self = palloc0(sizeof(Aggregate));
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
	self->state_context = self->agg->aggstrategy == AGG_HASHED
		? self->agg->hashcontext : self->agg->aggcontexts[0];
	self->agg->curaggcontext = self->state_context;
	self->row = velo_operate_row_context(operate, plan->source.desc);
	self->projection = ExecBuildProjectionInfo(grouping->input, self->row.econtext,
											   self->input_slot, NULL, NULL);
	MemoryContextSwitchTo(old);

	self->transition = velo_operate_transition_create(self->agg, grouping->inputs_aggno);
	if (grouping->replay_query)
		self->replay = velo_operate_replay_create(grouping);
	self->input = velo_row_chunk_create(self->input_desc, self->input_desc->natts, operate->context);
	self->out = velo_row_chunk_create(plan->output, plan->output->natts, operate->context);
	self->pending_context = AllocSetContextCreate(operate->context, "velo pending rows",
												  ALLOCSET_DEFAULT_SIZES);
	self->changed_end = &self->changed;
	self->generation = 1;
	initStringInfo(&self->buffer);
	init_table(self);
	if (operate->store)
		recover(self);
	return &self->base;
}
