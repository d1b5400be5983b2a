/*
 * native_scan.c
 *	  Index scans over the partitions of a stream's storage.
 *
 * The index tuple carries both the transaction and the number of a row, so rows
 * of transactions that are not wanted are passed over without a look at the heap.
 * That matters: while somebody loads ten million rows in one transaction, every
 * batch of every reader would otherwise walk over all of them.  After a few
 * entries in vain the scan jumps to the next transaction that is wanted.
 *
 * Restarting a scan for every chunk costs a descent of the index, about 10 ns a
 * row, and spares us from tidying up resources at the end of transactions.
 */
#include "postgres.h"

#include "source/native_scan.h"

#include <access/genam.h>
#include <access/relscan.h>
#include <access/table.h>
#include <access/tableam.h>
#include <catalog/pg_index.h>
#include <miscadmin.h>
#include <partitioning/partbounds.h>
#include <partitioning/partdesc.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/syscache.h>
#include <utils/timestamp.h>

/* Unwanted entries passed one by one before jumping. */
#define STEPS_BEFORE_JUMP 64

typedef struct Partition
{
	Oid relation;
	TimestampTz lower; /* DT_NOBEGIN: the default partition */
} Partition;

struct VeloNativeScan
{
	VeloNativePosition *position;
	Snapshot snapshot;
	int nnames;
	const char *const *names;

	Relation storage;
	int npartitions;
	Partition *partitions; /* in the order of reading */
	int at;				   /* the open one, or the next one to open */

	/* Of the open partition; NULL: none is open. */
	Relation relation;
	Relation index;
	IndexScanDesc descent;
	TupleTableSlot *slot;
	AttrNumber *places;
	int max_place;
	bool is_within; /* scanning the rest of position->xid only */
	bool has_entry; /* the entry below is read and not yet used */
	uint64 xid;
	int64 seq;
	uint64 wanted_xid; /* last one found wanted, to ask once for many rows */
};

/* --- partitions ------------------------------------------------------------- */

static void
list_partitions(VeloNativeScan *scan, TimestampTz pruned_before)
{
	PartitionDesc desc = RelationGetPartitionDesc(scan->storage, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	TimestampTz from = scan->position->lower;

	scan->partitions = palloc(sizeof(Partition) * Max(desc->nparts, 1));
	scan->npartitions = 0;
	if (desc->nparts == 0)
		return;
	if (bounds->default_index >= 0 && from == DT_NOBEGIN)
	{
		Partition *partition = &scan->partitions[scan->npartitions++];

		partition->relation = desc->oids[bounds->default_index];
		partition->lower = DT_NOBEGIN;
	}
	/* datums[i] is the upper bound of partition indexes[i]. */
	for (int i = 1; i < bounds->ndatums; i++)
	{
		TimestampTz lower = DatumGetTimestampTz(bounds->datums[i - 1][0]);
		TimestampTz upper = DatumGetTimestampTz(bounds->datums[i][0]);
		Partition *partition;

		if (bounds->indexes[i] < 0 || lower < from || upper <= pruned_before)
			continue;
		partition = &scan->partitions[scan->npartitions++];
		partition->relation = desc->oids[bounds->indexes[i]];
		partition->lower = lower;
	}
}

/* The index on (_xid, _seq) of a partition. */
static Oid
find_index(Relation relation)
{
	AttrNumber xid_att = get_attnum(RelationGetRelid(relation), "_xid");
	AttrNumber seq_att = get_attnum(RelationGetRelid(relation), "_seq");
	List *indexes = RelationGetIndexList(relation);
	Oid found = InvalidOid;
	ListCell *cell;

	foreach(cell, indexes)
	{
		HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indisvalid && index->indnkeyatts == 2 && index->indkey.values[0] == xid_att &&
			index->indkey.values[1] == seq_att)
			found = lfirst_oid(cell);
		ReleaseSysCache(tuple);
		if (OidIsValid(found))
			break;
	}
	list_free(indexes);
	if (!OidIsValid(found))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream storage \"%s\" has lost its index",
							   RelationGetRelationName(relation)),
						errhint("Create it again: CREATE INDEX ON velo_storage.%s (_xid, _seq).",
								RelationGetRelationName(relation))));
	return found;
}

/* Partitions usually have the columns in the same order, so the guess is right. */
static void
find_places(VeloNativeScan *scan)
{
	TupleDesc desc = RelationGetDescr(scan->relation);
	int guess = 0;

	scan->max_place = 0;
	for (int i = 0; i < scan->nnames; i++)
	{
		int n = 0;

		while (n < desc->natts &&
			   (TupleDescAttr(desc, guess)->attisdropped ||
				strcmp(NameStr(TupleDescAttr(desc, guess)->attname), scan->names[i]) != 0))
		{
			guess = (guess + 1) % desc->natts;
			n++;
		}
		if (n == desc->natts)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("stream storage \"%s\" has no column \"%s\"",
								   RelationGetRelationName(scan->relation), scan->names[i])));
		scan->places[i] = guess + 1;
		scan->max_place = Max(scan->max_place, guess + 1);
		guess = (guess + 1) % desc->natts;
	}
}

/* Puts the open partition's scan before the first entry at or behind a place. */
static void
jump(VeloNativeScan *scan, uint64 xid, int64 behind_seq, bool is_within)
{
	ScanKeyData keys[2];
	const VeloSnapshot *target = &scan->position->target;

	if (is_within)
	{
		ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_XID8EQ, UInt64GetDatum(xid));
		ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(behind_seq));
	}
	else
	{
		ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_XID8GE, UInt64GetDatum(xid));
		ScanKeyInit(&keys[1], 1, BTLessStrategyNumber, F_XID8LT,
					UInt64GetDatum(Max(target->xmax, target->own + 1)));
	}
	scan->is_within = is_within;
	index_rescan(scan->descent, keys, 2, NULL, 0);
}

