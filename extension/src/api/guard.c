/*
 * guard.c
 *	  What plain SQL may do to streams and derived tables.
 *
 * A derived table is an ordinary table and a stream an ordinary view; that they
 * are written by their job only, or only appended to, must hold for every client.
 * It is checked here and not by triggers: a trigger would take the fast path from
 * the job's own writes and would not fire for a DELETE that finds no row.
 *
 *	executor	INSERT, UPDATE, DELETE, MERGE and COPY FROM into a table all pass the
 *				permission check before they start.
 *	utility		COPY of a stream, which PostgreSQL refuses for views; TRUNCATE;
 *				CREATE OR REPLACE VIEW on a stream; COMMIT PREPARED, after which
 *				readers are woken because no callback says what it wrote.
 *
 * COPY stream FROM writes to the storage.  It runs with the rights of the caller
 * all along (the caller's functions may hide in defaults, domains and WHERE), and
 * only the permission to insert is asked of the view instead of the storage.  The
 * column list is limited to the view's columns, so nobody supplies _xid.
 */
#include "postgres.h"

#include <access/table.h>
#include <access/xact.h>
#include <catalog/namespace.h>
#include <catalog/pg_authid.h>
#include <catalog/pg_class.h>
#include <commands/copy.h>
#include <commands/copyfrom_internal.h>
#include <executor/executor.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <optimizer/optimizer.h>
#include <parser/parse_coerce.h>
#include <parser/parse_collate.h>
#include <parser/parse_expr.h>
#include <parser/parse_relation.h>
#include <tcop/utility.h>
#include <utils/acl.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>

#include "base/compat.h"
#include "base/module.h"
#include "meta/meta.h"
#include "sink/sink.h"
#include "source/native_storage.h"
#include "source/writers.h"

static ExecutorCheckPerms_hook_type previous_check_permissions;
static ProcessUtility_hook_type previous_process_utility;

/* --- refusals --------------------------------------------------------------- */

static void
refuse_change(Oid relation, const char *action)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot %s stream \"%s\"", action, get_rel_name(relation)),
					errdetail("Streams are append-only."),
					errhint("Records leave a stream when its retention has passed. To keep current "
							"values by key, derive a TABLE from it.")));
}

static void
refuse_derived(Oid relation, VeloGuard guard, const char *action)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s derived %s \"%s\"", action,
					guard == VELO_GUARD_DERIVED_TABLE ? "table" : "stream", get_rel_name(relation)),
			 errdetail("It is written by its job only."),
			 errhint("Write to what it is derived from.")));
}

static void
check_write(Oid relation, AclMode wanted)
{
	VeloGuard guard = velo_meta_guard(relation);
	const char *action = wanted & ACL_INSERT   ? "insert into"
						 : wanted & ACL_UPDATE ? "update"
						 : wanted & ACL_DELETE ? "delete from"
											   : "truncate";

	if (guard == VELO_GUARD_NONE)
		return;
	if (guard != VELO_GUARD_STREAM)
		refuse_derived(relation, guard, action);
	if (wanted & ~ACL_INSERT)
		refuse_change(relation, wanted & ACL_UPDATE ? "update" : action);
}

static bool
check_permissions(VELO_COMPAT_CHECK_PERMS_ARGS)
{
	ListCell *cell;

	foreach(cell, velo_compat_permissions(range_table, permissions))
	{
		VeloPermissions *entry = lfirst(cell);
		AclMode wanted = entry->requiredPerms & (ACL_INSERT | ACL_UPDATE | ACL_DELETE);

		/* SELECT FOR UPDATE wants the same right as UPDATE, but names no column. */
		if (bms_is_empty(entry->updatedCols))
			wanted &= ~ACL_UPDATE;
		if (wanted != 0 && OidIsValid(entry->relid) && !velo_sink_is_writing)
			check_write(entry->relid, wanted);
	}
	return previous_check_permissions == NULL ||
		   previous_check_permissions(VELO_COMPAT_CHECK_PERMS_PASS);
}

static void
check_truncate(const TruncateStmt *statement)
{
	ListCell *cell;

	foreach(cell, statement->relations)
	{
		Oid relation = RangeVarGetRelid(lfirst(cell), NoLock, true);

		if (OidIsValid(relation) && !velo_sink_is_writing)
			check_write(relation, ACL_TRUNCATE);
	}
}

static void
check_view(const ViewStmt *statement)
{
	Oid relation;

	if (!statement->replace || velo_source_native_is_altering)
		return;
	relation = RangeVarGetRelid(statement->view, NoLock, true);
	if (OidIsValid(relation) && velo_meta_guard(relation) != VELO_GUARD_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot replace the view of stream \"%s\"", get_rel_name(relation)),
				 errhint("Use ALTER STREAM ... ADD COLUMN, or drop and create the stream.")));
}

