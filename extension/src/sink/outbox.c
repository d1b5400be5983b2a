/*
 * outbox.c
 *	  The outbox: rows of packed output, and the row that counts them.
 *
 * What is in the table is read only after a crash: the worker sends from memory, right
 * after the commit.  So it is never deleted from, which would write as much again; when it
 * has grown and all of it has arrived, it is truncated in a later batch's transaction.
 *
 * Output of one batch is one string of bytes, cut where a row is full, so that a large
 * message needs no TOAST table.
 */
#include "postgres.h"

#include "sink/outbox.h"

#include <access/heapam.h>
#include <access/htup_details.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <access/xlog.h>
#include <common/pg_prng.h>
#include <miscadmin.h>
#include <storage/bufmgr.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>

#include "base/compat.h"
#include "base/testpoint.h"
#include "meta/meta.h"
#include "state/page.h"
#include "state/table.h"

/* Sent output is removed when there is so much of it. */
#define SENT_BYTES_MAX (16 * 1024 * 1024)

/* Columns of the table. */
#define OUTBOX_SEQUENCE 1
#define OUTBOX_PART 2
#define OUTBOX_DATA 3
#define OUTBOX_COLUMNS 3

static char *
table_name(int job_id, int task)
{
	return psprintf("outbox_%d_%d", job_id, task);
}

static char *
number(int64 value)
{
	return psprintf("%lld", (long long) value);
}

/* --- opening ----------------------------------------------------------------------- */

/* What this task is called elsewhere; two databases must never have the same name. */
static char *
writer_name(int job_id, int task)
{
	return psprintf("velo-" UINT64_FORMAT "-%u-%d-%d", GetSystemIdentifier(), MyDatabaseId, job_id,
					task);
}

/*
 * Is it a name of this database?  The system identifier changes in pg_upgrade, and the
 * name has to stay: what was sent before is known under it.
 */
static bool
is_name_of_database(const char *name)
{
	unsigned int database;
	unsigned long long system;

	return sscanf(name, "velo-%llu-%u-", &system, &database) == 2 && database == MyDatabaseId;
}

static bool
load(VeloOutbox *outbox)
{
	const char *args[2] = {number(outbox->job_id), number(outbox->task)};

	if (velo_meta_run("SELECT writer, identity, generation, sequence, sent, control_offset "
					  "FROM velo.outbox WHERE job_id = $1::int AND task = $2::int",
					  2, args) == 0)
		return false;
	outbox->writer = velo_meta_value(0, 1);
	outbox->identity = velo_meta_value(0, 2);
	outbox->generation = strtoll(velo_meta_value(0, 3), NULL, 10);
	outbox->sequence = strtoll(velo_meta_value(0, 4), NULL, 10);
	outbox->sent = strtoll(velo_meta_value(0, 5), NULL, 10);
	outbox->control_offset = strtoll(velo_meta_value(0, 6), NULL, 10);
	return true;
}

static void
start_over(VeloOutbox *outbox, int64 generation)
{
	bool is_known = outbox->writer && is_name_of_database(outbox->writer);
	const char *args[6];

	if (!is_known)
	{
		outbox->writer = writer_name(outbox->job_id, outbox->task);
		outbox->identity = psprintf("%016llx",
									(unsigned long long) pg_prng_uint64(&pg_global_prng_state));
		outbox->control_offset = -1;
	}
	outbox->generation = generation;
	outbox->sequence = outbox->sent = 0;
	args[0] = number(outbox->job_id);
	args[1] = number(outbox->task);
	args[2] = outbox->writer;
	args[3] = outbox->identity;
	args[4] = number(generation);
	args[5] = number(outbox->control_offset);
	velo_meta_run("INSERT INTO velo.outbox (job_id, task, writer, identity, generation, sequence, "
				  "sent, control_offset) VALUES ($1::int, $2::int, $3, $4, $5::bigint, 0, 0, "
				  "$6::bigint) ON CONFLICT (job_id, task) DO UPDATE SET writer = excluded.writer, "
				  "identity = excluded.identity, generation = excluded.generation, sequence = 0, "
				  "sent = 0, control_offset = excluded.control_offset",
				  6, args);
	if (OidIsValid(outbox->table))
		(void) velo_state_truncate(outbox->table, true);
	else
		outbox->table = velo_state_table_create(table_name(outbox->job_id, outbox->task),
												"sequence bigint NOT NULL, part integer NOT NULL",
												"autovacuum_enabled = off");
	CommandCounterIncrement();
}

