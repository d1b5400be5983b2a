/*
 * writers.c
 *	  Open writers of native streams, in shared memory.
 *
 * THE PROMISE.  velo_source_writers_oldest() says: no row that appears later is
 * earlier than this.  It must hold without a lock between writers and readers,
 * because writers pass here in every transaction.  The protocol is Dekker's:
 *
 *		writer						reader
 *		announce (storage, now)		floor = max(floor, now)
 *		-- full barrier --			-- full barrier --
 *		time = max(clock, floor)	look at all announcements
 *
 * Either the reader sees the announcement, whose time is not later than the one
 * the writer will use; or the writer announced after the reader looked, and then
 * it sees the reader's floor and uses a time that is not earlier.  The floor also
 * makes the promise independent of a clock that is set back.
 *
 * An announcement is withdrawn after the transaction has left the list of running
 * transactions (commit callbacks run behind ProcArrayEndTransaction).  A reader
 * that no longer finds it and then takes a snapshot therefore sees the rows.  The
 * opposite order, snapshot first, would lose that.
 *
 * PREPARE.  A prepared transaction outlives its backend's slot.  Before the slot
 * is cleared its announcements are copied to a list of prepared transactions,
 * from which they vanish when the transaction is no longer in progress.  Every
 * PREPARE is entered, also one that wrote to no stream, so that a prepared
 * transaction which is *not* in the list must be one from before the server
 * started or was promoted, of which nothing is known: it holds every stream back.
 *
 * Per transaction a slot names up to MAX_ANNOUNCED streams; what comes after
 * these shares one announcement for any stream.
 *
 * LOCKS.  Slots: none, one writer each.  The list of prepared transactions and
 * the list of readers to wake: one LWLock, exclusive for the few who change them,
 * shared for committing writers, who look for readers.
 */
#include "postgres.h"

#include "source/writers.h"

#include <access/transam.h>
#include <access/twophase.h>
#include <access/xact.h>
#include <access/xlog.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <port/atomics.h>
#include <storage/ipc.h>
#include <storage/latch.h>
#include <storage/lwlock.h>
#include <storage/proc.h>
#include <storage/procarray.h>
#include <utils/builtins.h>
#include <utils/snapmgr.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/module.h"
#include "source/native_position.h"

#define MAX_ANNOUNCED 8
#define MAX_WATCHED 32 /* storages a reader can name; more: any */

/* Storage InvalidOid stands for any stream of the database. */
typedef struct Announcement
{
	Oid storage;
	TimestampTz since;
} Announcement;

typedef struct WriterSlot
{
	pg_atomic_uint32 n; /* announcements that are valid; set last */
	Oid database;
	Announcement announced[MAX_ANNOUNCED];
} WriterSlot;

typedef struct PreparedWriter
{
	FullTransactionId xid;
	Oid database;
	int n;
	Announcement announced[MAX_ANNOUNCED];
} PreparedWriter;

typedef struct Reader
{
	int proc;
	Oid database;
	int n; /* MAX_WATCHED + 1: any storage */
	Oid storages[MAX_WATCHED];
} Reader;

typedef struct Writers
{
	pg_atomic_uint64 floor; /* TimestampTz; no append time is earlier */
	pg_atomic_uint32 is_virtual;
	pg_atomic_uint32 prepared_checked;
	int tranche;
	LWLock lock; /* for all below but the slots */
	int max_prepared;
	int nprepared;
	int nreaders;
	int nslots;
	/* followed by slots, prepared writers, readers */
} Writers;

static Writers *writers = NULL;
static WriterSlot *slots;
static PreparedWriter *prepared;
static Reader *readers;

/* What this process's transaction has announced; n mirrors the slot's. */
static int nwriting = 0;
static Oid last_storage = InvalidOid;
static TimestampTz last_time;
static TimestampTz times[MAX_ANNOUNCED];

static int
prepared_capacity(void)
{
	/* Entries of ended transactions are dropped when space is needed, so at most
	 * those in progress stand here, plus one being prepared in each backend. */
	return max_prepared_xacts + MaxBackends;
}

