/*
 * update.c
 *	  Direct update of rows found by their key.
 *
 * INSERT … ON CONFLICT must be right for rows that appear while it looks: it looks
 * with a dirty snapshot, locks the row it finds, which writes WAL of its own, and
 * then updates it.  A table that a job keeps up to date has nearly all of its keys
 * already, and nobody else writes it.  So first do what a plain UPDATE does: look
 * with an ordinary snapshot and update what is found.  Whatever is not as simple
 * as that (no such key, somebody else's change in between) is left to the
 * statement, which decides.
 *
 * The key columns keep the value they have, as with DO UPDATE: keys that are equal
 * need not look the same.
 */
#include "postgres.h"

#include "sink/update.h"

#include <access/genam.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/pg_am.h>
#include <catalog/pg_class.h>
#include <executor/executor.h>
#include <miscadmin.h>
#include <parser/parse_coerce.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>

#include "base/compat.h"
#include "sink/target.h"

struct VeloUpdate
{
	const VeloSinkSpec *spec;
	Oid index;
	int nkeys;
	int columns[INDEX_MAX_KEYS]; /* of the result, 0-based, in index order */
	RegProcedure equal[INDEX_MAX_KEYS];
	bool has_null_keys; /* the index finds NULLs equal */
	bool is_searchable; /* with values of the result's types */
};

/* One call of velo_sink_update_rows. */
typedef struct Updating
{
	VeloUpdate *update;
	Relation table;
	EState *estate;
	ResultRelInfo *result;
	Snapshot snapshot;
	IndexScanDesc scan;
	ScanKeyData keys[INDEX_MAX_KEYS];
	TupleTableSlot *old;
	TupleTableSlot *new;
	int *targets; /* for each column of the result: the table's, -1 for keys */
} Updating;

VeloUpdate *
velo_sink_update_create(const VeloSinkSpec *spec, Relation index, const int *order)
{
	VeloUpdate *update = palloc0(sizeof(VeloUpdate));

	update->spec = spec;
	update->index = RelationGetRelid(index);
	update->nkeys = spec->nkeys;
	update->has_null_keys = index->rd_index->indnullsnotdistinct;
	update->is_searchable = index->rd_rel->relam == BTREE_AM_OID;
	for (int i = 0; i < spec->nkeys && update->is_searchable; i++)
	{
		Oid type = index->rd_opcintype[i];
		Oid equal = get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);
		int column = spec->keys[order[i]] - 1;

		update->columns[i] = column;
		update->equal[i] = get_opcode(equal);
		if (!IsBinaryCoercible(TupleDescAttr(spec->desc, column)->atttypid, type))
			update->is_searchable = false;
	}
	return update;
}

bool
velo_sink_update_is_possible(VeloUpdate *update)
{
	const VeloSinkSpec *spec = update->spec;
	Relation table;
	bool is_possible;

	if (!update->is_searchable || get_rel_relkind(update->index) != RELKIND_INDEX)
		return false;
	table = table_open(spec->relation, RowExclusiveLock);
	is_possible = table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relispartition &&
				  table->trigdesc == NULL && velo_sink_target_is_plain(table, spec->desc) &&
				  velo_sink_target_may_upsert(spec->relation, spec->desc, spec->keys, spec->nkeys);
	table_close(table, NoLock);
	return is_possible;
}

static void
prepare_columns(Updating *updating)
{
	const VeloSinkSpec *spec = updating->update->spec;

	updating->targets = palloc(sizeof(int) * spec->desc->natts);
	for (int i = 0; i < spec->desc->natts; i++)
		updating
			->targets[i] = velo_sink_target_column(RelationGetDescr(updating->table),
												   NameStr(TupleDescAttr(spec->desc, i)->attname));
	for (int i = 0; i < spec->nkeys; i++)
		updating->targets[spec->keys[i] - 1] = -1;
}

static void
prepare_keys(Updating *updating, Relation index)
{
	VeloUpdate *update = updating->update;

	for (int i = 0; i < update->nkeys; i++)
		ScanKeyEntryInitialize(&updating->keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[i], update->equal[i], (Datum) 0);
}

