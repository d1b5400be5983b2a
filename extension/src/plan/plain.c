/*
 * plain.c
 *	  Which SELECTs are PostgreSQL's own business.
 *
 * A pull query reads what a stream holds now.  The stream is a relation, so
 * PostgreSQL runs it, with joins, subqueries, ORDER BY and all.  A pipeline is
 * needed only for what a relation has not: windows and the dialect's other
 * constructs, system columns, and functions about records or their order.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <catalog/namespace.h>
#include <catalog/pg_proc.h>
#include <nodes/nodeFuncs.h>
#include <nodes/value.h>
#include <parser/parser.h>
#include <utils/lsyscache.h>

/* Only dialect spellings (INTERVAL 5 DAYS, x::STRING …), which the lifter has rewritten. */
static bool
has_constructs(const LiftStatement *statement)
{
	return statement->window || statement->emit != LIFT_EMIT_DEFAULT || statement->key_items ||
		   statement->into || statement->properties;
}

/*
 * A call that means the record, or an aggregate of ours: some depend on the order of
 * arrival, which a scan of the relation does not promise.
 */
static bool
is_velo_function(FuncCall *call)
{
	FuncCandidateList candidate;

	if (velo_plan_is_record_call(call))
		return true;
	if (list_length(call->funcname) != 1 ||
		FuncnameGetCandidates(call->funcname, -1, NIL, false, false, false, true) != NULL)
		return false;
	candidate = FuncnameGetCandidates(list_make2(makeString("velo"), linitial(call->funcname)), -1,
									  NIL, false, false, false, true);
	for (; candidate; candidate = candidate->next)
		if (get_func_prokind(candidate->oid) == PROKIND_AGGREGATE)
			return true;
	return false;
}

static bool
uses_pipeline_names(Node *node, void *context)
{
	if (node == NULL || IsA(node, SelectStmt))
		return false;
	if (IsA(node, ColumnRef))
	{
		Node *field = llast(((ColumnRef *) node)->fields);

		return IsA(field, String) && velo_row_system_column(strVal(field)) >= 0;
	}
	if (IsA(node, FuncCall) && is_velo_function((FuncCall *) node))
		return true;
	return raw_expression_tree_walker(node, uses_pipeline_names, context);
}

bool
velo_plan_is_plain(const char *user_text, const LiftStatement *statement,
				   const VeloDeclared *declared)
{
	VeloErrorMap map;
	List *parsed;
	SelectStmt *select;
	VeloObject *source;
	RangeVar *range;

	if (statement->kind != LIFT_QUERY || has_constructs(statement))
		return false;
	velo_plan_error_map_push(&map, user_text, statement->core);
	parsed = raw_parser(statement->core->text, RAW_PARSE_DEFAULT);
	velo_plan_error_map_pop(&map);
	if (list_length(parsed) != 1 || !IsA(linitial_node(RawStmt, parsed)->stmt, SelectStmt))
		return true;
	select = (SelectStmt *) linitial_node(RawStmt, parsed)->stmt;
	if (list_length(select->fromClause) != 1 || !IsA(linitial(select->fromClause), RangeVar))
		return true;
	range = linitial_node(RangeVar, select->fromClause);
	source = velo_plan_object(declared, range->schemaname, range->relname);
	if (source == NULL && select->withClause == NULL && range->catalogname == NULL)
	{
		/* PostgreSQL would say the same, without a hint. */
		const char
			*hint = velo_plan_object_hint(declared, range->schemaname, range->relname,
										  "List what there is with SHOW STREAMS and SHOW TABLES.");

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" does not exist",
						range->schemaname ? psprintf("%s.%s", range->schemaname, range->relname)
										  : range->relname),
				 errhint("%s", hint),
				 velo_plan_error_at(user_text,
									velo_lift_origin(statement->core, range->location))));
	}
	if (!uses_pipeline_names((Node *) select->targetList, NULL) &&
		!uses_pipeline_names(select->whereClause, NULL) &&
		!uses_pipeline_names((Node *) select->groupClause, NULL) &&
		!uses_pipeline_names(select->havingClause, NULL))
		return true;
	return source == NULL || !source->is_stream;
}
