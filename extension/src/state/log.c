/*
 * log.c
 *	  The log of a task's state and its two segments.
 *
 * Upserting each changed group into a table costs 7 to 20 microseconds a group
 * and writes index and full-page images; appending it to a log costs 0.15.  The
 * price is that the log must be kept short: whatever is live is written again
 * from time to time, and what was written before is dropped.
 *
 * Stopping to write all of it at once would stall the job (0.4 s per million
 * groups), so it is written in small portions, one with each commit, in
 * proportion to what the commit logs anyway: a rotation.
 *
 *	                    rotation n                    rotation n + 1
 *	older segment       [what rotation n-1 wrote  ]   [what rotation n wrote  ]
 *	current segment     [everything live, once, and   [everything live …
 *	                     the changes meanwhile    ]
 *	                                               ^ snapshot_done: truncate the
 *	                                                 older one, exchange the two
 *
 * So at the end of a rotation everything live stands in the log twice.  That, and
 * the changes of two rotations, is the least two segments can hold; LOG_LIVE_MAX
 * leaves as much room again for the changes as one copy takes, so that a rotation
 * writes about two bytes again for each byte changed.  Small states never come
 * near LOG_FLOOR_BYTES and hardly write anything again.
 *
 * Nothing about segments is stored outside of them.  The numbers of the records
 * say which segment is older.  A new process begins a rotation of its own, which
 * needs more to be written again, never less.  Replaying an older segment that is
 * obsolete already is harmless: every cell that is in it and still alive was
 * begun anew in the current one (DROP_CELL, then all of it).
 *
 * The truncation belongs to the transaction like everything else.  It needs an
 * exclusive lock, for which it never waits: pg_dump may hold the table for hours.
 * Then the rotation goes on in the same segment and a later commit tries again.
 */
#include "postgres.h"

#include "state/internal.h"

#include <access/heapam.h>
#include <access/table.h>
#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <utils/memutils.h>
#include <utils/snapmgr.h>

#include "base/testpoint.h"

/* Below this the log is not worth shortening. */
#define LOG_FLOOR_BYTES (4 * 1024 * 1024)
/* The log may grow to this multiple of the live bytes (and the floor). */
#define LOG_LIVE_MAX 3.0
/* Bytes written again for one byte changed, at most. */
#define SNAPSHOT_SHARE_MAX 4.0
/* Less than this is not worth asking an operator for. */
#define SNAPSHOT_BYTES_MIN (32 * 1024)
/* What a row costs beside its data. */
#define ROW_OVERHEAD_BYTES 40

/* Columns of a segment. */
#define LOG_SEQ 1
#define LOG_DATA 2

static void
write_row(void *arg, uint64 first, bytea *data)
{
	VeloStore *store = arg;
	Relation segment = table_open(store->segments[store->current], RowExclusiveLock);
	Datum values[2] = {Int64GetDatum((int64) first), PointerGetDatum(data)};
	bool nulls[2] = {false, false};
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(segment), values, nulls);

	simple_heap_insert(segment, tuple);
	heap_freetuple(tuple);
	table_close(segment, NoLock);
	store->segment_bytes[store->current] += VARSIZE(data) + ROW_OVERHEAD_BYTES;
}

static void
remember_fact(VeloStore *store, uint64 cell, const char *data, Size length)
{
	ListCell *lc;
	OperatorFact *fact = NULL;
	MemoryContext old = MemoryContextSwitchTo(store->context);

	foreach(lc, store->facts)
	{
		fact = lfirst(lc);
		if (fact->cell == cell)
			break;
		fact = NULL;
	}
	if (fact == NULL)
	{
		fact = palloc(sizeof(OperatorFact));
		fact->cell = cell;
		initStringInfo(&fact->bytes);
		store->facts = lappend(store->facts, fact);
	}
	resetStringInfo(&fact->bytes);
	appendBinaryStringInfo(&fact->bytes, data, length);
	MemoryContextSwitchTo(old);
}

void
velo_state_append(VeloStore *store, VeloRecordKind kind, uint64 cell, const char *data, Size length)
{
	velo_state_ready(store);
	velo_state_page_add(&store->log, kind, cell, data, length);
	if (kind == VELO_RECORD_OPERATOR)
		remember_fact(store, cell, data, length);
	if (store->is_snapshotting)
	{
		store->snapshot_bytes += length;
		store->credit -= length;
	}
	else
		store->changed_bytes += length;
}

