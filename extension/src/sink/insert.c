/*
 * insert.c
 *	  Direct insertion.
 *
 * INSERT … SELECT costs about twice what COPY's inner loop does: each row is
 * stored, read back and inserted alone.  This is that loop: rows are pointed at,
 * not copied, and go to the table in groups, which share a page lock and a WAL
 * record.
 */
#include "postgres.h"

#include "sink/insert.h"

#include <access/table.h>
#include <access/tableam.h>
#include <commands/trigger.h>
#include <executor/execPartition.h>
#include <executor/executor.h>
#include <optimizer/optimizer.h>
#include <rewrite/rewriteHandler.h>
#include <utils/rel.h>

#include "base/compat.h"
#include "sink/target.h"

/* Rows that go to the table together. */
#define GROUP_ROWS 128

struct VeloInsert
{
	Oid relation;
	TupleDesc desc;
};

/* A column that the rows do not have. */
typedef struct DefaultColumn
{
	int column; /* 0-based in the table */
	ExprState *expr;
	bool is_volatile; /* evaluate for each row */
	Datum value;	  /* else once */
	bool is_null;
} DefaultColumn;

/* One call of velo_sink_insert_rows. */
typedef struct Insertion
{
	EState *estate;
	ModifyTableState *mtstate;
	ResultRelInfo *root;
	PartitionTupleRouting *routing; /* NULL: not partitioned */
	int natts;						/* of the root */
	int *columns;					/* for each column of the rows, its number in the table */
	DefaultColumn *defaults;
	int ndefaults;
	TupleTableSlot *row; /* in the root's shape */

	ResultRelInfo *target;			   /* of the group */
	TupleTableSlot *group[GROUP_ROWS]; /* made when first needed, for target */
	int nslots;
	int ngroup;
} Insertion;

VeloInsert *
velo_sink_insert_create(Oid relation, TupleDesc desc)
{
	VeloInsert *insert = palloc0(sizeof(VeloInsert));

	insert->relation = relation;
	insert->desc = desc;
	return insert;
}

/* --- may rows go this way ------------------------------------------------- */

static bool
has_row_triggers(const TriggerDesc *triggers)
{
	return triggers && (triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
						triggers->trig_insert_instead_row || triggers->trig_insert_new_table);
}

bool
velo_sink_insert_is_possible(VeloInsert *insert, bool with_partitions)
{
	Relation relation = table_open(insert->relation, RowExclusiveLock);
	char kind = relation->rd_rel->relkind;
	bool is_possible;

	is_possible = (kind == RELKIND_RELATION ||
				   (kind == RELKIND_PARTITIONED_TABLE && with_partitions)) &&
				  !has_row_triggers(relation->trigdesc) &&
				  velo_sink_target_is_plain(relation, insert->desc);
	table_close(relation, NoLock);
	return is_possible;
}

/* --- one call ------------------------------------------------------------- */

static void
prepare_columns(Insertion *insertion, Relation relation, TupleDesc desc)
{
	TupleDesc table = RelationGetDescr(relation);
	bool *is_given = palloc0(sizeof(bool) * table->natts);

	insertion->natts = table->natts;
	insertion->columns = palloc(sizeof(int) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		insertion->columns[i] = velo_sink_target_column(table,
														NameStr(TupleDescAttr(desc, i)->attname));
		is_given[insertion->columns[i]] = true;
	}
	insertion->defaults = palloc0(sizeof(DefaultColumn) * table->natts);
	for (int i = 0; i < table->natts; i++)
	{
		DefaultColumn *column = &insertion->defaults[insertion->ndefaults];
		Expr *expr;

		if (is_given[i] || TupleDescAttr(table, i)->attisdropped)
			continue;
		expr = (Expr *) build_column_default(relation, i + 1);
		if (expr == NULL)
			continue;
		expr = expression_planner(expr);
		column->column = i;
		column->is_volatile = contain_volatile_functions((Node *) expr);
		column->expr = ExecInitExpr(expr, NULL);
		if (!column->is_volatile)
			column->value = ExecEvalExpr(column->expr, GetPerTupleExprContext(insertion->estate),
										 &column->is_null);
		insertion->ndefaults++;
	}
}

static void
begin(Insertion *insertion, Relation relation, TupleDesc desc)
{
	ModifyTableState *mtstate = makeNode(ModifyTableState);
	EState *estate;

	memset(insertion, 0, sizeof(Insertion));
	estate = velo_sink_target_begin(relation, CMD_INSERT, &insertion->root);
	insertion->estate = estate;

	mtstate->ps.state = estate;
	mtstate->operation = CMD_INSERT;
	mtstate->mt_nrels = 1;
	mtstate->resultRelInfo = insertion->root;
	mtstate->rootResultRelInfo = insertion->root;
	insertion->mtstate = mtstate;
	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		insertion->routing = ExecSetupPartitionTupleRouting(estate, relation);

	prepare_columns(insertion, relation, desc);
	insertion->row = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
	AfterTriggerBeginQuery();
	ExecBSInsertTriggers(estate, insertion->root);
}

static void
drop_slots(Insertion *insertion)
{
	for (int i = 0; i < insertion->nslots; i++)
		ExecDropSingleTupleTableSlot(insertion->group[i]);
	insertion->nslots = 0;
}

