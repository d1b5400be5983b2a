/*
 * compat.h
 *	  The only place that knows PostgreSQL's versions: 15 to 17.
 */
#pragma once

#include <common/jsonapi.h>
#include <mb/pg_wchar.h>
#include <parser/parse_relation.h>
#include <parser/parse_type.h>
#if PG_VERSION_NUM >= 160000
#include <varatt.h>
#endif
#include <storage/proc.h>

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 180000
#error "velostream supports PostgreSQL 15 to 17"
#endif

/* parseTypeString's last argument became an error context in 16. */
#if PG_VERSION_NUM >= 160000
#define velo_compat_parse_type(text, type, typmod)                                                 \
	((void) parseTypeString((text), (type), (typmod), NULL))
#else
#define velo_compat_parse_type(text, type, typmod) parseTypeString((text), (type), (typmod), false)
#endif

#include <catalog/index.h>
#include <utils/rel.h>
#include <utils/relcache.h>

/* What is stored in states' binary form is PostgreSQL's own and may change with it. */
#define VELO_COMPAT_MAJOR (PG_VERSION_NUM / 10000)

/* Gives a table new, empty storage; renamed in 16. */
static inline void
velo_compat_new_storage(Relation relation)
{
#if PG_VERSION_NUM >= 160000
	RelationSetNewRelfilenumber(relation, relation->rd_rel->relpersistence);
#else
	RelationSetNewRelfilenode(relation, relation->rd_rel->relpersistence);
#endif
}

/* Rebuilds a table's indexes; 17 also wants the statement, for event triggers. */
static inline void
velo_compat_reindex(Oid table)
{
	ReindexParams params = {0};

#if PG_VERSION_NUM >= 170000
	(void) reindex_relation(NULL, table, 0, &params);
#else
	(void) reindex_relation(table, 0, &params);
#endif
}

/* Number of this process in ProcGlobal->allProcs. */
#if PG_VERSION_NUM >= 170000
#define velo_compat_proc_number() (MyProcNumber)
#else
#define velo_compat_proc_number() (MyProc->pgprocno)
#endif

/* Since 16 permissions stand in a list of their own instead of the range table. */
#if PG_VERSION_NUM >= 160000
#define VELO_COMPAT_CHECK_PERMS_ARGS List *range_table, List *permissions, bool raise
#define VELO_COMPAT_CHECK_PERMS_PASS range_table, permissions, raise
typedef RTEPermissionInfo VeloPermissions;
#define velo_compat_permissions(range_table, permissions) (permissions)
#define velo_compat_check_permissions(pstate)                                                      \
	((void) ExecCheckPermissions((pstate)->p_rtable, (pstate)->p_rteperminfos, true))
#define velo_compat_item_permissions(item) ((item)->p_perminfo)
#else
#define VELO_COMPAT_CHECK_PERMS_ARGS List *range_table, bool raise
#define VELO_COMPAT_CHECK_PERMS_PASS range_table, raise
typedef RangeTblEntry VeloPermissions;
#define velo_compat_permissions(range_table, permissions) (range_table)
#define velo_compat_check_permissions(pstate) ((void) ExecCheckRTPerms((pstate)->p_rtable, true))
#define velo_compat_item_permissions(item) ((item)->p_rte)
#endif

/* Ownership checks were unified in 16. */
#if PG_VERSION_NUM >= 160000
#define velo_compat_is_relation_owner(relation, role)                                              \
	object_ownercheck(RelationRelationId, (relation), (role))
#else
#define velo_compat_is_relation_owner(relation, role) pg_class_ownercheck((relation), (role))
#endif

/* So were checks of grants. */
#if PG_VERSION_NUM >= 160000
#define velo_compat_may_use_server(server, role)                                                   \
	(object_aclcheck(ForeignServerRelationId, (server), (role), ACL_USAGE) == ACLCHECK_OK)
#else
#define velo_compat_may_use_server(server, role)                                                   \
	(pg_foreign_server_aclcheck((server), (role), ACL_USAGE) == ACLCHECK_OK)
#endif

#include <executor/executor.h>
#include <parser/parse_relation.h>

/* An executor state's only range table entry; permissions moved out of it in 16. */
static inline void
velo_compat_init_range_table(EState *estate, RangeTblEntry *entry)
{
#if PG_VERSION_NUM >= 160000
	List *permissions = NIL;

	addRTEPermissionInfo(&permissions, entry);
	ExecInitRangeTable(estate, list_make1(entry), permissions);
#else
	ExecInitRangeTable(estate, list_make1(entry));
#endif
}