VeloOutbox *
velo_sink_outbox_open(int job_id, int task, int64 generation)
{
	VeloOutbox *outbox = palloc0(sizeof(VeloOutbox));
	VeloMetaScope scope;
	Relation table;

	outbox->job_id = job_id;
	outbox->task = task;
	velo_meta_begin(&scope);
	outbox->table = velo_state_table_find(table_name(job_id, task));
	if (!load(outbox) || !OidIsValid(outbox->table) || outbox->generation < generation ||
		!is_name_of_database(outbox->writer))
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(outbox));

		start_over(outbox, generation);
		MemoryContextSwitchTo(old);
	}
	velo_meta_end(&scope);
	table = table_open(outbox->table, AccessShareLock);
	outbox->bytes = (Size) RelationGetNumberOfBlocks(table) * BLCKSZ;
	table_close(table, NoLock);
	return outbox;
}

/* --- writing ------------------------------------------------------------------------ */

typedef struct RowWriter
{
	VeloOutbox *outbox;
	Relation table;
	BulkInsertState state;
	bytea *data;
	int used;
	int part;
} RowWriter;

static void
write_row(RowWriter *writer)
{
	Datum values[OUTBOX_COLUMNS];
	bool nulls[OUTBOX_COLUMNS] = {false};
	HeapTuple tuple;

	if (writer->used == 0)
		return;
	SET_VARSIZE(writer->data, VARHDRSZ + writer->used);
	values[OUTBOX_SEQUENCE - 1] = Int64GetDatum(writer->outbox->sequence);
	values[OUTBOX_PART - 1] = Int32GetDatum(writer->part++);
	values[OUTBOX_DATA - 1] = PointerGetDatum(writer->data);
	tuple = heap_form_tuple(RelationGetDescr(writer->table), values, nulls);
	heap_insert(writer->table, tuple, GetCurrentCommandId(true), 0, writer->state);
	heap_freetuple(tuple);
	writer->outbox->bytes += BLCKSZ;
	writer->used = 0;
}

static void
write_bytes(RowWriter *writer, const char *bytes, int length)
{
	while (length > 0)
	{
		int piece = Min(length, VELO_PAGE_BYTES - writer->used);

		memcpy(VARDATA(writer->data) + writer->used, bytes, piece);
		writer->used += piece;
		bytes += piece;
		length -= piece;
		if (writer->used == VELO_PAGE_BYTES)
			write_row(writer);
	}
}

/*
 * What is sent after the commit must not be lost by PostgreSQL in a crash.  A setting that
 * waits for more than the own disk is left alone.
 */
static void
wait_for_disk(void)
{
	if (synchronous_commit < SYNCHRONOUS_COMMIT_ON)
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}

static void
write_progress(VeloOutbox *outbox)
{
	VeloMetaScope scope;
	const char *args[5] = {number(outbox->job_id), number(outbox->task), number(outbox->sequence),
						   number(outbox->sent), number(outbox->control_offset)};

	velo_meta_begin(&scope);
	if (velo_meta_run("UPDATE velo.outbox SET sequence = $3::bigint, sent = $4::bigint, "
					  "control_offset = $5::bigint "
					  "WHERE job_id = $1::int AND task = $2::int AND sequence = $3::bigint - 1",
					  5, args) != 1)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("outbox of the job has been changed by somebody else"),
						errdetail("Job %d, task %d, sequence %lld.", outbox->job_id, outbox->task,
								  (long long) outbox->sequence)));
	velo_meta_end(&scope);
}

