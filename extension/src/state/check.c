/*
 * check.c
 *	  The store against a model in memory; test builds only.
 *
 * velo_state_check(seed, steps, is_locked) is a procedure: it makes tables for a job
 * of its own (unless is_locked: then they exist, are empty, and another session
 * keeps them from being truncated), does random operations in transactions that
 * commit or abort, opens the store anew now and then, and compares what recovery
 * gives with what was committed.  It behaves towards the store as an operator does: it writes cells
 * that are in memory, sets cells aside, reads them back, and takes part in the
 * rolling snapshot.
 *
 * A value is made from its number and length, so a model is plain memory and can
 * be copied at every commit.
 */
#include "postgres.h"

#ifdef VELO_TESTPOINTS

#include "state/store.h"

#include <common/pg_prng.h>
#include <executor/spi.h>
#include <lib/stringinfo.h>
#include <miscadmin.h>
#include <portability/instr_time.h>
#include <utils/builtins.h>
#include <utils/memutils.h>
#include <utils/portal.h>

#include "base/function.h"

#define CHECK_JOB 999999
#define LAYOUT "check"
#define CELLS 24
#define KEYS 40
#define VALUE_BYTES_MAX 20000
#define LOG_BYTES_FLOOR (4 * 1024 * 1024)

typedef struct Value
{
	uint32 number; /* 0: no value */
	uint32 length;
} Value;

typedef struct ModelCell
{
	bool is_resident;
	uint64 generation; /* snapshot that has written it */
	Value values[KEYS];
} ModelCell;

typedef struct Model
{
	ModelCell cells[CELLS];
	uint32 fact;
} Model;

typedef struct Check
{
	MemoryContext context;
	bool is_locked;
	pg_prng_state random;
	VeloStore *store;
	Model now;
	Model committed;
	Model recovered;
	bool is_loaded[CELLS]; /* while recovering */
	uint64 generation;
	int next_cell; /* of the snapshot's round */
	uint32 next_number;
	Size live_bytes_max;
	Size log_bytes_max;
	int snapshots;
	int recoveries;
} Check;

/* Cells are numbered far apart, below and above zero. */
static uint64
cell_number(int cell)
{
	return (uint64) ((int64) (cell - CELLS / 2) * INT64CONST(0x100000001));
}

static int
cell_index(uint64 number)
{
	return (int) ((int64) number / INT64CONST(0x100000001)) + CELLS / 2;
}

static int
random_below(Check *check, int limit)
{
	return (int) pg_prng_uint64_range(&check->random, 0, limit - 1);
}

/* --- records -------------------------------------------------------------- */

static void
make_record(StringInfo record, uint32 key, const Value *value)
{
	pg_prng_state bytes;

	resetStringInfo(record);
	appendBinaryStringInfo(record, (char *) &key, sizeof(key));
	appendBinaryStringInfo(record, (char *) value, sizeof(Value));
	pg_prng_seed(&bytes, value->number);
	for (int i = 0; i < value->length; i++)
		appendStringInfoChar(record, (char) pg_prng_uint32(&bytes));
}

static void
read_record(const char *data, Size length, uint32 *key, Value *value)
{
	StringInfoData expected;

	Assert(data == (const char *) MAXALIGN(data));
	memcpy(key, data, sizeof(*key));
	memcpy(value, data + sizeof(*key), sizeof(Value));
	initStringInfo(&expected);
	make_record(&expected, *key, value);
	if (expected.len != length || memcmp(expected.data, data, length) != 0)
		elog(ERROR, "value %u of key %u came back changed", value->number, *key);
	pfree(expected.data);
}

static void
append_value(Check *check, int cell, int key)
{
	StringInfoData record;

	initStringInfo(&record);
	make_record(&record, key, &check->now.cells[cell].values[key]);
	velo_state_append(check->store, VELO_RECORD_PUT, cell_number(cell), record.data, record.len);
	pfree(record.data);
}

static Size
cell_bytes(const ModelCell *cell)
{
	Size bytes = 0;

	for (int key = 0; key < KEYS; key++)
		if (cell->values[key].number)
			bytes += cell->values[key].length + 12;
	return bytes;
}