/* Index entries of a new row; 16 added summarising indexes. */
static inline void
velo_compat_insert_index_tuples(ResultRelInfo *relation, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	list_free(ExecInsertIndexTuples(relation, slot, estate, false, false, NULL, NIL, false));
#else
	list_free(ExecInsertIndexTuples(relation, slot, estate, false, false, NULL, NIL));
#endif
}

/* How a row of the root becomes one of its partition, or NULL if it is the same. */
static inline AttrMap *
velo_compat_partition_map(ResultRelInfo *partition, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	TupleConversionMap *map = ExecGetRootToChildMap(partition, estate);
#else
	TupleConversionMap *map = partition->ri_RootToPartitionMap;
#endif
	return map ? map->attrMap : NULL;
}

#include <access/tableam.h>

/*
 * Updates a row that the snapshot has seen, and its indexes; false if somebody
 * else has changed it since.  Which indexes need an entry became an enum in 16.
 */
static inline bool
velo_compat_update_tuple(ResultRelInfo *relation, ItemPointer tid, TupleTableSlot *slot,
						 EState *estate, Snapshot snapshot)
{
	TM_FailureData failure;
	LockTupleMode mode;
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes indexes;
#else
	bool indexes;
#endif

	if (table_tuple_update(relation->ri_RelationDesc, tid, slot, estate->es_output_cid, snapshot,
						   InvalidSnapshot, true, &failure, &mode, &indexes) != TM_Ok)
		return false;
	if (relation->ri_NumIndices == 0)
		return true;
#if PG_VERSION_NUM >= 160000
	if (indexes != TU_None)
		list_free(ExecInsertIndexTuples(relation, slot, estate, true, false, NULL, NIL,
										indexes == TU_Summarizing));
#else
	if (indexes)
		list_free(ExecInsertIndexTuples(relation, slot, estate, true, false, NULL, NIL));
#endif
	return true;
}

/* Raises if a table cannot be written like that; 17 added actions of MERGE. */
static inline void
velo_compat_check_result(ResultRelInfo *relation, CmdType command)
{
#if PG_VERSION_NUM >= 170000
	CheckValidResultRel(relation, command, NIL);
#else
	CheckValidResultRel(relation, command);
#endif
}

#include <miscadmin.h>
#include <nodes/plannodes.h>
#include <optimizer/pathnode.h>

/* The only path of a foreign table; 17 added restriction clauses of pushed-down joins. */
static inline Path *
velo_compat_foreign_path(PlannerInfo *root, RelOptInfo *relation, double rows, Cost startup,
						 Cost total)
{
#if PG_VERSION_NUM >= 170000
	return (Path *) create_foreignscan_path(root, relation, NULL, rows, startup, total, NIL,
											relation->lateral_relids, NULL, NIL, NIL);
#else
	return (Path *) create_foreignscan_path(root, relation, NULL, rows, startup, total, NIL,
											relation->lateral_relids, NULL, NIL);
#endif
}

/* Whose rights a foreign scan has: a view's owner's, else the caller's; moved in 16. */
static inline Oid
velo_compat_scan_user(ForeignScanState *node)
{
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
#if PG_VERSION_NUM >= 160000
	Oid user = plan->checkAsUser;
#else
	Oid user = exec_rt_fetch(plan->scan.scanrelid, node->ss.ps.state)->checkAsUser;
#endif
	return OidIsValid(user) ? user : GetUserId();
}

/* Intervals can be infinite since 17. */
#if PG_VERSION_NUM >= 170000
#define velo_compat_interval_is_infinite(interval) INTERVAL_NOT_FINITE(interval)
#else
#define velo_compat_interval_is_infinite(interval) (false)
#endif

/* As whom rows are written: the view's owner if they come through one; moved in 16. */
static inline Oid
velo_compat_modify_user(ResultRelInfo *result, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	return ExecGetResultRelCheckAsUser(result, estate);
#else
	Index index = result->ri_RootResultRelInfo ? result->ri_RootResultRelInfo->ri_RangeTableIndex
											   : result->ri_RangeTableIndex;
	Oid user = index > 0 ? exec_rt_fetch(index, estate)->checkAsUser : InvalidOid;

	return OidIsValid(user) ? user : GetUserId();
#endif
}

/* Is a text JSON?  Its escapes are decoded too; the lexer is made otherwise since 17. */
static inline bool
velo_compat_is_json(const char *text, int length)
{
	JsonLexContext *lexer;

#if PG_VERSION_NUM >= 170000
	lexer = makeJsonLexContextCstringLen(NULL, text, length, GetDatabaseEncoding(), true);
#else
	lexer = makeJsonLexContextCstringLen(unconstify(char *, text), length, GetDatabaseEncoding(),
										 true);
#endif
	return pg_parse_json(lexer, &nullSemAction) == JSON_SUCCESS;
}
