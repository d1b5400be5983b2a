/*
 * cells.c
 *	  Cells set aside: written whole, read back whole.
 *
 * A cell is a run of rows (pieces) with the number of the log's last record
 * before it was put; the log's records of that cell up to that number are void.
 * Records are packed into pieces as into the log's rows.
 *
 * Which cells have a put is known in memory (24 bytes a cell), because an
 * operator asks for every cell it opens, and because dropping a cell that was
 * never set aside, which is what happens to most, must not touch the table.
 */
#include "postgres.h"

#include "state/internal.h"

#include <access/genam.h>
#include <access/heapam.h>
#include <access/htup_details.h>
#include <access/table.h>
#include <access/xact.h>
#include <catalog/indexing.h>
#include <common/hashfn.h>
#include <miscadmin.h>
#include <utils/fmgroids.h>
#include <utils/snapmgr.h>

#include "base/testpoint.h"

#define SH_PREFIX cellput
#define SH_ELEMENT_TYPE CellPut
#define SH_KEY_TYPE uint64
#define SH_KEY cell
#define SH_HASH_KEY(table, key) murmurhash32((uint32) (key) ^ murmurhash32((uint32) ((key) >> 32)))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE extern
#define SH_DEFINE
#include <lib/simplehash.h>

/* Columns. */
#define CELL_CELL 1
#define CELL_PIECE 2
#define CELL_SEQ 3
#define CELL_DATA 4

/* An index scan over the cells table. */
typedef struct CellScan
{
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
} CellScan;

static void
scan_begin(CellScan *scan, VeloStore *store, LOCKMODE lock)
{
	List *indexes;

	scan->table = table_open(store->cells, lock);
	indexes = RelationGetIndexList(scan->table);
	if (indexes == NIL)
		elog(ERROR, "table \"%s\" has lost its index", RelationGetRelationName(scan->table));
	scan->index = index_open(linitial_oid(indexes), lock);
	list_free(indexes);
	scan->slot = table_slot_create(scan->table, NULL);
	scan->scan = index_beginscan(scan->table, scan->index, SnapshotSelf, 1, 0);
}

static void
scan_from(CellScan *scan, StrategyNumber strategy, RegProcedure compare, uint64 cell)
{
	ScanKeyData key;

	ScanKeyInit(&key, CELL_CELL, strategy, compare, Int64GetDatum((int64) cell));
	index_rescan(scan->scan, &key, 1, NULL, 0);
}

static bool
scan_next(CellScan *scan)
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot);
}

static Datum
scan_value(CellScan *scan, int column)
{
	bool is_null;

	return slot_getattr(scan->slot, column, &is_null);
}

static void
scan_end(CellScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	index_close(scan->index, NoLock);
	table_close(scan->table, NoLock);
}

static void
remember_put(VeloStore *store, uint64 cell, uint64 number)
{
	bool found;

	cellput_insert(store->puts, cell, &found)->number = number;
}

/*
 * Lists the cells by leaping from one to the next in the index: reading the table
 * in its own order would read everything that was ever set aside.
 */
void
velo_state_cells_attach(VeloStore *store)
{
	CellScan scan;

	store->puts = cellput_create(store->context, 64, NULL);
	store->last_put_number = 0;
	scan_begin(&scan, store, AccessShareLock);
	scan_from(&scan, BTGreaterEqualStrategyNumber, F_INT8GE, (uint64) PG_INT64_MIN);
	while (scan_next(&scan))
	{
		uint64 cell = (uint64) DatumGetInt64(scan_value(&scan, CELL_CELL));
		uint64 number = (uint64) DatumGetInt64(scan_value(&scan, CELL_SEQ));

		remember_put(store, cell, number);
		store->last_put_number = Max(store->last_put_number, number);
		scan_from(&scan, BTGreaterStrategyNumber, F_INT8GT, cell);
	}
	scan_end(&scan);
}

uint64
velo_state_cell_put_number(VeloStore *store, uint64 cell)
{
	CellPut *put = cellput_lookup(store->puts, cell);

	return put ? put->number : 0;
}

bool
velo_state_cell_exists(VeloStore *store, uint64 cell)
{
	velo_state_attach(store);
	return cellput_lookup(store->puts, cell) != NULL;
}

