/*
 * grouping.c
 *	  GROUP BY, HAVING and aggregates: PostgreSQL's planner makes an Agg node, and
 *	  that node is taken out of its plan.
 *
 * What the engine needs of the node: group columns, transition functions, the
 * expressions above the aggregates and the HAVING condition, all resolved,
 * checked and simplified by PostgreSQL.  What it does not want: the node's input,
 * its hash table, and sorting.  So
 *
 *	- aggregates with DISTINCT, ORDER BY or WITHIN GROUP, and those whose state
 *	  cannot be saved or would be destroyed by finishing it, are replaced before
 *	  planning ("replayed", see VeloGrouping); without them the planner can always
 *	  hash;
 *	- the node's child, a scan of the stand-in for the source, gives its target
 *	  list ("input") and is replaced by a Result of the same types;
 *	- arguments and FILTERs of aggregates are moved into "input".
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <access/htup_details.h>
#include <catalog/pg_aggregate.h>
#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <optimizer/planner.h>
#include <optimizer/tlist.h>
#include <parser/parse_func.h>
#include <tcop/tcopprot.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>

PlannedStmt *
velo_plan_with_planner(Query *query, const char *text)
{
	static const char *const settings[][2] = {
		{"enable_hashagg", "on"},
		{"enable_sort", "off"},
		{"jit", "off"},
		{"max_parallel_workers_per_gather", "0"},
	};
	int level = NewGUCNestLevel();
	PlannedStmt *planned;

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	planned = pg_plan_query(query, text, 0, NULL);
	AtEOXact_GUC(true, level);
	return planned;
}

/* --- replayed aggregates --------------------------------------------------- */

typedef struct Replay
{
	VeloAnalysis *analysis;
	List *arguments;  /* Expr over the source's row: the kept columns */
	List *aggregates; /* the real Aggrefs, over Vars of the kept columns */
	int first_column; /* number of the first result column of the stand-in */
} Replay;

static bool
must_replay(Aggref *aggref)
{
	HeapTuple tuple;
	Form_pg_aggregate form;
	bool replay;

	if (aggref->aggdistinct || aggref->aggorder || aggref->aggkind != AGGKIND_NORMAL)
		return true;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggref->aggfnoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggref->aggfnoid);
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	replay = (form->aggtranstype == INTERNALOID &&
			  !(OidIsValid(form->aggserialfn) && OidIsValid(form->aggdeserialfn))) ||
			 form->aggfinalmodify != AGGMODIFY_READ_ONLY;
	ReleaseSysCache(tuple);
	return replay;
}

/* The kept column of an expression, as a Var of the replay query. */
static Var *
keep_argument(Replay *replay, Expr *expr)
{
	ListCell *cell;
	int number = 0;

	foreach(cell, replay->arguments)
	{
		number++;
		if (equal(lfirst(cell), expr))
			break;
	}
	if (cell == NULL)
	{
		replay->arguments = lappend(replay->arguments, copyObject(expr));
		number = list_length(replay->arguments);
	}
	return makeVar(1, number, exprType((Node *) expr), exprTypmod((Node *) expr),
				   exprCollation((Node *) expr), 0);
}

static Node *
replace_replayed(Node *node, Replay *replay)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Aggref) && must_replay((Aggref *) node))
	{
		Aggref *real = copyObject((Aggref *) node);
		ListCell *cell;
		int number = 0;

		foreach(cell, real->args)
		{
			TargetEntry *entry = lfirst_node(TargetEntry, cell);

			if (!IsA(entry->expr, Const))
				entry->expr = (Expr *) keep_argument(replay, entry->expr);
		}
		/* Direct arguments of ordered-set aggregates are over grouped columns. */
		foreach(cell, real->aggdirectargs)
			if (contain_var_clause(lfirst(cell)))
				lfirst(cell) = keep_argument(replay, lfirst(cell));
		if (real->aggfilter)
			real->aggfilter = (Expr *) keep_argument(replay, real->aggfilter);
		foreach(cell, replay->aggregates)
		{
			if (equal(lfirst(cell), real))
				break;
			number++;
		}
		if (cell == NULL)
			replay->aggregates = lappend(replay->aggregates, real);
		return (Node *) makeVar(1, replay->first_column + number, real->aggtype, -1,
								real->aggcollid, 0);
	}
	return expression_tree_mutator(node, replace_replayed, replay);
}

