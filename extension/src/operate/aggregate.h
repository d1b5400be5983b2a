/*
 * aggregate.h
 *	  Private to the aggregate operator's files:
 *
 *	aggregate.c			the operator: finding groups and advancing them
 *	aggregate_emit.c	finished groups as rows
 *	aggregate_store.c	groups to the store and back
 */
#pragma once

#include <executor/executor.h>
#include <executor/nodeAgg.h>
#include <lib/stringinfo.h>

#include "operate/operator.h"
#include "operate/replay.h"
#include "operate/transition.h"
#include "state/groups.h"

/* Behind the key of each group. */
typedef struct AggregatePayload
{
	VeloGroup *next_changed;
	AggStatePerGroupData states[FLEXIBLE_ARRAY_MEMBER];
} AggregatePayload;

typedef struct UndoEntry
{
	VeloGroup *group;
	bool is_new;
	uint8 flags;
	char *saved; /* serialised states */
	Size length;
} UndoEntry;

typedef struct Aggregate
{
	VeloOperator base;
	const VeloGrouping *grouping;
	AggState *agg;
	VeloTransition *transition; /* saving and restoring states */
	VeloReplay *replay;			/* or NULL */
	ExprContext *state_context; /* its per-tuple memory is where states live */

	VeloRowContext row;
	ProjectionInfo *projection; /* source row -> input */
	TupleDesc input_desc;
	VeloChunk *input;
	TupleTableSlot *input_slot;
	TupleTableSlot *key_slot; /* a group's key in the input's shape, for emission */

	int nvarlena; /* columns of the input that may be toasted */
	int *varlena;

	VeloGroupTable *table;
	int *key_columns; /* of the input, 0-based */

	VeloGroup *changed; /* first of the groups that wait for emission */
	VeloGroup **changed_end;
	VeloChunk *out;

	MemoryContext pending_context; /* rows that wait for their cell */
	List *pending_cells;

	uint64 batch;
	uint64 generation; /* of the rolling snapshot */
	int chunks;
	StringInfoData buffer; /* serialised groups */

	uint64 undo_row;
	List *undo;
} Aggregate;

static inline AggregatePayload *
velo_aggregate_payload(VeloGroup *group)
{
	return group->payload;
}

/* The group is to be saved. */
extern void velo_aggregate_mark_dirty(VeloGroup *group);

/* Rows that waited for cells set aside: each cell is read back once for all of its rows. */
extern void velo_aggregate_drain_pending(Aggregate *self);

/* --- aggregate_store.c ------------------------------------------------------ */

/* A group as bytes, into self->buffer; and back into a (resident) cell. */
extern void velo_aggregate_serialise(Aggregate *self, VeloGroup *group);
extern VeloGroup *velo_aggregate_restore(Aggregate *self, VeloCell *cell, const char *data,
										 Size length);
/* Brings a cell that was set aside back into memory. */
extern void velo_aggregate_load(Aggregate *self, VeloCell *cell);
/* Sets cells aside until state fits its budget; when nothing waits for emission. */
extern void velo_aggregate_make_room(Aggregate *self);
extern void velo_aggregate_save(VeloOperator *base);
/* All groups as of the last commit. */
extern void velo_aggregate_recover(Aggregate *self);

/* --- aggregate_emit.c ------------------------------------------------------- */

/* Groups that changed since they were emitted last; without rows that still wait. */
extern void velo_aggregate_emit_listed(Aggregate *self);
/* … and those of the rows that wait. */
extern void velo_aggregate_emit_changed(Aggregate *self);
/* All groups of a window, cell by cell, so that those set aside need not fit together. */
extern void velo_aggregate_emit_window(Aggregate *self, VeloGroupWindow *window);
extern void velo_aggregate_drop_window(Aggregate *self, VeloGroupWindow *window);