static void
truncate_older(VeloStore *store)
{
	int older = 1 - store->current;

	if (store->segment_bytes[older] > 0)
	{
		if (!velo_state_truncate(store->segments[older], false))
			return;
		VELO_TESTPOINT("state-truncated");
		store->segment_bytes[older] = 0;
	}
	store->is_older_obsolete = false;
}

void
velo_state_flush(VeloStore *store)
{
	velo_state_ready(store);
	velo_state_page_finish(&store->log);
	if (store->is_snapshotting)
		VELO_TESTPOINT("state_snapshot_slice");
	store->is_snapshotting = false;
	if (store->is_older_obsolete)
		truncate_older(store);
}

Size
velo_state_log_bytes(VeloStore *store)
{
	velo_state_ready(store);
	return store->segment_bytes[0] + store->segment_bytes[1];
}

/*
 * What remains of the rotation is written in proportion to what changes, so that
 * the log is at its limit just when the rotation ends.
 */
Size
velo_state_wants_snapshot(VeloStore *store, Size live_bytes)
{
	double limit = LOG_LIVE_MAX * live_bytes + LOG_FLOOR_BYTES;
	double remaining;
	double log;
	double room;
	double share = SNAPSHOT_SHARE_MAX;

	velo_state_ready(store);
	log = velo_state_log_bytes(store);
	if (store->is_older_obsolete)
		log -= store->segment_bytes[1 - store->current];

	/* live_bytes is an estimate: never believe that nothing remains. */
	remaining = (double) live_bytes - store->snapshot_bytes;
	remaining = Max(remaining, SNAPSHOT_BYTES_MIN);
	room = limit - log - remaining;
	if (room * SNAPSHOT_SHARE_MAX > remaining)
		share = remaining / room;
	store->credit += share * store->changed_bytes;
	store->changed_bytes = 0;

	/* A state that has shrunk may leave a long log and few changes. */
	if (log > limit && store->credit < SNAPSHOT_BYTES_MIN)
		store->credit = SNAPSHOT_BYTES_MIN;
	if (store->credit < SNAPSHOT_BYTES_MIN)
		return 0;
	store->is_snapshotting = true;
	return store->credit;
}

void
velo_state_snapshot_done(VeloStore *store)
{
	ListCell *lc;

	velo_state_ready(store);

	/* Operators' facts are few and small: the store writes them again by itself. */
	foreach(lc, store->facts)
	{
		OperatorFact *fact = lfirst(lc);

		velo_state_page_add(&store->log, VELO_RECORD_OPERATOR, fact->cell, fact->bytes.data,
							fact->bytes.len);
	}
	/* No record may lie in both segments. */
	velo_state_page_finish(&store->log);

	store->is_older_obsolete = true;
	truncate_older(store);
	if (!store->is_older_obsolete)
	{
		store->current = 1 - store->current;
		VELO_TESTPOINT("state_segments_switched");
	}
	store->snapshot_bytes = 0;
	store->credit = Min(store->credit, 0);
	store->is_snapshotting = false;
}

/* --- reading -------------------------------------------------------------- */

typedef struct RowPlace
{
	uint64 first;
	ItemPointerData tid;
} RowPlace;

typedef struct RowPlaces
{
	RowPlace *rows;
	int count;
	int space;
	bool is_sorted;
} RowPlaces;

/*
 * Rows normally lie in the order of their numbers, but space that an aborted
 * transaction left is used again, so places are collected and sorted first.
 */