static void
write_group(Insertion *insertion)
{
	ResultRelInfo *target = insertion->target;
	Relation relation;

	if (insertion->ngroup == 0)
		return;
	relation = target->ri_RelationDesc;
	if (relation->rd_att->constr)
		for (int i = 0; i < insertion->ngroup; i++)
			ExecConstraints(target, insertion->group[i], insertion->estate);
	if (relation->rd_rel->relispartition && insertion->routing == NULL)
		for (int i = 0; i < insertion->ngroup; i++)
			ExecPartitionCheck(target, insertion->group[i], insertion->estate, true);
	table_multi_insert(relation, insertion->group, insertion->ngroup,
					   insertion->estate->es_output_cid, 0, NULL);
	for (int i = 0; i < insertion->ngroup; i++)
	{
		if (target->ri_NumIndices > 0)
			velo_compat_insert_index_tuples(target, insertion->group[i], insertion->estate);
		ExecClearTuple(insertion->group[i]);
	}
	ResetPerTupleExprContext(insertion->estate);
	insertion->ngroup = 0;
}

static void
set_target(Insertion *insertion, ResultRelInfo *target)
{
	if (target == insertion->target)
		return;
	write_group(insertion);
	drop_slots(insertion);
	if (target->ri_FdwRoutine || has_row_triggers(target->ri_TrigDesc))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot write to partition \"%s\"",
							   RelationGetRelationName(target->ri_RelationDesc)),
						errdetail("It is a foreign table or has row triggers.")));
	insertion->target = target;
}

static TupleTableSlot *
next_slot(Insertion *insertion)
{
	if (insertion->ngroup == GROUP_ROWS)
		write_group(insertion);
	if (insertion->ngroup == insertion->nslots)
		insertion->group[insertion->nslots++] =
			MakeSingleTupleTableSlot(RelationGetDescr(insertion->target->ri_RelationDesc),
									 &TTSOpsVirtual);
	return insertion->group[insertion->ngroup++];
}

static void
fill_row(Insertion *insertion, TupleTableSlot *slot, int ncolumns, const Datum *values,
		 const bool *nulls)
{
	memset(slot->tts_isnull, true, insertion->natts);
	for (int i = 0; i < ncolumns; i++)
	{
		slot->tts_values[insertion->columns[i]] = values[i];
		slot->tts_isnull[insertion->columns[i]] = nulls[i];
	}
	for (int i = 0; i < insertion->ndefaults; i++)
	{
		DefaultColumn *column = &insertion->defaults[i];

		if (column->is_volatile)
			column->value = ExecEvalExpr(column->expr, GetPerTupleExprContext(insertion->estate),
										 &column->is_null);
		slot->tts_values[column->column] = column->value;
		slot->tts_isnull[column->column] = column->is_null;
	}
	ExecStoreVirtualTuple(slot);
}

/* Into the partition that the row belongs to. */
static void
route_row(Insertion *insertion, int ncolumns, const Datum *values, const bool *nulls)
{
	ResultRelInfo *target;
	AttrMap *map;
	TupleTableSlot *slot;

	ExecClearTuple(insertion->row);
	fill_row(insertion, insertion->row, ncolumns, values, nulls);
	target = ExecFindPartition(insertion->mtstate, insertion->root, insertion->routing,
							   insertion->row, insertion->estate);
	set_target(insertion, target);
	slot = next_slot(insertion);
	map = velo_compat_partition_map(target, insertion->estate);
	if (map)
		execute_attr_map_slot(map, insertion->row, slot);
	else
	{
		memcpy(slot->tts_values, insertion->row->tts_values, sizeof(Datum) * insertion->natts);
		memcpy(slot->tts_isnull, insertion->row->tts_isnull, sizeof(bool) * insertion->natts);
		ExecStoreVirtualTuple(slot);
	}
}

static void
end(Insertion *insertion)
{
	EState *estate = insertion->estate;

	write_group(insertion);
	drop_slots(insertion);
	ExecDropSingleTupleTableSlot(insertion->row);
	ExecASInsertTriggers(estate, insertion->root, NULL);
	AfterTriggerEndQuery(estate);
	if (insertion->routing)
		ExecCleanupTupleRouting(insertion->mtstate, insertion->routing);
	velo_sink_target_end(estate);
}

void
velo_sink_insert_rows(VeloInsert *insert, const VeloChunk *chunk, const int *rows, int nrows)
{
	Relation relation = table_open(insert->relation, RowExclusiveLock);
	Insertion insertion;
	int ncolumns = insert->desc->natts;

	begin(&insertion, relation, insert->desc);
	if (insertion.routing == NULL)
		insertion.target = insertion.root;
	for (int i = 0; i < nrows; i++)
	{
		int row = rows ? rows[i] : i;

		if (insertion.routing)
			route_row(&insertion, ncolumns, velo_row_values(chunk, row),
					  velo_row_nulls(chunk, row));
		else
			fill_row(&insertion, next_slot(&insertion), ncolumns, velo_row_values(chunk, row),
					 velo_row_nulls(chunk, row));
	}
	end(&insertion);
	table_close(relation, NoLock);
}