/* --- operations ----------------------------------------------------------- */

static Value
new_value(Check *check)
{
	Value value = {check->next_number++};

	value.length = random_below(check, random_below(check, 10) ? 300 : VALUE_BYTES_MAX);
	return value;
}

typedef struct Loading
{
	Check *check;
	ModelCell *cell;
} Loading;

static void
load_record(void *arg, VeloRecordKind kind, uint64 cell, const char *data, Size length)
{
	Loading *loading = arg;
	uint32 key;
	Value value;

	read_record(data, length, &key, &value);
	loading->cell->values[key] = value;
}

static void
load_cell(Check *check, int cell)
{
	ModelCell loaded = {0};
	Loading loading = {check, &loaded};

	if (check->now.cells[cell].is_resident)
		return;
	if (velo_state_cell_exists(check->store, cell_number(cell)))
		velo_state_cell_load(check->store, cell_number(cell), load_record, &loading);
	if (memcmp(loaded.values, check->now.cells[cell].values, sizeof(loaded.values)) != 0)
		elog(ERROR, "cell %d was read back changed", cell);
	check->now.cells[cell].is_resident = true;
	check->now.cells[cell].generation = 0;
}

static void
set_aside(Check *check, int cell)
{
	ModelCell *model = &check->now.cells[cell];
	StringInfoData record;

	if (!model->is_resident)
		return;
	/* Changes that the log has not seen: what it says of these keys is void. */
	for (int i = random_below(check, 4); i > 0; i--)
		model->values[random_below(check, KEYS)] = new_value(check);
	initStringInfo(&record);
	velo_state_cell_begin(check->store, cell_number(cell));
	for (int key = 0; key < KEYS; key++)
	{
		if (model->values[key].number == 0)
			continue;
		make_record(&record, key, &model->values[key]);
		velo_state_cell_record(check->store, record.data, record.len);
	}
	velo_state_cell_end(check->store);
	pfree(record.data);
	model->is_resident = false;
}

static void
drop_cell(Check *check, int cell)
{
	velo_state_cell_drop(check->store, cell_number(cell));
	if (velo_state_cell_exists(check->store, cell_number(cell)))
		elog(ERROR, "cell %d exists after it was dropped", cell);
	memset(check->now.cells[cell].values, 0, sizeof(check->now.cells[cell].values));
	check->now.cells[cell].is_resident = true;
}

static void
put_value(Check *check, int cell, int key)
{
	load_cell(check, cell);
	check->now.cells[cell].values[key] = new_value(check);
	append_value(check, cell, key);
}

static void
delete_value(Check *check, int cell, uint32 key)
{
	load_cell(check, cell);
	check->now.cells[cell].values[key].number = 0;
	check->now.cells[cell].values[key].length = 0;
	velo_state_append(check->store, VELO_RECORD_DELETE, cell_number(cell), (char *) &key,
					  sizeof(key));
}

static void
do_something(Check *check)
{
	int cell = random_below(check, CELLS);
	int key = random_below(check, KEYS);

	switch (random_below(check, 40))
	{
		case 0:
			drop_cell(check, cell);
			break;
		case 1:
		case 2:
			set_aside(check, cell);
			break;
		case 3:
			load_cell(check, cell);
			break;
		case 4:
		case 5:
		case 6:
			delete_value(check, cell, key);
			break;
		case 7:
			/* Seldom: it must survive rotations without being written again. */
			if (random_below(check, 100))
				break;
			check->now.fact = check->next_number++;
			velo_state_append(check->store, VELO_RECORD_OPERATOR, 7, (char *) &check->now.fact,
							  sizeof(uint32));
			break;
		default:
			put_value(check, cell, key);
	}
}

/* --- snapshot ------------------------------------------------------------- */

static Size
live_bytes(Check *check)
{
	Size bytes = 0;

	for (int cell = 0; cell < CELLS; cell++)
		if (check->now.cells[cell].is_resident)
			bytes += cell_bytes(&check->now.cells[cell]);
	return bytes;
}