/* velo._inputs(kept columns …), as a hidden item of the target list. */
static void
add_inputs_aggregate(Query *query, Replay *replay)
{
	ListCell *cell;
	Aggref *aggref = makeNode(Aggref);
	Oid any = ANYOID;
	Oid function = LookupFuncName(list_make2(makeString("velo"), makeString("_inputs")), 1, &any,
								  false);

	aggref->aggfnoid = function;
	aggref->aggtype = BYTEAOID;
	aggref->aggtranstype = InvalidOid;
	aggref->aggvariadic = false;
	aggref->aggkind = AGGKIND_NORMAL;
	aggref->aggsplit = AGGSPLIT_SIMPLE;
	aggref->aggno = -1;
	aggref->aggtransno = -1;
	aggref->location = -1;
	foreach(cell, replay->arguments)
	{
		Expr *expr = lfirst(cell);

		aggref->args = lappend(aggref->args,
							   makeTargetEntry(expr, foreach_current_index(cell) + 1, NULL, false));
		aggref->aggargtypes = lappend_oid(aggref->aggargtypes, exprType((Node *) expr));
	}
	query->targetList = lappend(query->targetList,
								makeTargetEntry((Expr *) aggref, list_length(query->targetList) + 1,
												pstrdup("?inputs?"), true));
	query->hasAggs = true;
}

/*
 * HAVING, as a hidden item of the target list.  What has no aggregates (replayed ones
 * have been replaced) the planner would take for a condition over rows and check before
 * they are grouped; and a key that it finds to be constant it would not group by.
 */
static void
hide_having(Query *query)
{
	query->targetList = lappend(query->targetList,
								makeTargetEntry((Expr *) query->havingQual,
												list_length(query->targetList) + 1,
												pstrdup("?having?"), true));
	query->havingQual = NULL;
}

/* … and back, after planning. */
static void
restore_having(Agg *agg)
{
	ListCell *cell;

	foreach(cell, agg->plan.targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (entry->resjunk && entry->resname && strcmp(entry->resname, "?having?") == 0)
		{
			agg->plan.qual = make_ands_implicit(entry->expr);
			agg->plan.targetlist = foreach_delete_current(agg->plan.targetlist, cell);
			return;
		}
	}
}

/* Result columns of the replayed aggregates, behind the stand-in's own. */
static void
add_replay_columns(Query *query, Replay *replay)
{
	RangeTblEntry *rte = linitial_node(RangeTblEntry, query->rtable);
	RangeTblFunction *function = linitial_node(RangeTblFunction, rte->functions);
	ListCell *cell;

	foreach(cell, replay->aggregates)
	{
		Aggref *aggref = lfirst_node(Aggref, cell);
		char *name = psprintf("?replay%d?", foreach_current_index(cell) + 1);

		function->funccolnames = lappend(function->funccolnames, makeString(name));
		function->funccoltypes = lappend_oid(function->funccoltypes, aggref->aggtype);
		function->funccoltypmods = lappend_int(function->funccoltypmods, -1);
		function->funccolcollations = lappend_oid(function->funccolcollations, aggref->aggcollid);
		function->funccolcount++;
		rte->eref->colnames = lappend(rte->eref->colnames, makeString(name));
	}
}

/* SELECT aggregates FROM velo._replay() AS (kept columns) */
static Query *
make_replay_query(Replay *replay, TupleDesc *desc)
{
	Query *query = makeNode(Query);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblFunction *function = makeNode(RangeTblFunction);
	RangeTblRef *reference = makeNode(RangeTblRef);
	Oid rows = LookupFuncName(list_make2(makeString("velo"), makeString("_replay")), 0, NULL,
							  false);
	ListCell *cell;

	*desc = CreateTemplateTupleDesc(Max(1, list_length(replay->arguments)));
	rte->rtekind = RTE_FUNCTION;
	rte->inFromCl = true;
	rte->alias = rte->eref = makeAlias("replay", NIL);
	function->funcexpr = (Node *) makeFuncExpr(rows, RECORDOID, NIL, InvalidOid, InvalidOid,
											   COERCE_EXPLICIT_CALL);
	((FuncExpr *) function->funcexpr)->funcretset = true;
	foreach(cell, replay->arguments)
	{
		Node *expr = lfirst(cell);
		int number = foreach_current_index(cell) + 1;
		char *name = psprintf("c%d", number);

		TupleDescInitEntry(*desc, number, name, exprType(expr), exprTypmod(expr), 0);
		TupleDescInitEntryCollation(*desc, number, exprCollation(expr));
		function->funccolnames = lappend(function->funccolnames, makeString(name));
		function->funccoltypes = lappend_oid(function->funccoltypes, exprType(expr));
		function->funccoltypmods = lappend_int(function->funccoltypmods, exprTypmod(expr));
		function->funccolcollations = lappend_oid(function->funccolcollations, exprCollation(expr));
		rte->eref->colnames = lappend(rte->eref->colnames, makeString(name));
	}
	if (replay->arguments == NIL)
	{
		/* Only constants are aggregated; rows still have to be counted. */
		TupleDescInitEntry(*desc, 1, "c1", BOOLOID, -1, 0);
		function->funccolnames = list_make1(makeString("c1"));
		function->funccoltypes = list_make1_oid(BOOLOID);
		function->funccoltypmods = list_make1_int(-1);
		function->funccolcollations = list_make1_oid(InvalidOid);
		rte->eref->colnames = list_make1(makeString("c1"));
	}
	function->funccolcount = (*desc)->natts;
	rte->functions = list_make1(function);
	reference->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->hasAggs = true;
	query->rtable = list_make1(rte);
	query->jointree = makeFromExpr(list_make1(reference), NULL);
	foreach(cell, replay->aggregates)
		query->targetList = lappend(query->targetList,
									makeTargetEntry(copyObject(lfirst(cell)),
													foreach_current_index(cell) + 1, "", false));
	return query;
}