static void
collect_places(VeloStore *store, int which, RowPlaces *places)
{
	Relation segment = table_open(store->segments[which], AccessShareLock);
	TupleTableSlot *slot = table_slot_create(segment, NULL);
	TableScanDesc scan = table_beginscan(segment, SnapshotSelf, 0, NULL);

	places->space = 1024;
	places->count = 0;
	places->is_sorted = true;
	places->rows = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(RowPlace) * places->space);
	store->segment_bytes[which] = 0;
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool is_null;
		uint64 first = (uint64) DatumGetInt64(slot_getattr(slot, LOG_SEQ, &is_null));
		Datum data = slot_getattr(slot, LOG_DATA, &is_null);

		CHECK_FOR_INTERRUPTS();
		if (places->count == places->space)
		{
			places->space *= 2;
			places->rows = repalloc_huge(places->rows, sizeof(RowPlace) * places->space);
		}
		if (places->count > 0 && first < places->rows[places->count - 1].first)
			places->is_sorted = false;
		places->rows[places->count].first = first;
		places->rows[places->count].tid = slot->tts_tid;
		places->count++;
		store->segment_bytes[which] += VARSIZE_ANY(DatumGetPointer(data)) + ROW_OVERHEAD_BYTES;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(segment, NoLock);
}

static int
compare_places(const void *a, const void *b)
{
	const RowPlace *left = a;
	const RowPlace *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

static void
read_places(VeloStore *store, int which, const RowPlaces *places, VeloPageReader *reader)
{
	Relation segment = table_open(store->segments[which], AccessShareLock);
	TupleTableSlot *slot = table_slot_create(segment, NULL);

	reader->table = RelationGetRelationName(segment);
	for (int i = 0; i < places->count; i++)
	{
		ItemPointerData tid = places->rows[i].tid;
		bool is_null;

		CHECK_FOR_INTERRUPTS();
		if (!table_tuple_fetch_row_version(segment, &tid, SnapshotSelf, slot))
			elog(ERROR, "state row is gone while it is read");
		velo_state_page_read(reader,
							 (bytea *) DatumGetPointer(slot_getattr(slot, LOG_DATA, &is_null)));
		ExecClearTuple(slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(segment, NoLock);
}

typedef struct Replay
{
	VeloStore *store;
	VeloRecordCallback on_record; /* or NULL */
	void *arg;
} Replay;

static void
replay_record(void *arg, VeloRecordKind kind, uint64 cell, uint64 number, const char *data,
			  Size length)
{
	Replay *replay = arg;

	if (kind == VELO_RECORD_OPERATOR)
		remember_fact(replay->store, cell, data, length);
	else if (number <= velo_state_cell_put_number(replay->store, cell))
		return;
	if (replay->on_record)
		replay->on_record(replay->arg, kind, cell, data, length);
}

/* Reads both segments in order, finds out which is current and the next number. */
static uint64
read_log(VeloStore *store, VeloRecordCallback on_record, void *arg)
{
	Replay replay = {store, on_record, arg};
	RowPlaces places[2];
	VeloPageReader reader;
	uint64 next;

	for (int i = 0; i < 2; i++)
	{
		collect_places(store, i, &places[i]);
		if (!places[i].is_sorted)
			qsort(places[i].rows, places[i].count, sizeof(RowPlace), compare_places);
	}

	/* An empty segment is the one to write: the sooner is the other one done with. */
	if (places[0].count == 0)
		store->current = 0;
	else if (places[1].count == 0)
		store->current = 1;
	else
		store->current = places[0].rows[0].first > places[1].rows[0].first ? 0 : 1;

	velo_state_page_open(&reader, "", store->layout, replay_record, &replay);
	read_places(store, 1 - store->current, &places[1 - store->current], &reader);
	read_places(store, store->current, &places[store->current], &reader);
	next = reader.is_started ? reader.next : 1;
	velo_state_page_close(&reader);
	for (int i = 0; i < 2; i++)
		pfree(places[i].rows);
	return next;
}

void
velo_state_recover(VeloStore *store, VeloRecordCallback on_record, void *arg)
{
	MemoryContext old;
	uint64 next;

	velo_state_attach(store);
	Assert(!store->is_recovered);
	next = read_log(store, on_record, arg);
	next = Max(next, store->last_put_number + 1);
	old = MemoryContextSwitchTo(store->context);
	velo_state_page_begin(&store->log, store->layout, next, write_row, store);
	MemoryContextSwitchTo(old);
	store->is_recovered = true;
}

/* Before anything is written: where the log ends must be known. */
void
velo_state_ready(VeloStore *store)
{
	if (!store->is_recovered)
		velo_state_recover(store, NULL, NULL);
}