static void
close_partition(VeloNativeScan *scan)
{
	if (scan->relation == NULL)
		return;
	index_endscan(scan->descent);
	index_close(scan->index, NoLock);
	if (scan->slot)
		ExecDropSingleTupleTableSlot(scan->slot);
	table_close(scan->relation, NoLock);
	scan->relation = NULL;
	scan->slot = NULL;
}

/* Opens partition number scan->at; the position is moved to it. */
static void
open_partition(VeloNativeScan *scan)
{
	Partition *partition = &scan->partitions[scan->at];
	VeloNativePosition *position = scan->position;

	if (position->lower != partition->lower)
	{
		position->lower = partition->lower;
		position->xid = 0;
		position->seq = 0;
	}
	scan->relation = table_open(partition->relation, AccessShareLock);
	scan->index = index_open(find_index(scan->relation), AccessShareLock);
	scan->descent = index_beginscan(scan->relation, scan->index, scan->snapshot, 2, 0);
	scan->descent->xs_want_itup = true;
	scan->has_entry = false;
	scan->wanted_xid = VELO_NO_XID;
	if (scan->nnames > 0)
	{
		scan->slot = table_slot_create(scan->relation, NULL);
		find_places(scan);
	}
	if (position->xid != 0)
		jump(scan, position->xid, position->seq, true);
	else
		jump(scan, velo_source_snapshot_next(&position->seen, &position->target, 0), 0, false);
}

/* --- entries ---------------------------------------------------------------- */

/* Finds the next wanted entry of the open partition. */
static bool
next_entry(VeloNativeScan *scan)
{
	VeloNativePosition *position = scan->position;
	int steps = 0;

	for (;;)
	{
		bool is_null;
		uint64 xid;
		uint64 wanted;

		CHECK_FOR_INTERRUPTS();
		if (index_getnext_tid(scan->descent, ForwardScanDirection) == NULL)
		{
			if (!scan->is_within)
				return false;
			/* The rest of the transaction is read: on with those behind it. */
			wanted = velo_source_snapshot_next(&position->seen, &position->target,
											   position->xid + 1);
			if (wanted == VELO_NO_XID)
				return false;
			jump(scan, wanted, 0, false);
			continue;
		}
		xid = DatumGetUInt64(index_getattr(scan->descent->xs_itup, 1, scan->descent->xs_itupdesc,
										   &is_null));
		scan->seq = DatumGetInt64(index_getattr(scan->descent->xs_itup, 2,
												scan->descent->xs_itupdesc, &is_null));
		scan->xid = xid;
		if (xid == scan->wanted_xid)
			return true;
		wanted = velo_source_snapshot_next(&position->seen, &position->target, xid);
		if (wanted == xid)
		{
			scan->wanted_xid = xid;
			return true;
		}
		if (wanted == VELO_NO_XID)
			return false;
		if (++steps >= STEPS_BEFORE_JUMP)
		{
			jump(scan, wanted, 0, false);
			steps = 0;
		}
	}
}

/* Reads on to a wanted entry, over partitions. */
static bool
find_entry(VeloNativeScan *scan)
{
	while (scan->at < scan->npartitions)
	{
		if (scan->relation == NULL)
			open_partition(scan);
		if (scan->has_entry || next_entry(scan))
		{
			scan->has_entry = true;
			return true;
		}
		close_partition(scan);
		scan->at++;
	}
	return false;
}

/* --- interface -------------------------------------------------------------- */

VeloNativeScan *
velo_source_native_scan_begin(Oid storage, VeloNativePosition *position, TimestampTz pruned_before,
							  Snapshot snapshot, int nnames, const char *const *names)
{
	VeloNativeScan *scan = palloc0(sizeof(VeloNativeScan));

	Assert(position->is_between);
	scan->position = position;
	scan->snapshot = snapshot;
	scan->nnames = nnames;
	scan->names = names;
	scan->places = palloc(sizeof(AttrNumber) * Max(nnames, 1));
	scan->storage = table_open(storage, AccessShareLock);
	list_partitions(scan, pruned_before);
	return scan;
}

bool
velo_source_native_scan_has_entry(VeloNativeScan *scan)
{
	return find_entry(scan);
}

TupleTableSlot *
velo_source_native_scan_next(VeloNativeScan *scan)
{
	while (find_entry(scan))
	{
		scan->has_entry = false;
		scan->position->xid = scan->xid;
		scan->position->seq = scan->seq;
		if (index_fetch_heap(scan->descent, scan->slot))
			return scan->slot;
	}
	return NULL;
}

int64
velo_source_native_scan_count(VeloNativeScan *scan, int64 max)
{
	int64 n = 0;

	while (n < max && find_entry(scan))
	{
		scan->has_entry = false;
		scan->position->xid = scan->xid;
		scan->position->seq = scan->seq;
		n++;
	}
	return n;
}

const AttrNumber *
velo_source_native_scan_places(VeloNativeScan *scan, int *max)
{
	*max = scan->max_place;
	return scan->places;
}

void
velo_source_native_scan_end(VeloNativeScan *scan)
{
	close_partition(scan);
	table_close(scan->storage, NoLock);
	pfree(scan->partitions);
	pfree(scan->places);
	pfree(scan);
}
