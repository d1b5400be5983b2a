/*
 * target.c
 *	  What insert.c and update.c ask of a table and of the executor.
 *
 * Everything of the executor's is made for one call and thrown away: about 10
 * microseconds for a thousand rows, and nothing to keep valid over commits and
 * catalog changes.
 */
#include "postgres.h"

#include "sink/target.h"

#include <access/table.h>
#include <catalog/pg_attribute.h>
#include <catalog/pg_class.h>
#include <executor/executor.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/rls.h>

#include "base/compat.h"

int
velo_sink_target_column(TupleDesc table, const char *name)
{
	for (int i = 0; i < table->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(table, i);

		if (!att->attisdropped && namestrcmp(&att->attname, name) == 0)
			return i;
	}
	return -1;
}

static bool
columns_fit(TupleDesc table, TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute source = TupleDescAttr(desc, i);
		int column = velo_sink_target_column(table, NameStr(source->attname));
		Form_pg_attribute target;

		if (column < 0)
			return false;
		target = TupleDescAttr(table, column);
		if (target->atttypid != source->atttypid || target->attidentity != '\0' ||
			(target->atttypmod != -1 && target->atttypmod != source->atttypmod))
			return false;
	}
	return true;
}

bool
velo_sink_target_is_plain(Relation table, TupleDesc desc)
{
	TupleConstr *constraints = RelationGetDescr(table)->constr;

	return table->rd_rules == NULL && !(constraints && constraints->has_generated_stored) &&
		   columns_fit(RelationGetDescr(table), desc) &&
		   check_enable_rls(RelationGetRelid(table), InvalidOid, true) != RLS_ENABLED;
}

static bool
may(Oid table, AttrNumber column, AclMode mode)
{
	return column == InvalidAttrNumber ||
		   pg_attribute_aclcheck(table, column, GetUserId(), mode) == ACLCHECK_OK;
}

void
velo_sink_target_check_insert(Oid table, TupleDesc desc)
{
	if (pg_class_aclcheck(table, GetUserId(), ACL_INSERT) == ACLCHECK_OK)
		return;
	for (int i = 0; i < desc->natts; i++)
		if (!may(table, get_attnum(table, NameStr(TupleDescAttr(desc, i)->attname)), ACL_INSERT))
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(table)),
						   get_rel_name(table));
}

bool
velo_sink_target_may_upsert(Oid table, TupleDesc desc, const AttrNumber *keys, int nkeys)
{
	AclMode all = ACL_INSERT | ACL_UPDATE | ACL_SELECT;

	if (pg_class_aclmask(table, GetUserId(), all, ACLMASK_ALL) == all)
		return true;
	for (int i = 0; i < desc->natts; i++)
	{
		AttrNumber column = get_attnum(table, NameStr(TupleDescAttr(desc, i)->attname));
		bool is_key = false;

		for (int key = 0; key < nkeys; key++)
			is_key |= keys[key] == i + 1;
		if (!may(table, column, ACL_INSERT) || !may(table, column, ACL_SELECT) ||
			(!is_key && !may(table, column, ACL_UPDATE)))
			return false;
	}
	return true;
}

EState *
velo_sink_target_begin(Relation table, CmdType command, ResultRelInfo **result)
{
	EState *estate = CreateExecutorState();
	RangeTblEntry *entry = makeNode(RangeTblEntry);

	entry->rtekind = RTE_RELATION;
	entry->relid = RelationGetRelid(table);
	entry->relkind = table->rd_rel->relkind;
	entry->rellockmode = RowExclusiveLock;
	velo_compat_init_range_table(estate, entry);

	*result = makeNode(ResultRelInfo);
	ExecInitResultRelation(estate, *result, 1);
	velo_compat_check_result(*result, command);
	ExecOpenIndices(*result, false);
	estate->es_output_cid = GetCurrentCommandId(true);
	return estate;
}

void
velo_sink_target_end(EState *estate)
{
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecCloseResultRelations(estate);
	ExecCloseRangeTableRelations(estate);
	FreeExecutorState(estate);
	/* What comes next in this transaction sees the rows. */
	CommandCounterIncrement();
}