static bool
write_next_cell(Check *check, Size *written)
{
	for (int tries = 0; tries < CELLS; tries++)
	{
		int cell = check->next_cell++ % CELLS;
		ModelCell *model = &check->now.cells[cell];

		if (!model->is_resident || model->generation == check->generation)
			continue;
		velo_state_cell_drop(check->store, cell_number(cell));
		for (int key = 0; key < KEYS; key++)
			if (model->values[key].number)
				append_value(check, cell, key);
		model->generation = check->generation;
		*written += cell_bytes(model) + 1;
		return true;
	}
	return false;
}

static void
snapshot(Check *check)
{
	Size wanted = velo_state_wants_snapshot(check->store, live_bytes(check));
	Size written = 0;

	while (written < wanted)
	{
		if (write_next_cell(check, &written))
			continue;
		velo_state_snapshot_done(check->store);
		check->generation++;
		check->snapshots++;
		break;
	}
}

/* --- recovery ------------------------------------------------------------- */

static void
ensure_loaded(Check *check, int cell)
{
	Loading loading = {check, &check->recovered.cells[cell]};

	if (check->is_loaded[cell])
		return;
	check->is_loaded[cell] = true;
	if (velo_state_cell_exists(check->store, cell_number(cell)))
		velo_state_cell_load(check->store, cell_number(cell), load_record, &loading);
}

static void
recover_record(void *arg, VeloRecordKind kind, uint64 number, const char *data, Size length)
{
	Check *check = arg;
	int cell = cell_index(number);
	uint32 key;
	Value value;

	switch (kind)
	{
		case VELO_RECORD_PUT:
			ensure_loaded(check, cell);
			read_record(data, length, &key, &value);
			check->recovered.cells[cell].values[key] = value;
			break;
		case VELO_RECORD_DELETE:
			ensure_loaded(check, cell);
			memcpy(&key, data, sizeof(key));
			check->recovered.cells[cell].values[key].number = 0;
			check->recovered.cells[cell].values[key].length = 0;
			break;
		case VELO_RECORD_DROP_CELL:
			ensure_loaded(check, cell);
			memset(check->recovered.cells[cell].values, 0,
				   sizeof(check->recovered.cells[cell].values));
			break;
		case VELO_RECORD_OPERATOR:
			memcpy(&check->recovered.fact, data, sizeof(uint32));
			break;
	}
}

static void
reopen(Check *check)
{
	uint64 *cells;
	int ncells;
	MemoryContext old = MemoryContextSwitchTo(check->context);

	velo_state_close(check->store);
	check->store = velo_state_open(CHECK_JOB, 0, LAYOUT);
	MemoryContextSwitchTo(old);
	memset(&check->recovered, 0, sizeof(Model));
	memset(check->is_loaded, 0, sizeof(check->is_loaded));
	velo_state_recover(check->store, recover_record, check);
	ncells = velo_state_cells(check->store, &cells);
	for (int i = 0; i < ncells; i++)
		ensure_loaded(check, cell_index(cells[i]));
	check->recoveries++;

	if (check->recovered.fact != check->committed.fact)
		elog(ERROR, "fact %u came back as %u", check->committed.fact, check->recovered.fact);
	for (int cell = 0; cell < CELLS; cell++)
		for (int key = 0; key < KEYS; key++)
			if (memcmp(&check->recovered.cells[cell].values[key],
					   &check->committed.cells[cell].values[key], sizeof(Value)) != 0)
				elog(ERROR, "cell %d key %d: committed value %u, recovered value %u", cell, key,
					 check->committed.cells[cell].values[key].number,
					 check->recovered.cells[cell].values[key].number);

	/* All that was recovered is in memory now, and a new rotation begins. */
	check->now = check->committed;
	for (int cell = 0; cell < CELLS; cell++)
	{
		check->now.cells[cell].is_resident = true;
		check->now.cells[cell].generation = 0;
	}
	check->generation++;
}

static void
check_log_bytes(Check *check)
{
	Size bytes = velo_state_log_bytes(check->store);
	Size limit;

	/*
	 * The rule says three times the live bytes and a floor.  A new process begins
	 * its rotation anew, here often; a transaction may write a megabyte.
	 */
	check->live_bytes_max = Max(check->live_bytes_max, live_bytes(check));
	limit = 8 * check->live_bytes_max + LOG_BYTES_FLOOR + 1024 * 1024;
	check->log_bytes_max = Max(check->log_bytes_max, bytes);
	if (bytes > limit && !check->is_locked)
		elog(ERROR, "log has %zu bytes, expected at most %zu", bytes, limit);
}