/* --- COPY ------------------------------------------------------------------- */

/* Reading from a file or program takes the same rights as in any COPY. */
static void
check_file(const CopyStmt *statement)
{
	if (statement->filename == NULL)
		return;
	if (statement->is_program)
	{
		if (!has_privs_of_role(GetUserId(), ROLE_PG_EXECUTE_SERVER_PROGRAM))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to COPY from an external program"),
					 errdetail("Only roles with privileges of the \"%s\" role may do this.",
							   "pg_execute_server_program"),
					 errhint("Anyone can COPY from stdin; psql's \\copy works for anyone.")));
	}
	else if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to COPY from a file"),
						errdetail("Only roles with privileges of the \"%s\" role may do this.",
								  "pg_read_server_files"),
						errhint("Anyone can COPY from stdin; psql's \\copy works for anyone.")));
}

/* Names of the columns to be filled: those given, else all of the view. */
static List *
copied_columns(const CopyStmt *statement, Relation view)
{
	TupleDesc desc = RelationGetDescr(view);
	List *names = NIL;
	ListCell *cell;

	foreach(cell, statement->attlist)
	{
		char *name = strVal(lfirst(cell));

		if (get_attnum(RelationGetRelid(view), name) <= 0)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("column \"%s\" of stream \"%s\" does not exist", name,
								   RelationGetRelationName(view))));
		names = lappend(names, name);
	}
	for (int i = 0; i < desc->natts && statement->attlist == NIL; i++)
		names = lappend(names, NameStr(TupleDescAttr(desc, i)->attname));
	return names;
}

static void
check_may_insert(Relation view, List *names)
{
	ParseState *state = make_parsestate(NULL);
	ParseNamespaceItem *item = addRangeTableEntryForRelation(state, view, RowExclusiveLock, NULL,
															 false, false);
	VeloPermissions *wanted = velo_compat_item_permissions(item);
	ListCell *cell;

	wanted->requiredPerms = ACL_INSERT;
	foreach(cell, names)
	{
		AttrNumber place = get_attnum(RelationGetRelid(view), lfirst(cell));

		wanted->insertedCols = bms_add_member(wanted->insertedCols,
											  place - FirstLowInvalidHeapAttributeNumber);
	}
	velo_compat_check_permissions(state);
	free_parsestate(state);
}

/*
 * The storage under the name of the stream and with the names of its columns, for
 * COPY's WHERE.  Columns the view does not show get a name that cannot be written.
 */
static Alias *
storage_alias(Relation view, Relation storage)
{
	TupleDesc desc = RelationGetDescr(storage);
	TupleDesc shown = RelationGetDescr(view);
	char **names = palloc(sizeof(char *) * desc->natts);
	List *list = NIL;

	for (int i = 0; i < desc->natts; i++)
		names[i] = "";
	for (int i = 0; i < shown->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(shown, i)->attname);
		const char *column = velo_source_native_column(view, RelationGetRelid(storage), name);

		names[get_attnum(RelationGetRelid(storage), column) - 1] = pstrdup(name);
	}
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			list = lappend(list, makeString(names[i]));
	}
	return makeAlias(RelationGetRelationName(view), list);
}

static Node *
transform_where(ParseState *state, ParseNamespaceItem *item, Node *where)
{
	if (where == NULL)
		return NULL;
	addNSItemToQuery(state, item, false, true, true);
	where = transformExpr(state, where, EXPR_KIND_COPY_WHERE);
	where = coerce_to_boolean(state, where, "WHERE");
	assign_expr_collations(state, where);
	where = eval_const_expressions(NULL, where);
	where = (Node *) canonicalize_qual((Expr *) where, false);
	return (Node *) make_ands_implicit((Expr *) where);
}

static uint64
copy_into(const CopyStmt *statement, const char *query, Oid relation, Oid storage_oid)
{
	Relation view;
	Relation storage;
	ParseState *state;
	ParseNamespaceItem *item;
	VeloPermissions *given;
	List *names;
	List *columns = NIL;
	ListCell *cell;
	CopyFromState copy;
	Node *where;
	uint64 n;

	check_file(statement);
	if (XactReadOnly)
		PreventCommandIfReadOnly("COPY FROM");
	view = table_open(relation, RowExclusiveLock);
	names = copied_columns(statement, view);
	check_may_insert(view, names);

	storage = table_open(storage_oid, RowExclusiveLock);
	state = make_parsestate(NULL);
	state->p_sourcetext = query;
	item = addRangeTableEntryForRelation(state, storage, RowExclusiveLock,
										 storage_alias(view, storage), false, false);
	given = velo_compat_item_permissions(item);
	foreach(cell, names)
	{
		const char *column = velo_source_native_column(view, storage_oid, lfirst(cell));

		columns = lappend(columns, makeString(pstrdup(column)));
		/* Which values an error may show. */
		given->insertedCols = bms_add_member(given->insertedCols,
											 get_attnum(storage_oid, column) -
												 FirstLowInvalidHeapAttributeNumber);
	}
	where = transform_where(state, item, statement->whereClause);
	copy = BeginCopyFrom(state, storage, where, statement->filename, statement->is_program, NULL,
						 columns, statement->options);
	copy->cur_relname = RelationGetRelationName(view);
	n = CopyFrom(copy);
	EndCopyFrom(copy);
	free_parsestate(state);
	table_close(storage, NoLock);
	table_close(view, NoLock);
	return n;
}

