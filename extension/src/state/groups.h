/*
 * groups.h
 *	  Groups in memory: windows, cells of a window, groups of a cell.
 *
 *		window (start)  --  cell (a slice of hash values)  --  group (a key)
 *
 * A cell is the unit of memory accounting and spilling.  All memory of its groups
 * (keys, aggregate states) is in the cell's own context, so a closing window is a
 * few context resets, and a spilled cell gives back all it had.
 *
 * This file knows keys and cells; what is in a group behind its key is the
 * business of the operator that owns the table.
 */
#pragma once

#include <datatype/timestamp.h>
#include <fmgr.h>
#include <nodes/pg_list.h>

#define VELO_CELL_BITS 6
#define VELO_CELLS_PER_WINDOW (1 << VELO_CELL_BITS)

typedef struct VeloCell VeloCell;

#define VELO_GROUP_DIRTY 0x01	/* differs from what is stored */
#define VELO_GROUP_CHANGED 0x02 /* waits for emission */
#define VELO_GROUP_EMITTED 0x04 /* its key is in the output (stored) */

typedef struct VeloGroup
{
	uint32 hash;
	uint8 flags;
	VeloCell *cell;
	struct VeloGroup *next_dirty; /* of the cell */
	Datum *keys;
	bool *nulls;
	void *payload; /* the operator's, payload_bytes long, zeroed */
} VeloGroup;

typedef struct VeloKeyPart
{
	int16 length;
	bool by_value;
	char kind; /* how it is hashed and compared, see groups.c */
	Oid type;
	Oid collation;
	FmgrInfo hash;
	FmgrInfo equal;
} VeloKeyPart;

struct velo_group_hash;

struct VeloCell
{
	uint64 id; /* stored number: window start and slice */
	struct VeloGroupWindow *window;
	int slice;
	MemoryContext context; /* NULL: not in memory */
	struct velo_group_hash *groups;
	VeloGroup *dirty;  /* list by next_dirty */
	Size bytes;		   /* of context, as of the last accounting */
	uint64 last_used;  /* batch number */
	bool is_stored;	   /* set aside in the store, and unchanged since */
	uint64 generation; /* rolling snapshot that has written it */
	List *pending;	   /* rows waiting for the cell to be read back (operator's) */
};

typedef struct VeloGroupWindow
{
	TimestampTz start;
	TimestampTz end;
	bool is_closed;							/* the operator's: its end has passed */
	VeloCell *cells[VELO_CELLS_PER_WINDOW]; /* NULL: empty */
	struct VeloGroupWindow *next;			/* by start, ascending */
} VeloGroupWindow;

typedef struct VeloGroupTable
{
	MemoryContext context;
	int nkeys;
	VeloKeyPart *keys;
	Size payload_bytes;
	VeloGroupWindow *windows; /* ascending by start */
	VeloGroupWindow *recent;  /* looked up last */
	Size bytes;				  /* of all resident cells, as of the last accounting */
	int64 ngroups;			  /* resident */
} VeloGroupTable;

extern VeloGroupTable *velo_state_groups_create(MemoryContext parent, int nkeys, const Oid *types,
												const Oid *collations, Size payload_bytes);

/* The window of that start; made if missing and "create". */
extern VeloGroupWindow *velo_state_groups_window(VeloGroupTable *table, TimestampTz start,
												 TimestampTz end, bool create);
/* Takes a window out and frees everything in it. */
extern void velo_state_groups_drop_window(VeloGroupTable *table, VeloGroupWindow *window);

extern uint32 velo_state_groups_hash(VeloGroupTable *table, const Datum *values, const bool *nulls,
									 const int *columns);

/* The cell of a hash value in a window; made if missing.  It may not be in memory. */
extern VeloCell *velo_state_groups_cell(VeloGroupTable *table, VeloGroupWindow *window,
										uint32 hash);
/* Gives a cell that is not in memory an empty table. */
extern void velo_state_groups_cell_init(VeloGroupTable *table, VeloCell *cell);
/* Frees a cell's memory; its groups are gone. */
extern void velo_state_groups_cell_evict(VeloGroupTable *table, VeloCell *cell);

/*
 * Finds or makes the group of a key.  columns[i] is the place of key i in values.
 * By-reference keys are copied (and detoasted).
 */
extern VeloGroup *velo_state_groups_lookup(VeloGroupTable *table, VeloCell *cell, uint32 hash,
										   const Datum *values, const bool *nulls,
										   const int *columns, bool *is_new);
extern void velo_state_groups_remove(VeloGroupTable *table, VeloGroup *group);

/* Calls a function for every group of a resident cell. */
extern void velo_state_groups_each(VeloCell *cell, void (*function)(VeloGroup *group, void *arg),
								   void *arg);
extern int velo_state_groups_count(const VeloCell *cell);

/* Number of a cell in the store, and back. */
extern uint64 velo_state_cell_id(TimestampTz window, int slice);
extern TimestampTz velo_state_cell_window(uint64 id);
extern int velo_state_cell_slice(uint64 id);

/* Brings table->bytes up to date. */
extern void velo_state_groups_account(VeloGroupTable *table);

/* The resident cell that was used longest ago, or NULL. */
extern VeloCell *velo_state_groups_coldest(VeloGroupTable *table, uint64 not_used_in);