/* --- taking the Agg node out of the plan ----------------------------------- */

typedef struct MoveArguments
{
	VeloGrouping *grouping;
	List *scan_tlist; /* what OUTER_VAR numbers mean, over the source's row */
} MoveArguments;

/* OUTER_VARs of the child become the child's own expressions. */
static Node *
to_source_row(Node *node, MoveArguments *move)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == OUTER_VAR)
	{
		TargetEntry *entry = list_nth_node(TargetEntry, move->scan_tlist,
										   ((Var *) node)->varattno - 1);

		return copyObject((Node *) entry->expr);
	}
	return expression_tree_mutator(node, to_source_row, move);
}

/* Makes an expression over the child a column of "input"; returns the reference. */
static Expr *
move_to_input(MoveArguments *move, Expr *expr)
{
	List *input = move->grouping->input;
	Expr *over_row;
	ListCell *cell;
	int number = 0;

	if (IsA(expr, Const) || (IsA(expr, Var) && ((Var *) expr)->varno == OUTER_VAR))
		return expr;
	over_row = (Expr *) to_source_row((Node *) expr, move);
	foreach(cell, input)
	{
		number++;
		if (equal(lfirst_node(TargetEntry, cell)->expr, over_row))
			break;
	}
	if (cell == NULL)
	{
		number = list_length(input) + 1;
		move->grouping->input = lappend(input, makeTargetEntry(over_row, number, NULL, false));
	}
	return (Expr *) makeVar(OUTER_VAR, number, exprType((Node *) expr), exprTypmod((Node *) expr),
							exprCollation((Node *) expr), 0);
}

static bool
move_arguments(Node *node, MoveArguments *move)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		Aggref *aggref = (Aggref *) node;
		ListCell *cell;

		foreach(cell, aggref->args)
		{
			TargetEntry *entry = lfirst_node(TargetEntry, cell);

			entry->expr = move_to_input(move, entry->expr);
		}
		if (aggref->aggfilter)
			aggref->aggfilter = move_to_input(move, aggref->aggfilter);
		return false;
	}
	return expression_tree_walker(node, move_arguments, move);
}

static Agg *
find_agg(Plan *plan)
{
	if (plan && IsA(plan, Agg))
		return (Agg *) plan;
	return NULL;
}

/* The number of the "input" column that is a certain system column, or 0. */
static AttrNumber
input_of_system(VeloGrouping *grouping, int source_natts, VeloSystemColumn column)
{
	ListCell *cell;

	foreach(cell, grouping->input)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (IsA(entry->expr, Var) && ((Var *) entry->expr)->varattno == source_natts + column + 1)
			return entry->resno;
	}
	return 0;
}

static bool
find_inputs_aggno(Node *node, void *context)
{
	int *aggno = context;

	if (node == NULL)
		return false;
	if (IsA(node, TargetEntry) && ((TargetEntry *) node)->resjunk &&
		IsA(((TargetEntry *) node)->expr, Aggref) && ((TargetEntry *) node)->resname &&
		strcmp(((TargetEntry *) node)->resname, "?inputs?") == 0)
	{
		*aggno = ((Aggref *) ((TargetEntry *) node)->expr)->aggno;
		return true;
	}
	return expression_tree_walker(node, find_inputs_aggno, context);
}

/*
 * PostgreSQL's planner takes all columns of a scan, because its scans have them anyway.
 * Ours have to make them: those that nothing looks at become NULL, in their places.
 */