static Size
writers_size(void)
{
	return MAXALIGN(sizeof(Writers)) + MAXALIGN(sizeof(WriterSlot) * MaxBackends) +
		   MAXALIGN(sizeof(PreparedWriter) * prepared_capacity()) +
		   MAXALIGN(sizeof(Reader) * MaxBackends);
}

static void
writers_attach(void *memory, bool is_new)
{
	char *at = memory;

	writers = memory;
	at += MAXALIGN(sizeof(Writers));
	slots = (WriterSlot *) at;
	at += MAXALIGN(sizeof(WriterSlot) * MaxBackends);
	prepared = (PreparedWriter *) at;
	at += MAXALIGN(sizeof(PreparedWriter) * prepared_capacity());
	readers = (Reader *) at;

	if (is_new)
	{
		memset(writers, 0, writers_size());
		pg_atomic_init_u64(&writers->floor, 0);
		pg_atomic_init_u32(&writers->is_virtual, 0);
		pg_atomic_init_u32(&writers->prepared_checked, 0);
		writers->tranche = LWLockNewTrancheId();
		LWLockInitialize(&writers->lock, writers->tranche);
		writers->max_prepared = prepared_capacity();
		writers->nslots = MaxBackends;
		for (int i = 0; i < MaxBackends; i++)
			pg_atomic_init_u32(&slots[i].n, 0);
	}
	LWLockRegisterTranche(writers->tranche, "VeloWriters");
}

static const VeloShared writers_shared = {
	.name = "velo writers",
	.size = writers_size,
	.attach = writers_attach,
};
VELO_SHARED(writers_shared);

/* --- writing ---------------------------------------------------------------- */

bool
velo_source_is_writing(Oid storage, TimestampTz *time)
{
	WriterSlot *slot;

	if (nwriting == 0)
		return false;
	if (storage == last_storage)
	{
		*time = last_time;
		return true;
	}
	slot = &slots[velo_compat_proc_number()];
	for (int i = 0; i < nwriting; i++)
	{
		if (slot->announced[i].storage == storage || slot->announced[i].storage == InvalidOid)
		{
			last_storage = storage;
			last_time = *time = times[i];
			return true;
		}
	}
	return false;
}

/*
 * Announces a storage; from then on the transaction holds its readers' promise at
 * "since" or, if that is DT_NOEND, at the present.
 */
static TimestampTz
announce(Oid storage, TimestampTz since)
{
	WriterSlot *slot;
	TimestampTz time;
	bool is_virtual = velo_clock_is_virtual();

	velo_base_require_preload();
	if (is_virtual)
		pg_atomic_write_u32(&writers->is_virtual, 1);

	/* PREPARE must find an xid, and the rows need one anyway. */
	(void) GetTopTransactionId();

	slot = &slots[velo_compat_proc_number()];
	slot->database = MyDatabaseId;
	slot->announced[nwriting].storage = nwriting == MAX_ANNOUNCED - 1 ? InvalidOid : storage;
	time = velo_clock_now();
	slot->announced[nwriting].since = Min(time, since);
	pg_write_barrier();
	pg_atomic_write_u32(&slot->n, nwriting + 1);
	pg_memory_barrier();
	time = Max(time, velo_clock_now());
	if (!is_virtual)
		time = Max(time, (TimestampTz) pg_atomic_read_u64(&writers->floor));

	times[nwriting++] = time;
	last_storage = storage;
	last_time = time;
	return time;
}

TimestampTz
velo_source_append_time(Oid storage)
{
	TimestampTz time;

	if (velo_source_is_writing(storage, &time))
		return time;
	return announce(storage, DT_NOEND);
}

void
velo_source_writers_hold(Oid storage)
{
	TimestampTz time;

	if (!velo_source_is_writing(storage, &time))
		(void) announce(storage, DT_NOBEGIN);
	else
	{
		WriterSlot *slot = &slots[velo_compat_proc_number()];

		for (int i = 0; i < nwriting; i++)
		{
			if (slot->announced[i].storage == storage || slot->announced[i].storage == InvalidOid)
				slot->announced[i].since = DT_NOBEGIN;
		}
		pg_memory_barrier();
	}
}

/* --- promising -------------------------------------------------------------- */