int
velo_state_cells(VeloStore *store, uint64 **cells)
{
	cellput_iterator iterator;
	CellPut *put;
	int count = 0;

	velo_state_attach(store);
	*cells = palloc(sizeof(uint64) * Max(1, store->puts->members));
	cellput_start_iterate(store->puts, &iterator);
	while ((put = cellput_iterate(store->puts, &iterator)) != NULL)
		(*cells)[count++] = put->cell;
	return count;
}

/* Deletes a cell's pieces; the map of puts is the caller's to change. */
static void
delete_pieces(VeloStore *store, uint64 cell)
{
	CellScan scan;

	if (cellput_lookup(store->puts, cell) == NULL)
		return;
	if (store->has_new_pieces)
	{
		/* A row cannot be deleted by the command that inserted it. */
		CommandCounterIncrement();
		store->has_new_pieces = false;
	}
	scan_begin(&scan, store, RowExclusiveLock);
	scan_from(&scan, BTEqualStrategyNumber, F_INT8EQ, cell);
	while (scan_next(&scan))
		simple_heap_delete(scan.table, &scan.slot->tts_tid);
	scan_end(&scan);
}

static void
write_piece(void *arg, uint64 first, bytea *data)
{
	VeloStore *store = arg;
	Relation table = table_open(store->cells, RowExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(table);
	Datum values[CELL_DATA] = {Int64GetDatum((int64) store->put_cell),
							   Int32GetDatum(store->put_pieces++),
							   Int64GetDatum((int64) store->put_number), PointerGetDatum(data)};
	bool nulls[CELL_DATA] = {0};
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(table), values, nulls);

	CatalogTupleInsertWithInfo(table, tuple, indexes);
	heap_freetuple(tuple);
	CatalogCloseIndexes(indexes);
	table_close(table, NoLock);
	store->has_new_pieces = true;
}

void
velo_state_cell_begin(VeloStore *store, uint64 cell)
{
	MemoryContext old;

	velo_state_ready(store);
	Assert(!store->is_putting);
	delete_pieces(store, cell);
	store->is_putting = true;
	store->put_cell = cell;
	store->put_number = store->log.next - 1;
	store->put_pieces = 0;
	old = MemoryContextSwitchTo(store->context);
	velo_state_page_begin(&store->put, store->layout, 0, write_piece, store);
	MemoryContextSwitchTo(old);
}

void
velo_state_cell_record(VeloStore *store, const char *data, Size length)
{
	Assert(store->is_putting);
	velo_state_page_add(&store->put, VELO_RECORD_PUT, store->put_cell, data, length);
}

void
velo_state_cell_end(VeloStore *store)
{
	Assert(store->is_putting);
	velo_state_page_finish(&store->put);
	/* A cell without records is a put, too: it voids what the log has of it. */
	if (store->put_pieces == 0)
		velo_state_page_write(&store->put);
	store->is_putting = false;
	remember_put(store, store->put_cell, store->put_number);
	VELO_TESTPOINT("state_spill_written");
}

typedef struct CellLoad
{
	VeloRecordCallback on_record;
	void *arg;
} CellLoad;

static void
load_record(void *arg, VeloRecordKind kind, uint64 cell, uint64 number, const char *data,
			Size length)
{
	CellLoad *load = arg;

	load->on_record(load->arg, kind, cell, data, length);
}

void
velo_state_cell_load(VeloStore *store, uint64 cell, VeloRecordCallback on_record, void *arg)
{
	CellLoad load = {on_record, arg};
	CellScan scan;
	VeloPageReader reader;

	velo_state_attach(store);
	scan_begin(&scan, store, AccessShareLock);
	velo_state_page_open(&reader, RelationGetRelationName(scan.table), store->layout, load_record,
						 &load);
	scan_from(&scan, BTEqualStrategyNumber, F_INT8EQ, cell);
	while (scan_next(&scan))
		velo_state_page_read(&reader, (bytea *) DatumGetPointer(scan_value(&scan, CELL_DATA)));
	velo_state_page_close(&reader);
	scan_end(&scan);
	VELO_TESTPOINT("state_spill_read");
}

void
velo_state_cell_drop(VeloStore *store, uint64 cell)
{
	velo_state_ready(store);
	delete_pieces(store, cell);
	cellput_delete(store->puts, cell);
	velo_state_append(store, VELO_RECORD_DROP_CELL, cell, NULL, 0);
}
