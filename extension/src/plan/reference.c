/*
 * reference.c
 *	  What a column reference in a statement means.
 *
 * Hooks in PostgreSQL's analyser resolve the names that it does not know: system
 * columns, which are numbered behind the user's, and aliases of earlier select items.
 *
 * In a grouped query a system column other than a window bound means that of the
 * group's latest record: such references (as_last) become velo.last(…).  Whether
 * a reference stands inside an aggregate's arguments cannot be known while the
 * arguments are analysed, so they are found beforehand in the raw tree.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <catalog/namespace.h>
#include <catalog/pg_collation.h>
#include <catalog/pg_proc.h>
#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <parser/parse_expr.h>
#include <parser/parse_node.h>
#include <utils/lsyscache.h>

#define MAX_ALIAS_DEPTH 64

static bool
is_aggregate_call(FuncCall *call)
{
	FuncCandidateList candidates;

	if (call->over)
		return false;
	if (call->agg_star || call->agg_within_group || call->agg_distinct || call->agg_order ||
		call->agg_filter)
		return true;
	candidates = FuncnameGetCandidates(call->funcname, -1, NIL, false, false, false, true);
	for (; candidates; candidates = candidates->next)
		if (get_func_prokind(candidates->oid) == PROKIND_AGGREGATE)
			return true;
	return false;
}

bool
velo_plan_has_aggregate(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && is_aggregate_call((FuncCall *) node))
		return true;
	if (IsA(node, SubLink) || IsA(node, SelectStmt))
		return false;
	return raw_expression_tree_walker(node, velo_plan_has_aggregate, context);
}

const char *
velo_plan_last_field(ColumnRef *reference)
{
	Node *field = llast(reference->fields);

	return IsA(field, String) ? strVal(field) : NULL;
}

static bool
find_as_last(Node *node, void *context)
{
	VeloAnalysis *a = context;

	if (node == NULL || IsA(node, SelectStmt))
		return false;
	if (IsA(node, FuncCall) && is_aggregate_call((FuncCall *) node))
		return false;
	if (IsA(node, ColumnRef))
	{
		const char *name = velo_plan_last_field((ColumnRef *) node);
		int system = name ? velo_row_system_column(name) : -1;
		ListCell *cell;

		if (!name || system == VELO_WINDOW_START || system == VELO_WINDOW_END)
			return false;
		if (system < 0 && !a->is_last_ungrouped)
			return false;
		foreach(cell, a->select->groupClause)
		{
			if (equal(lfirst(cell), node))
				return false;
			/* GROUP BY alias or position: the select item as a whole is grouped */
		}
		a->as_last = lappend(a->as_last, node);
		return false;
	}
	return raw_expression_tree_walker(node, find_as_last, context);
}

void
velo_plan_find_as_last(VeloAnalysis *a)
{
	find_as_last((Node *) a->select->targetList, a);
	find_as_last(a->select->havingClause, a);
}

static Node *
make_system_var(VeloAnalysis *a, ParseState *pstate, int system, int location)
{
	Var *var;
	int levels = 0;

	for (ParseState *p = pstate; p->parentParseState; p = p->parentParseState)
		levels++;
	var = makeVar(1, a->source_natts + system + 1, velo_system_columns[system].type, -1,
				  velo_system_columns[system].type == TEXTOID ? DEFAULT_COLLATION_OID : InvalidOid,
				  levels);
	var->location = location;
	return (Node *) var;
}

/* An alias of an item to the left of the reference, or NULL. */
static Node *
expand_alias(VeloAnalysis *a, ParseState *pstate, ColumnRef *reference, const char *name)
{
	ListCell *cell;

	foreach(cell, a->select->targetList)
	{
		ResTarget *item = lfirst_node(ResTarget, cell);
		Node *expr;

		if (!item->name || strcmp(item->name, name) != 0 || item->location >= reference->location)
			continue;
		/* WHERE runs before anything is computed; PostgreSQL would only not find it. */
		if (pstate->p_expr_kind == EXPR_KIND_WHERE)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" does not exist", name),
					 errhint("An alias cannot be used in WHERE: write its expression instead."),
					 parser_errposition(pstate, reference->location)));
		if (++a->alias_depth > MAX_ALIAS_DEPTH)
			ereport(ERROR, (errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
							errmsg("aliases are nested too deeply"),
							velo_plan_error_in_core(a, reference->location)));
		expr = transformExpr(pstate, copyObject(item->val), pstate->p_expr_kind);
		a->alias_depth--;
		if (contain_volatile_functions(expr))
			ereport(
				ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("alias \"%s\" of a volatile expression cannot be used in other expressions",
						name),
				 errhint("Make a stream of its own that computes it once."),
				 velo_plan_error_in_core(a, reference->location)));
		return expr;
	}
	return NULL;
}

static Node *
resolve_column(ParseState *pstate, ColumnRef *reference, Node *found)
{
	VeloAnalysis *a = pstate->p_ref_hook_state;
	const char *name = velo_plan_last_field(reference);
	int system;
	Node *result = NULL;

	if (name == NULL)
		return NULL;
	if (list_member_ptr(a->as_last, reference))
	{
		/* velo.last(reference), with a copy that is not in as_last */
		FuncCall *call = makeFuncCall(list_make2(makeString("velo"), makeString("last")),
									  list_make1(copyObject(reference)), COERCE_EXPLICIT_CALL,
									  reference->location);

		result = transformExpr(pstate, (Node *) call, pstate->p_expr_kind);
		/* An earlier find is the ungrouped column itself; ours replaces it. */
		return result;
	}
	if (found)
		return found;
	system = velo_row_system_column(name);
	if (system >= 0)
	{
		if (list_length(reference->fields) == 1)
			return make_system_var(a, pstate, system, reference->location);
		if (list_length(reference->fields) == 2 &&
			strcmp(strVal(linitial(reference->fields)), a->source_alias) == 0)
			return make_system_var(a, pstate, system, reference->location);
	}
	if (list_length(reference->fields) == 1)
		return expand_alias(a, pstate, reference, name);
	return NULL;
}

/* Ours come first where they change the meaning, last where PostgreSQL found nothing. */
static Node *
resolve_column_first(ParseState *pstate, ColumnRef *reference)
{
	VeloAnalysis *a = pstate->p_ref_hook_state;

	return list_member_ptr(a->as_last, reference) ? resolve_column(pstate, reference, NULL) : NULL;
}

static Node *
resolve_column_last(ParseState *pstate, ColumnRef *reference, Node *found)
{
	return found ? NULL : resolve_column(pstate, reference, NULL);
}

void
velo_plan_set_hooks(ParseState *pstate, void *arg)
{
	pstate->p_ref_hook_state = arg;
	pstate->p_pre_columnref_hook = resolve_column_first;
	pstate->p_post_columnref_hook = resolve_column_last;
}
