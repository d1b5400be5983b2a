/*
 * native_scan.h
 *	  Reading the rows that lie between two snapshots from a stream's storage.
 *
 * Storage is partitioned by append time and indexed by (_xid, _seq).  A scan goes
 * through one time partition after the other, the default partition first, and
 * through each in index order; position->lower, xid and seq say where it goes on.
 * So everything still to come is at least as late as the partition it stands in.
 *
 * A scan lives inside one call of its user: it holds pins, a snapshot and open
 * relations, none of which may outlive a transaction.
 */
#pragma once

#include <executor/tuptable.h>

#include "source/native_position.h"

typedef struct VeloNativeScan VeloNativeScan;

/*
 * Starts where *position (which must be between two snapshots) stands and moves
 * it along.  Rows are judged by "snapshot", which must be at least as new as the
 * position's target.
 *
 * pruned_before: there are no rows to find in partitions that end at or before.
 * names: storage columns the user wants to know the places of.
 */
extern VeloNativeScan *velo_source_native_scan_begin(Oid storage, VeloNativePosition *position,
													 TimestampTz pruned_before, Snapshot snapshot,
													 int nnames, const char *const *names);

/*
 * Is there an index entry to look at?  Says yes too often (rows of aborted
 * transactions), never no.  Moves the position over partitions without any.
 */
extern bool velo_source_native_scan_has_entry(VeloNativeScan *scan);

/*
 * The next row, or NULL at the end.  The slot belongs to the scan and is valid
 * until the next call.
 */
extern TupleTableSlot *velo_source_native_scan_next(VeloNativeScan *scan);

/* Counts index entries to the end, but not beyond "max"; the position is moved. */
extern int64 velo_source_native_scan_count(VeloNativeScan *scan, int64 max);

/* Attribute numbers of "names" in the slot last returned, and the greatest of them. */
extern const AttrNumber *velo_source_native_scan_places(VeloNativeScan *scan, int *max);

extern void velo_source_native_scan_end(VeloNativeScan *scan);
