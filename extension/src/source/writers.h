/*
 * writers.h
 *	  Who is writing to native streams right now, and who wants to be woken.
 *
 * A transaction's rows in one stream carry one append time: the moment the
 * transaction first wrote to that stream.  It may commit much later, so a reader
 * must not take the clock for "nothing earlier can come".  Each backend therefore
 * announces in shared memory to which streams its transaction has begun to write
 * and since when; velo_source_writers_oldest() turns that into a promise about
 * the future, which caps the watermark of a native stream and lets readers leave
 * old partitions alone.
 *
 * All of it needs the library to be preloaded.
 */
#pragma once

#include <datatype/timestamp.h>

/*
 * The append time of the current transaction's rows in that storage table,
 * announced on the first call.  A few nanoseconds when called again for the same
 * table.  Sinks that write storage without its column defaults use this.
 */
extern TimestampTz velo_source_append_time(Oid storage);

/*
 * For a transaction that makes old rows appear anew (renewed transaction ids after
 * a restore): until it ends nothing is promised to readers of that storage.
 */
extern void velo_source_writers_hold(Oid storage);

/* Has the current transaction announced that storage?  Then *time is its append time. */
extern bool velo_source_is_writing(Oid storage, TimestampTz *time);

/*
 * No row of that storage which becomes visible to a snapshot taken after this
 * call, and is not visible to one taken before it, has an append time earlier
 * than the result.  So call it *before* the snapshot is taken whose rows it shall
 * qualify.  The clock's present if nobody writes; DT_NOBEGIN if nothing can be
 * promised (prepared transactions that survived a restart).  Needs no transaction.
 */
extern TimestampTz velo_source_writers_oldest(Oid storage);

/*
 * Looks once per server start for prepared transactions that nobody announced.
 * Must run inside a transaction before velo_source_writers_oldest() promises
 * anything; readers call it when they are opened.
 */
extern void velo_source_writers_check_prepared(void);

/*
 * True once somebody wrote under a virtual clock: append times may then lie
 * anywhere and say nothing about the order of events.
 */
extern bool velo_source_writers_are_virtual(void);

/*
 * From now on this process's latch is set when a transaction that wrote to one of
 * these storage tables has committed (its rows are then visible).  Replaces an
 * earlier registration; ends with the process.  A hint: whoever relies on it also
 * polls now and then.
 */
extern void velo_source_wake_register(int n, const Oid *storages);
extern void velo_source_wake_unregister(void);

/* Wakes every registered reader; for commits that do not say what they wrote. */
extern void velo_source_wake_all(void);