static void
transaction(Check *check)
{
	int operations = 1 + random_below(check, 30);

	for (int i = 0; i < operations; i++)
		do_something(check);
	snapshot(check);
	velo_state_flush(check->store);
	if (random_below(check, 40) == 0)
	{
		SPI_rollback();
		reopen(check);
		return;
	}
	SPI_commit();
	check->committed = check->now;
	check_log_bytes(check);
	if (random_below(check, 100) == 0)
		reopen(check);
}

VELO_FUNCTION(velo_state_check)
{
	MemoryContext context = AllocSetContextCreate(PortalContext, "velo state check",
												  ALLOCSET_DEFAULT_SIZES);
	Check *check = MemoryContextAllocZero(context, sizeof(Check));
	MemoryContext old;

	check->context = context;
	check->next_number = 1;
	check->generation = 1;
	pg_prng_seed(&check->random, PG_GETARG_INT64(0));
	for (int cell = 0; cell < CELLS; cell++)
		check->now.cells[cell].is_resident = true;
	check->committed = check->now;

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	check->is_locked = PG_GETARG_BOOL(2);
	if (!check->is_locked)
	{
		velo_state_drop(CHECK_JOB, 0);
		velo_state_create(CHECK_JOB, 0);
	}
	SPI_commit();
	old = MemoryContextSwitchTo(context);
	check->store = velo_state_open(CHECK_JOB, 0, LAYOUT);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < PG_GETARG_INT32(1); i++)
	{
		CHECK_FOR_INTERRUPTS();
		transaction(check);
	}
	reopen(check);
	if (check->snapshots < PG_GETARG_INT32(1) / 1000)
		elog(ERROR, "%d snapshots were taken", check->snapshots);
	elog(DEBUG1, "%d snapshots, %d recoveries, log up to %zu bytes for %zu live bytes",
		 check->snapshots, check->recoveries, check->log_bytes_max, check->live_bytes_max);
	velo_state_close(check->store);
	SPI_finish();
	PG_RETURN_VOID();
}

static void
count_record(void *arg, VeloRecordKind kind, uint64 cell, const char *data, Size length)
{
	(*(int64 *) arg)++;
}

/* velo_state_read(job, task, layout): how many records recovery finds. */
VELO_FUNCTION(velo_state_read)
{
	int64 count = 0;
	VeloStore *store = velo_state_open(PG_GETARG_INT32(0), PG_GETARG_INT32(1),
									   text_to_cstring(PG_GETARG_TEXT_PP(2)));

	velo_state_recover(store, count_record, &count);
	velo_state_close(store);
	PG_RETURN_INT64(count);
}

/* velo_state_write(job, task, layout, records, bytes): appends that many. */
VELO_FUNCTION(velo_state_write)
{
	VeloStore *store = velo_state_open(PG_GETARG_INT32(0), PG_GETARG_INT32(1),
									   text_to_cstring(PG_GETARG_TEXT_PP(2)));
	int bytes = PG_GETARG_INT32(4);
	char *data = palloc0(bytes);

	for (int i = 0; i < PG_GETARG_INT32(3); i++)
		velo_state_append(store, VELO_RECORD_PUT, i / 1000, data, bytes);
	velo_state_flush(store);
	velo_state_close(store);
	PG_RETURN_VOID();
}

/* velo_state_make(job, task), velo_state_remove, velo_state_empty */
VELO_FUNCTION(velo_state_make)
{
	velo_state_create(PG_GETARG_INT32(0), PG_GETARG_INT32(1));
	PG_RETURN_VOID();
}

VELO_FUNCTION(velo_state_remove)
{
	velo_state_drop(PG_GETARG_INT32(0), PG_GETARG_INT32(1));
	PG_RETURN_VOID();
}

VELO_FUNCTION(velo_state_empty)
{
	velo_state_discard(PG_GETARG_INT32(0), PG_GETARG_INT32(1));
	PG_RETURN_VOID();
}

#endif
