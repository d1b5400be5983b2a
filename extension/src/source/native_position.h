/*
 * native_position.h
 *	  How far a native stream has been read.
 *
 * Row numbers cannot say it: transactions commit in another order than they take
 * numbers, and "everything above the last one" loses the slow ones.  Snapshots
 * can: a reader that has consumed what one snapshot sees, and then what a later
 * one sees in addition, has met every committed transaction exactly once.  A
 * position is the snapshot consumed (seen) and, while the difference to the next
 * one (target) is being read in pieces, the place reached in it.
 *
 * As text: SEEN[/TARGET/LOWER,XID,SEQ][@FROM], snapshots in the form of type
 * pg_snapshot, times in microseconds as PostgreSQL counts them.
 */
#pragma once

#include <access/transam.h>
#include <datatype/timestamp.h>
#include <lib/stringinfo.h>
#include <utils/snapshot.h>

/* A pg_snapshot: top-level transactions, 64 bits wide. */
typedef struct VeloSnapshot
{
	uint64 xmin; /* all before have ended */
	uint64 xmax; /* none from here on has ended */
	uint64 own;	 /* this one is seen in any case; 0: none */
	int nxip;
	int max_xip; /* room in xip */
	uint64 *xip; /* those in between that run, ascending */
} VeloSnapshot;

typedef struct VeloNativePosition
{
	VeloSnapshot seen;
	bool is_between; /* the four below are valid */
	VeloSnapshot target;
	TimestampTz lower; /* of the time partition being read; DT_NOBEGIN: the default
								 * partition, which is read first */
	uint64 xid;		   /* last row read there; 0: none */
	int64 seq;
	TimestampTz from_time; /* earlier rows are left out; DT_NOBEGIN: none */
} VeloNativePosition;

#define VELO_NO_XID PG_UINT64_MAX

/* The full id of a recent 32-bit one. */
static inline FullTransactionId
velo_source_widen_xid(TransactionId xid, FullTransactionId next)
{
	uint32 epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return FullTransactionIdFromEpochAndXid(epoch, xid);
}

/* Does the snapshot see the rows of that (committed) transaction? */
extern bool velo_source_snapshot_sees(const VeloSnapshot *snapshot, uint64 xid);
extern bool velo_source_snapshot_equal(const VeloSnapshot *a, const VeloSnapshot *b);

/*
 * Sets *to from PostgreSQL's snapshot.  The current transaction counts as running,
 * or, if with_own, as seen.  xip is allocated in "context" and reused.
 */
extern void velo_source_snapshot_take(VeloSnapshot *to, Snapshot from, bool with_own,
									  MemoryContext context);
extern void velo_source_snapshot_take_nothing(VeloSnapshot *to);
extern void velo_source_snapshot_copy(VeloSnapshot *to, const VeloSnapshot *from,
									  MemoryContext context);

/*
 * The first transaction from "xid" on that target sees and seen does not, or
 * VELO_NO_XID.
 */
extern uint64 velo_source_snapshot_next(const VeloSnapshot *seen, const VeloSnapshot *target,
										uint64 xid);

extern char *velo_source_position_write(const VeloNativePosition *position);
/* Returns false if the text is none; xip are allocated in "context". */
extern bool velo_source_position_parse(const char *text, VeloNativePosition *position,
									   MemoryContext context);
/* The same, but raises 22023. */
extern void velo_source_position_read(const char *text, VeloNativePosition *position,
									  MemoryContext context);

/*
 * Has every transaction up to and including "xid" been read at that position?
 * Errs on the side of no.
 */
extern bool velo_source_position_is_past(const VeloNativePosition *position, uint64 xid);