static void
drop_unused_input(VeloGrouping *grouping)
{
	Agg *agg = grouping->agg;
	Bitmapset *used = NULL;
	ListCell *cell;

	pull_varattnos((Node *) agg->plan.targetlist, OUTER_VAR, &used);
	pull_varattnos((Node *) agg->plan.qual, OUTER_VAR, &used);
	for (int i = 0; i < agg->numCols; i++)
		used = bms_add_member(used, agg->grpColIdx[i] - FirstLowInvalidHeapAttributeNumber);
	foreach(cell, grouping->input)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		Node *expr = (Node *) entry->expr;

		if (IsA(expr, Var) && entry->resno != grouping->window_start &&
			entry->resno != grouping->window_end &&
			!bms_is_member(entry->resno - FirstLowInvalidHeapAttributeNumber, used))
			entry->expr = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
												 exprCollation(expr));
	}
}

void
velo_plan_grouping(VeloPlan *plan, VeloAnalysis *analysis)
{
	VeloGrouping *grouping = palloc0(sizeof(VeloGrouping));
	Query *query = analysis->query;
	Replay replay = {.analysis = analysis};
	MoveArguments move = {.grouping = grouping};
	PlannedStmt *planned;
	Agg *agg;
	Plan *child;
	Result *stand_in;
	ListCell *cell;
	int replay_first;

	replay_first = analysis->source_natts + VELO_SYSTEM_COLUMNS + 1;
	replay.first_column = replay_first;
	query->targetList = (List *) replace_replayed((Node *) query->targetList, &replay);
	query->havingQual = replace_replayed(query->havingQual, &replay);
	grouping->inputs_aggno = -1;
	if (replay.aggregates)
	{
		if (replay.arguments == NIL)
			replay.arguments = list_make1(makeBoolConst(true, false));
		add_replay_columns(query, &replay);
		add_inputs_aggregate(query, &replay);
		grouping->replay_query = make_replay_query(&replay, &grouping->replay_desc);
	}

	if (query->havingQual)
		hide_having(query);
	planned = velo_plan_with_planner(query, analysis->request->statement->query->text);
	agg = find_agg(planned->planTree);
	if (agg == NULL || (agg->aggstrategy != AGG_HASHED && agg->aggstrategy != AGG_PLAIN) ||
		agg->groupingSets)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("this grouping is not supported in a continuous query"),
						errdetail("Every GROUP BY column must be of a type that can be hashed."),
						velo_plan_error_at_place(analysis->request->user_text,
												 analysis->request->statement->places.group)));
	child = outerPlan(agg);
	if (IsA(child, Result) && outerPlan(child))
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a condition without columns is not supported in HAVING of a continuous query"),
			 velo_plan_error_at_place(analysis->request->user_text,
									  analysis->request->statement->places.having)));
	restore_having(agg);
	grouping->agg = agg;
	grouping->input = copyObject(child->targetlist);
	move.scan_tlist = child->targetlist;
	plan->window_filter = copyObject(child->qual);

	move_arguments((Node *) agg->plan.targetlist, &move);
	move_arguments((Node *) agg->plan.qual, &move);

	stand_in = makeNode(Result);
	foreach(cell, grouping->input)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		Node *expr = (Node *) entry->expr;

		entry->resno = foreach_current_index(cell) + 1;
		stand_in->plan.targetlist = lappend(stand_in->plan.targetlist,
											makeTargetEntry((Expr *)
																makeNullConst(exprType(expr),
																			  exprTypmod(expr),
																			  exprCollation(expr)),
															entry->resno, NULL, false));
		/* Replayed results have no value while rows come in. */
		if (IsA(expr, Var) && ((Var *) expr)->varattno >= replay_first)
		{
			int column = ((Var *) expr)->varattno - replay_first;

			while (list_length(grouping->replay_columns) <= column)
				grouping->replay_columns = lappend_int(grouping->replay_columns, 0);
			lfirst_int(list_nth_cell(grouping->replay_columns, column)) = entry->resno;
			entry->expr = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
												 exprCollation(expr));
		}
	}
	outerPlan(agg) = (Plan *) stand_in;
	if (replay.aggregates)
		find_inputs_aggno((Node *) agg->plan.targetlist, &grouping->inputs_aggno);
	if (analysis->is_windowed)
	{
		grouping->window_start = input_of_system(grouping, analysis->source_natts,
												 VELO_WINDOW_START);
		grouping->window_end = input_of_system(grouping, analysis->source_natts, VELO_WINDOW_END);
	}
	drop_unused_input(grouping);
	plan->grouping = grouping;
}