static bool
is_in_progress(FullTransactionId xid)
{
	/* Far in the past its 32 bits may stand for another transaction by now. */
	if (U64FromFullTransactionId(ReadNextFullTransactionId()) - U64FromFullTransactionId(xid) >
		(UINT64CONST(1) << 31))
		return false;
	return TransactionIdIsInProgress(XidFromFullTransactionId(xid));
}

static TimestampTz
earliest(TimestampTz limit, const Announcement *announced, int n, Oid storage)
{
	for (int i = 0; i < n; i++)
	{
		if (announced[i].storage == storage || announced[i].storage == InvalidOid)
			limit = Min(limit, announced[i].since);
	}
	return limit;
}

/* Drops what has ended; the lock is held exclusively. */
static void
sweep_prepared(void)
{
	for (int i = writers->nprepared - 1; i >= 0; i--)
	{
		if (!is_in_progress(prepared[i].xid))
			prepared[i] = prepared[--writers->nprepared];
	}
}

TimestampTz
velo_source_writers_oldest(Oid storage)
{
	TimestampTz limit;

	velo_base_require_preload();
	if (pg_atomic_read_u32(&writers->prepared_checked) == 0)
		return DT_NOBEGIN;

	limit = velo_clock_now();
	if (!velo_clock_is_virtual())
	{
		uint64 floor = pg_atomic_read_u64(&writers->floor);

		while ((TimestampTz) floor < limit &&
			   !pg_atomic_compare_exchange_u64(&writers->floor, &floor, (uint64) limit))
			/* try again with the value just read */;
	}
	pg_memory_barrier();

	for (int i = 0; i < writers->nslots; i++)
	{
		uint32 n = pg_atomic_read_u32(&slots[i].n);

		if (n == 0)
			continue;
		pg_read_barrier();
		if (slots[i].database == MyDatabaseId)
			limit = earliest(limit, slots[i].announced, n, storage);
	}

	/* After the slots: a PREPARE enters the list before it clears its slot. */
	pg_memory_barrier();
	if (writers->nprepared > 0)
	{
		LWLockAcquire(&writers->lock, LW_EXCLUSIVE);
		sweep_prepared();
		for (int i = 0; i < writers->nprepared; i++)
		{
			if (prepared[i].database == MyDatabaseId)
				limit = earliest(limit, prepared[i].announced, prepared[i].n, storage);
		}
		LWLockRelease(&writers->lock);
	}
	return limit;
}

bool
velo_source_writers_are_virtual(void)
{
	return writers != NULL && pg_atomic_read_u32(&writers->is_virtual) != 0;
}

/* --- prepared transactions -------------------------------------------------- */

static void
add_prepared(FullTransactionId xid, Oid database, int n, const Announcement *announced)
{
	PreparedWriter *entry;

	if (writers->nprepared == writers->max_prepared)
		sweep_prepared();
	if (writers->nprepared == writers->max_prepared)
		elog(ERROR, "no room for another prepared transaction");
	entry = &prepared[writers->nprepared];
	entry->xid = xid;
	entry->database = database;
	entry->n = n;
	memcpy(entry->announced, announced, sizeof(Announcement) * n);
	writers->nprepared++;
}

static void
keep_prepared(void)
{
	FullTransactionId xid = GetTopFullTransactionIdIfAny();

	if (!FullTransactionIdIsValid(xid))
		return;
	LWLockAcquire(&writers->lock, LW_EXCLUSIVE);
	add_prepared(xid, MyDatabaseId, nwriting, slots[velo_compat_proc_number()].announced);
	LWLockRelease(&writers->lock);
}