/* COPY stream TO is COPY (SELECT … FROM stream) TO. */
static PlannedStmt *
copy_out(PlannedStmt *planned)
{
	PlannedStmt *changed = copyObject(planned);
	CopyStmt *statement = (CopyStmt *) changed->utilityStmt;
	SelectStmt *select = makeNode(SelectStmt);
	ListCell *cell;

	foreach(cell, statement->attlist)
	{
		ColumnRef *column = makeNode(ColumnRef);
		ResTarget *target = makeNode(ResTarget);

		column->fields = list_make1(lfirst(cell));
		column->location = -1;
		target->val = (Node *) column;
		target->location = -1;
		select->targetList = lappend(select->targetList, target);
	}
	if (statement->attlist == NIL)
	{
		ColumnRef *column = makeNode(ColumnRef);
		ResTarget *target = makeNode(ResTarget);

		column->fields = list_make1(makeNode(A_Star));
		column->location = -1;
		target->val = (Node *) column;
		target->location = -1;
		select->targetList = list_make1(target);
	}
	select->fromClause = list_make1(statement->relation);
	statement->relation = NULL;
	statement->attlist = NIL;
	statement->query = (Node *) select;
	return changed;
}

/*
 * Handles COPY of a stream.  Returns true if it is done; may replace *planned by
 * what PostgreSQL shall do instead.
 */
static bool
copy_stream(PlannedStmt **planned, const char *query, QueryCompletion *completion)
{
	CopyStmt *statement = (CopyStmt *) (*planned)->utilityStmt;
	Oid relation;
	VeloGuard guard;
	VeloStream *stream;
	uint64 n;

	if (statement->relation == NULL)
		return false;
	relation = RangeVarGetRelid(statement->relation, NoLock, true);
	if (!OidIsValid(relation) || get_rel_relkind(relation) != RELKIND_VIEW)
		return false;
	guard = velo_meta_guard(relation);
	if (guard != VELO_GUARD_STREAM && guard != VELO_GUARD_DERIVED_STREAM)
		return false;
	if (!statement->is_from)
	{
		*planned = copy_out(*planned);
		return false;
	}
	/* Lock, and make sure that it is still the same. */
	relation = RangeVarGetRelid(statement->relation, RowExclusiveLock, false);
	check_write(relation, ACL_INSERT);
	stream = velo_meta_stream(relation);
	if (stream == NULL || !OidIsValid(stream->storage))
		return false;
	n = copy_into(statement, query, relation, stream->storage);
	if (completion)
		SetQueryCompletion(completion, CMDTAG_COPY, n);
	return true;
}

/* --- hooks ------------------------------------------------------------------ */

static void
process_utility(PlannedStmt *planned, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
				DestReceiver *receiver, QueryCompletion *completion)
{
	Node *statement = planned->utilityStmt;
	bool is_commit_prepared = false;

	switch (nodeTag(statement))
	{
		case T_CopyStmt:
			if (copy_stream(&planned, query, completion))
				return;
			break;
		case T_TruncateStmt:
			check_truncate((TruncateStmt *) statement);
			break;
		case T_ViewStmt:
			check_view((ViewStmt *) statement);
			break;
		case T_TransactionStmt:
			is_commit_prepared = ((TransactionStmt *) statement)->kind ==
								 TRANS_STMT_COMMIT_PREPARED;
			break;
		default:
			break;
	}

	if (previous_process_utility)
		previous_process_utility(planned, query, read_only_tree, context, params, environment,
								 receiver, completion);
	else
		standard_ProcessUtility(planned, query, read_only_tree, context, params, environment,
								receiver, completion);
	if (is_commit_prepared)
		velo_source_wake_all();
}

static void
guard_start(bool preloaded)
{
	previous_check_permissions = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_permissions;
	previous_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}

static const VeloStart guard_module = {
	.name = "guard",
	.start = guard_start,
};
VELO_START(guard_module);
