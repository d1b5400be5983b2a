/*
 * aggregate_store.c
 *	  Groups to the store and back: the log at every commit, cells set aside for
 *	  want of memory, the rolling snapshot, recovery.
 */
#include "postgres.h"

#include "operate/aggregate.h"

#include <miscadmin.h>
#include <utils/memutils.h>

void
velo_aggregate_serialise(Aggregate *self, VeloGroup *group)
{
	StringInfo buffer = &self->buffer;

	resetStringInfo(buffer);
	appendStringInfoChar(buffer, group->flags & VELO_GROUP_EMITTED);
	for (int i = 0; i < self->table->nkeys; i++)
		velo_operate_put_datum(buffer, group->keys[i], group->nulls[i],
							   self->table->keys[i].by_value, self->table->keys[i].length);
	velo_operate_states_put(self->transition, buffer, velo_aggregate_payload(group)->states);
}

/* Puts a serialised group into its (resident) cell, replacing one of the same key. */
VeloGroup *
velo_aggregate_restore(Aggregate *self, VeloCell *cell, const char *data, Size length)
{
	StringInfoData buffer = {.data = unconstify(char *, data), .len = length};
	int n = Max(1, self->table->nkeys);
	Datum *keys = palloc(sizeof(Datum) * n);
	bool *nulls = palloc(sizeof(bool) * n);
	int *columns = palloc(sizeof(int) * n);
	uint8 flags = (uint8) buffer.data[buffer.cursor++];
	VeloGroup *group;
	bool is_new;

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
	velo_operate_states_get(self->transition, &buffer, velo_aggregate_payload(group)->states,
							cell->context);
	return group;
}

static void
load_record(void *arg, VeloRecordKind kind, uint64 id, const char *data, Size length)
{
	Aggregate *self = ((void **) arg)[0];
	VeloCell *cell = ((void **) arg)[1];

	EState *estate = self->base.operate->estate;
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	velo_aggregate_restore(self, cell, data, length);
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(estate);
}

/* Brings a cell that was set aside back into memory. */
void
velo_aggregate_load(Aggregate *self, VeloCell *cell)
{
	void *args[2] = {self, cell};
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
	Aggregate *self = arg;

	velo_aggregate_serialise(self, group);
	velo_state_cell_record(self->base.operate->store, self->buffer.data, self->buffer.len);
}

/* Sets a cell aside. */
static void
evict_cell(Aggregate *self, VeloCell *cell)
{
	VeloStore *store = self->base.operate->store;

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
	Aggregate *self = arg;

	velo_aggregate_serialise(self, group);
	velo_state_append(self->base.operate->store, VELO_RECORD_PUT, group->cell->id,
					  self->buffer.data, self->buffer.len);
}

void
velo_aggregate_make_room(Aggregate *self)
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
		VeloCell *cell = velo_state_groups_coldest(self->table, (uint64) -1);

		if (cell == NULL)
			break;
		evict_cell(self, cell);
		CHECK_FOR_INTERRUPTS();
	}
	operate->state_bytes = self->table->bytes;
}

static void
save_dirty(Aggregate *self)
{
	for (VeloGroupWindow *window = self->table->windows; window; window = window->next)
	{
		for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
		{
			VeloCell *cell = window->cells[i];

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
	VeloStore *store = self->base.operate->store;
	Size wanted = velo_state_wants_snapshot(store, self->table->bytes);
	Size start = velo_state_log_bytes(store);

	if (wanted == 0)
		return;
	for (VeloGroupWindow *window = self->table->windows; window; window = window->next)
	{
		for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
		{
			VeloCell *cell = window->cells[i];

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

void
velo_aggregate_save(VeloOperator *base)
{
	Aggregate *self = (Aggregate *) base;

	save_dirty(self);
	if (base->operate->store)
		save_snapshot(self);
	self->batch++;
}

static void
recover_record(void *arg, VeloRecordKind kind, uint64 id, const char *data, Size length)
{
	Aggregate *self = arg;
	VeloOperate *operate = self->base.operate;
	TimestampTz start = velo_state_cell_window(id);
	VeloGroupWindow *window;
	VeloCell *cell;
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
		uint32 hash = (uint32) velo_state_cell_slice(id) << (32 - VELO_CELL_BITS);

		cell = velo_state_groups_cell(self->table, window, hash);
		cell->generation = 0;
	}
	else if (cell->context == NULL)
	{
		velo_aggregate_load(self, cell);
		/* Records that follow may stand in the older segment: the snapshot must cover them. */
		cell->generation = 0;
	}
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(operate->estate));
	velo_aggregate_restore(self, cell, data, length);
	cell->is_stored = false;
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(operate->estate);
}

void
velo_aggregate_recover(Aggregate *self)
{
	VeloOperate *operate = self->base.operate;
	uint64 *ids;
	int n = velo_state_cells(operate->store, &ids);
	VeloGroupWindow *next;

	/* Cells set aside stay aside; the log may bring some of them back. */
	for (int i = 0; i < n; i++)
	{
		TimestampTz start = velo_state_cell_window(ids[i]);
		VeloGroupWindow *window =
			velo_state_groups_window(self->table, start,
									 velo_operate_window_end(&operate->plan->window, start), true);
		uint32 hash = (uint32) velo_state_cell_slice(ids[i]) << (32 - VELO_CELL_BITS);
		VeloCell *cell = velo_state_groups_cell(self->table, window, hash);

		velo_state_groups_cell_evict(self->table, cell);
		cell->is_stored = true;
	}
	velo_state_recover(operate->store, recover_record, self);
	for (VeloGroupWindow *window = self->table->windows; window; window = next)
	{
		bool is_empty = true;

		next = window->next;
		for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
			is_empty = is_empty && window->cells[i] == NULL;
		window->is_closed = window->end <= operate->watermark;
		if (is_empty)
			velo_state_groups_drop_window(self->table, window);
	}
	velo_state_groups_account(self->table);
	operate->state_bytes = self->table->bytes;
}
