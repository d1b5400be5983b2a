/*
 * internal.h
 *	  What the files of the store share.
 */
#pragma once

#include "state/page.h"
#include "state/table.h"

#include <access/tableam.h>
#include <storage/lockdefs.h>
#include <utils/rel.h>

/* Cells that have a put, and the number of the log's last record before it. */
typedef struct CellPut
{
	uint64 cell; /* key */
	uint64 number;
	char status; /* for the hash table */
} CellPut;

#define SH_PREFIX cellput
#define SH_ELEMENT_TYPE CellPut
#define SH_KEY_TYPE uint64
#define SH_SCOPE extern
#define SH_DECLARE
#include <lib/simplehash.h>

/* The newest VELO_RECORD_OPERATOR of a cell number. */
typedef struct OperatorFact
{
	uint64 cell;
	StringInfoData bytes;
} OperatorFact;

struct VeloStore
{
	int job_id;
	int task;
	uint32 layout;		   /* hash */
	MemoryContext context; /* lives as long as the store */

	bool is_attached;  /* the tables and cells are known */
	bool is_recovered; /* and where the log ends */
	Oid segments[2];
	Oid cells;
	int current; /* the segment written to; the other is the older */
	Size segment_bytes[2];

	/*
	 * The older segment holds nothing live but somebody's lock kept it from being
	 * truncated; tried again at later commits.
	 */
	bool is_older_obsolete;

	VeloPageWriter log;
	List *facts; /* of OperatorFact */

	/* Rolling snapshot, see log.c. */
	Size changed_bytes;	  /* logged since wants_snapshot was last asked */
	Size snapshot_bytes;  /* written again since the last snapshot_done */
	double credit;		  /* bytes the operator may write again */
	bool is_snapshotting; /* what is appended now is the snapshot's */

	cellput_hash *puts;
	uint64 last_put_number; /* the largest found when attaching */
	VeloPageWriter put;		/* of the cell being set aside */
	bool is_putting;
	uint64 put_cell;
	uint64 put_number;
	int put_pieces;
	bool has_new_pieces; /* written by the present command: not yet deletable */
};

/* store.c */
extern void velo_state_attach(VeloStore *store);

/* log.c */
extern void velo_state_ready(VeloStore *store);

/* cells.c */
extern void velo_state_cells_attach(VeloStore *store);
/* Records of the cell up to this number are void; 0: none are. */
extern uint64 velo_state_cell_put_number(VeloStore *store, uint64 cell);