void
velo_source_writers_check_prepared(void)
{
	static const Announcement unknown = {InvalidOid, DT_NOBEGIN};
	int result;

	velo_base_require_preload();
	if (pg_atomic_read_u32(&writers->prepared_checked) != 0 || RecoveryInProgress())
		return;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	result =
		SPI_execute("SELECT p.transaction::pg_catalog.text, d.oid "
					"FROM pg_catalog.pg_prepared_xacts p "
					"JOIN pg_catalog.pg_database d ON d.datname OPERATOR(pg_catalog.=) p.database",
					true, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_prepared_xacts: %s", SPI_result_code_string(result));

	LWLockAcquire(&writers->lock, LW_EXCLUSIVE);
	if (pg_atomic_read_u32(&writers->prepared_checked) == 0)
	{
		FullTransactionId next = ReadNextFullTransactionId();

		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple row = SPI_tuptable->vals[i];
			bool is_null;
			char *text = SPI_getvalue(row, SPI_tuptable->tupdesc, 1);
			Oid database = DatumGetObjectId(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null));
			FullTransactionId xid = velo_source_widen_xid((TransactionId) strtoul(text, NULL, 10),
														  next);
			bool is_known = false;

			for (int j = 0; j < writers->nprepared; j++)
				is_known |= FullTransactionIdEquals(prepared[j].xid, xid);
			if (!is_known)
				add_prepared(xid, database, 1, &unknown);
		}
		pg_atomic_write_u32(&writers->prepared_checked, 1);
	}
	LWLockRelease(&writers->lock);
	SPI_finish();
}

/* --- waking ----------------------------------------------------------------- */

static void
set_latches(const Announcement *announced, int n)
{
	for (int i = 0; i < writers->nreaders; i++)
	{
		Reader *reader = &readers[i];
		bool wants = reader->n > MAX_WATCHED || n == 0;

		if (reader->database != MyDatabaseId)
			continue;
		for (int j = 0; j < n && !wants; j++)
		{
			wants = announced[j].storage == InvalidOid;
			for (int k = 0; k < reader->n && !wants; k++)
				wants = reader->storages[k] == announced[j].storage;
		}
		if (wants)
			SetLatch(&ProcGlobal->allProcs[reader->proc].procLatch);
	}
}

static void
wake(const Announcement *announced, int n)
{
	/* A reader that registers just now looks for rows before it sleeps. */
	if (writers->nreaders == 0)
		return;
	LWLockAcquire(&writers->lock, LW_SHARED);
	set_latches(announced, n);
	LWLockRelease(&writers->lock);
}

void
velo_source_wake_all(void)
{
	if (writers)
		wake(NULL, 0);
}

void
velo_source_wake_unregister(void)
{
	if (writers == NULL)
		return;
	LWLockAcquire(&writers->lock, LW_EXCLUSIVE);
	for (int i = writers->nreaders - 1; i >= 0; i--)
	{
		if (readers[i].proc == velo_compat_proc_number())
			readers[i] = readers[--writers->nreaders];
	}
	LWLockRelease(&writers->lock);
}

static void
unregister_at_exit(int code, Datum arg)
{
	velo_source_wake_unregister();
}

void
velo_source_wake_register(int n, const Oid *storages)
{
	static bool registered = false;
	Reader *reader;

	velo_base_require_preload();
	if (!registered)
	{
		before_shmem_exit(unregister_at_exit, (Datum) 0);
		registered = true;
	}
	velo_source_wake_unregister();
	LWLockAcquire(&writers->lock, LW_EXCLUSIVE);
	/* One entry a process, so there is always room. */
	reader = &readers[writers->nreaders];
	reader->proc = velo_compat_proc_number();
	reader->database = MyDatabaseId;
	reader->n = n > MAX_WATCHED ? MAX_WATCHED + 1 : n;
	if (n <= MAX_WATCHED)
		memcpy(reader->storages, storages, sizeof(Oid) * n);
	writers->nreaders++;
	LWLockRelease(&writers->lock);
}

/* --- ends of transactions --------------------------------------------------- */

static void
end_writing(bool is_committed)
{
	WriterSlot *slot = &slots[velo_compat_proc_number()];
	int n = nwriting;

	nwriting = 0;
	last_storage = InvalidOid;
	pg_atomic_write_u32(&slot->n, 0);
	if (is_committed)
		wake(slot->announced, n);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (writers == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			keep_prepared();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			if (nwriting > 0)
				end_writing(event == XACT_EVENT_COMMIT);
			break;
		default:
			break;
	}
}

static void
writers_start(bool preloaded)
{
	/* In every process from the start, so that no PREPARE is missed. */
	if (preloaded)
		RegisterXactCallback(at_transaction_end, NULL);
}

static const VeloStart writers_begin = {
	.name = "writers",
	.start = writers_start,
};
VELO_START(writers_begin);