/* Finds the row of that key; false: there is none, or it is not ours to say. */
static bool
find_row(Updating *updating, const Datum *values, const bool *nulls)
{
	VeloUpdate *update = updating->update;

	for (int i = 0; i < update->nkeys; i++)
	{
		ScanKey key = &updating->keys[i];
		int column = update->columns[i];

		if (nulls[column] && !update->has_null_keys)
			return false;
		key->sk_flags = nulls[column] ? SK_ISNULL | SK_SEARCHNULL : 0;
		key->sk_argument = values[column];
	}
	index_rescan(updating->scan, updating->keys, update->nkeys, NULL, 0);
	return index_getnext_slot(updating->scan, ForwardScanDirection, updating->old);
}

static void
make_new_row(Updating *updating, const Datum *values, const bool *nulls)
{
	TupleTableSlot *old = updating->old;
	TupleTableSlot *new = updating->new;
	int natts = RelationGetDescr(updating->table)->natts;

	slot_getallattrs(old);
	ExecClearTuple(new);
	memcpy(new->tts_values, old->tts_values, sizeof(Datum) * natts);
	memcpy(new->tts_isnull, old->tts_isnull, sizeof(bool) * natts);
	for (int i = 0; i < updating->update->spec->desc->natts; i++)
	{
		int column = updating->targets[i];

		if (column < 0)
			continue;
		new->tts_values[column] = values[i];
		new->tts_isnull[column] = nulls[i];
	}
	ExecStoreVirtualTuple(new);
}

static bool
update_row(Updating *updating, const Datum *values, const bool *nulls)
{
	ItemPointerData tid;

	if (!find_row(updating, values, nulls))
		return false;
	make_new_row(updating, values, nulls);
	if (updating->table->rd_att->constr)
		ExecConstraints(updating->result, updating->new, updating->estate);
	tid = updating->old->tts_tid;
	return velo_compat_update_tuple(updating->result, &tid, updating->new, updating->estate,
									updating->snapshot);
}

static void
begin(Updating *updating, Relation index)
{
	/* Rows of earlier calls are found, and committed ones of others. */
	CommandCounterIncrement();
	updating->snapshot = GetTransactionSnapshot();
	PushActiveSnapshot(updating->snapshot);
	updating->snapshot = GetActiveSnapshot();

	updating->estate = velo_sink_target_begin(updating->table, CMD_UPDATE, &updating->result);
	velo_compat_check_result(updating->result, CMD_INSERT);
	updating->old = table_slot_create(updating->table, NULL);
	updating->new = MakeSingleTupleTableSlot(RelationGetDescr(updating->table), &TTSOpsVirtual);
	prepare_columns(updating);
	prepare_keys(updating, index);
	updating->scan = index_beginscan(updating->table, index, updating->snapshot,
									 updating->update->nkeys, 0);
}

static void
end(Updating *updating)
{
	index_endscan(updating->scan);
	ExecDropSingleTupleTableSlot(updating->new);
	ExecDropSingleTupleTableSlot(updating->old);
	PopActiveSnapshot();
	velo_sink_target_end(updating->estate);
}

int
velo_sink_update_rows(VeloUpdate *update, const VeloChunk *chunk, int *rows, int nrows)
{
	Updating updating = {.update = update};
	Relation index;
	int left = 0;

	updating.table = table_open(update->spec->relation, RowExclusiveLock);
	index = index_open(update->index, RowExclusiveLock);
	begin(&updating, index);
	for (int i = 0; i < nrows; i++)
	{
		if ((i & 63) == 0)
			CHECK_FOR_INTERRUPTS();
		if (!update_row(&updating, velo_row_values(chunk, rows[i]), velo_row_nulls(chunk, rows[i])))
			rows[left++] = rows[i];
	}
	end(&updating);
	index_close(index, NoLock);
	table_close(updating.table, NoLock);
	return left;
}