void
velo_sink_outbox_append(VeloOutbox *outbox, List *pages)
{
	RowWriter writer = {.outbox = outbox};
	ListCell *cell;

	if (outbox->bytes > SENT_BYTES_MAX && outbox->sent == outbox->sequence &&
		velo_state_truncate(outbox->table, false))
	{
		VELO_TESTPOINT("outbox_truncated");
		outbox->bytes = 0;
	}
	outbox->sequence++;
	writer.table = table_open(outbox->table, RowExclusiveLock);
	writer.state = GetBulkInsertState();
	writer.data = palloc(VARHDRSZ + VELO_PAGE_BYTES);
	foreach(cell, pages)
	{
		StringInfo page = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		write_bytes(&writer, page->data, page->len);
	}
	write_row(&writer);
	pfree(writer.data);
	FreeBulkInsertState(writer.state);
	table_close(writer.table, NoLock);
	write_progress(outbox);
	wait_for_disk();
	VELO_TESTPOINT("outbox_written");
}

/* --- reading -------------------------------------------------------------------------- */

typedef struct Part
{
	int number;
	const bytea *data;
} Part;

static int
compare_parts(const ListCell *a, const ListCell *b)
{
	return ((Part *) lfirst(a))->number - ((Part *) lfirst(b))->number;
}

static List *
find_parts(VeloOutbox *outbox, int64 sequence)
{
	Relation table = table_open(outbox->table, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TableScanDesc scan = table_beginscan(table, GetActiveSnapshot(), 0, NULL);
	List *parts = NIL;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool is_null;
		Part *part;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetInt64(slot_getattr(slot, OUTBOX_SEQUENCE, &is_null)) != sequence)
			continue;
		part = palloc(sizeof(Part));
		part->number = DatumGetInt32(slot_getattr(slot, OUTBOX_PART, &is_null));
		part->data = DatumGetByteaPCopy(slot_getattr(slot, OUTBOX_DATA, &is_null));
		parts = lappend(parts, part);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(table, AccessShareLock);
	list_sort(parts, compare_parts);
	return parts;
}

/*
 * All but the last row of a sequence are full; the last one may be full as well, so that a
 * missing end is seen only by the message that it cuts.  (Rows of one transaction do not
 * go missing one by one.)
 */
StringInfo
velo_sink_outbox_read(VeloOutbox *outbox, int64 sequence)
{
	List *parts = find_parts(outbox, sequence);
	StringInfo bytes = makeStringInfo();
	ListCell *cell;
	int number = 0;

	foreach(cell, parts)
	{
		Part *part = lfirst(cell);

		if (part->number != number++)
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("outbox of the job is damaged"),
							errdetail("Part %d of sequence %lld is missing in table "
									  "velo_state.%s.",
									  number - 1, (long long) sequence,
									  table_name(outbox->job_id, outbox->task))));
		appendBinaryStringInfo(bytes, VARDATA_ANY(part->data), VARSIZE_ANY_EXHDR(part->data));
	}
	if (parts == NIL)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("output of the job is missing in its outbox"),
						errdetail("Kafka does not have sequence %lld, and neither has table "
								  "velo_state.%s.",
								  (long long) sequence, table_name(outbox->job_id, outbox->task)),
						errhint("Start the job over with RESET JOB.")));
	return bytes;
}

/* --- the end ---------------------------------------------------------------------------- */

void
velo_sink_outbox_drop(int job_id, int task)
{
	const char *args[2] = {number(job_id), number(task)};

	velo_meta_run("DELETE FROM velo.outbox WHERE job_id = $1::int AND task = $2::int", 2, args);
	velo_state_table_drop(table_name(job_id, task));
	CommandCounterIncrement();
}
