/*
 * analyse.c
 *	  The lifted SELECT read by PostgreSQL's own parser and analyser.
 *
 * The name in FROM is replaced, before analysis, by a call of velo._rows() with
 * the source's columns as its column list.  So the analyser needs no relation:
 * the same way serves streams in the catalog, objects that exist only in the text
 * being validated, and inputs supplied by a bounded run.  Column privileges are
 * checked here instead (check_privileges).
 *
 * System columns are not columns of the source, so that SELECT * leaves them out;
 * reference.c finds them when they are named.  result.c makes the select list fit
 * what the statement makes or writes to.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <catalog/pg_collation.h>
#include <catalog/pg_type.h>
#include <commands/dbcommands.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <parser/analyze.h>
#include <parser/parse_expr.h>
#include <parser/parse_node.h>
#include <parser/parse_type.h>
#include <parser/parser.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/varlena.h>

#include "meta/meta.h"

int
velo_plan_error_in_core(const VeloAnalysis *analysis, int location)
{
	const LiftStatement *statement = analysis->request->statement;

	if (location < 0)
		return 0;
	return velo_plan_error_at(analysis->request->user_text,
							  velo_lift_origin(statement->query, location));
}

const char *
velo_plan_column_name(const VeloObject *source, AttrNumber number)
{
	if (number <= source->desc->natts)
		return NameStr(TupleDescAttr(source->desc, number - 1)->attname);
	if (number - source->desc->natts <= VELO_SYSTEM_COLUMNS)
		return velo_system_columns[number - source->desc->natts - 1].name;
	return NULL;
}

/* Raises that "what" is not supported, at a byte of the user's text. */
static void
refuse_at(const VeloAnalysis *a, const char *what, int byte, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not supported in a continuous query yet", what),
			 hint ? errhint("%s", hint) : 0, velo_plan_error_at(a->request->user_text, byte)));
}

/* The same at a place that the lifter noted, or at the start of the query. */
static void
refuse(const VeloAnalysis *a, const char *what, LiftSpan place, const char *hint)
{
	refuse_at(a, what, place.to > 0 ? place.from : a->request->statement->query->span.from, hint);
}

/* The same at a location in the query's core text. */
static void
refuse_node(const VeloAnalysis *a, const char *what, int location, const char *hint)
{
	const LiftText *query = a->request->statement->query;

	refuse_at(a, what, location >= 0 ? velo_lift_origin(query, location) : query->span.from, hint);
}

/* --- the raw tree --------------------------------------------------------- */

static SelectStmt *
parse_select(const VeloPlanRequest *request)
{
	VeloErrorPlace place;
	List *parsed;
	RawStmt *raw;

	/* A few of the grammar's own errors have no position. */
	velo_plan_error_place_push(&place, request->user_text, request->statement->query->span);
	parsed = raw_parser(request->statement->query->text, RAW_PARSE_DEFAULT);
	velo_plan_error_place_pop(&place);
	raw = parsed ? linitial_node(RawStmt, parsed) : NULL;
	if (list_length(parsed) != 1 || !IsA(raw->stmt, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR), errmsg("a continuous query must be one SELECT"),
				 velo_plan_error_at(request->user_text, request->statement->query->span.from)));
	return (SelectStmt *) raw->stmt;
}

static const char *
set_name(SetOperation op)
{
	return op == SETOP_UNION ? "UNION" : op == SETOP_INTERSECT ? "INTERSECT" : "EXCEPT";
}

static void
check_grouping_sets(const VeloAnalysis *a)
{
	ListCell *cell;

	foreach(cell, a->select->groupClause)
	{
		GroupingSet *set = lfirst(cell);

		if (IsA(set, GroupingSet) && set->kind != GROUPING_SET_EMPTY)
			refuse_node(a,
						set->kind == GROUPING_SET_ROLLUP ? "ROLLUP"
						: set->kind == GROUPING_SET_CUBE ? "CUBE"
														 : "GROUPING SETS",
						set->location, NULL);
		else if (IsA(set, GroupingSet))
			refuse_node(a, "GROUP BY ()", set->location, "Leave out GROUP BY.");
	}
}

static void
check_source(const VeloAnalysis *a)
{
	const LiftPlaces *places = &a->request->statement->places;
	Node *source = linitial(a->select->fromClause);

	if (list_length(a->select->fromClause) > 1)
		refuse(a, "a second source in FROM", places->join, NULL);
	if (IsA(source, JoinExpr))
		refuse(a, "JOIN", places->join, NULL);
	if (IsA(source, RangeSubselect))
		refuse(a, "a subquery in FROM", places->source,
			   "Make it a stream of its own with CREATE STREAM ... AS.");
	if (IsA(source, RangeTableSample))
		refuse_node(a, "TABLESAMPLE", ((RangeTableSample *) source)->location, NULL);
	if (!IsA(source, RangeVar))
		refuse(a, "a function in FROM", places->source, "Name a stream in FROM.");
}

static void
check_shape(const VeloAnalysis *a)
{
	const LiftPlaces *places = &a->request->statement->places;
	SelectStmt *select = a->select;

	if (select->op != SETOP_NONE)
		refuse(a, set_name(select->op), places->set,
			   select->op == SETOP_UNION
				   ? "Write one INSERT INTO ... SELECT into the same stream for each part."
				   : NULL);
	if (select->withClause)
		refuse_node(a, "WITH", select->withClause->location,
					"Make it a stream of its own with CREATE STREAM ... AS.");
	if (select->valuesLists)
		refuse_node(a, "VALUES", -1, "Use INSERT INTO a stream.");
	if (select->distinctClause && linitial(select->distinctClause) != NULL)
		refuse(a, "DISTINCT ON", places->distinct, "GROUP BY its columns, and use velo.first().");
	if (select->windowClause)
		refuse_node(a, "OVER", linitial_node(WindowDef, select->windowClause)->location, NULL);
	if (select->lockingClause)
		refuse(a, "FOR UPDATE or FOR SHARE", places->lock, NULL);
	if (select->limitOffset)
		refuse(a, "OFFSET", places->offset, NULL);
	if (select->limitOption == LIMIT_OPTION_WITH_TIES)
		refuse(a, "FETCH with WITH TIES", places->limit, NULL);
	check_grouping_sets(a);
	if (select->fromClause == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR), errmsg("a continuous query needs a source in FROM"),
				 errhint("Add FROM and the name of a stream."),
				 velo_plan_error_at(a->request->user_text,
									a->request->statement->query->span.from)));
	check_source(a);
}

static VeloObject *
resolve_source(VeloAnalysis *a)
{
	const VeloPlanRequest *request = a->request;
	RangeVar *range = linitial_node(RangeVar, a->select->fromClause);
	VeloObject *object;

	if (range->catalogname && strcmp(range->catalogname, get_database_name(MyDatabaseId)) != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cross-database references are not implemented: \"%s.%s.%s\"",
							   range->catalogname, range->schemaname, range->relname),
						velo_plan_error_in_core(a, range->location)));
	if (request->relations)
		object = velo_plan_object_of(linitial_oid(request->relations));
	else
		object = velo_plan_object(request->declared, range->schemaname, range->relname);
	if (object == NULL)
	{
		const char *hint = velo_plan_object_hint(
			request->declared, range->schemaname, range->relname,
			"Declare it with CREATE STREAM, or list what there is with SHOW STREAMS.");

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("stream \"%s\" does not exist",
						range->schemaname ? psprintf("%s.%s", range->schemaname, range->relname)
										  : range->relname),
				 errhint("%s", hint), velo_plan_error_in_core(a, range->location)));
	}
	if (!object->is_stream)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("reading the changes of table \"%s\" is not supported yet", object->name),
				 errhint("Read a stream, or leave out EMIT to read the table as it is now."),
				 velo_plan_error_in_core(a, range->location)));
	a->source_alias = range->alias ? range->alias->aliasname : range->relname;
	if (range->alias && range->alias->colnames)
		refuse_node(a, "a list of column aliases", range->location,
					"Rename columns in the select list with AS.");
	return object;
}

/* FROM velo._rows() AS alias (columns of the source) */
static RangeFunction *
make_stand_in(const VeloAnalysis *a, int location)
{
	RangeFunction *range = makeNode(RangeFunction);
	FuncCall *call = makeFuncCall(list_make2(makeString("velo"), makeString("_rows")), NIL,
								  COERCE_EXPLICIT_CALL, location);

	for (int i = 0; i < a->source->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(a->source->desc, i);
		ColumnDef *column = makeNode(ColumnDef);

		if (att->attisdropped)
		{
			column->colname = psprintf("........dropped.%d", i + 1);
			column->typeName = makeTypeNameFromOid(INT4OID, -1);
		}
		else
		{
			column->colname = pstrdup(NameStr(att->attname));
			column->typeName = makeTypeNameFromOid(att->atttypid, att->atttypmod);
			column->collOid = att->attcollation;
		}
		column->location = -1;
		range->coldeflist = lappend(range->coldeflist, column);
	}
	range->functions = list_make1(list_make2(call, NIL));
	range->alias = makeAlias(a->source_alias, NIL);
	return range;
}

static Query *
analyse_select(VeloAnalysis *a, SelectStmt *select, const char *text)
{
	RawStmt *raw = makeNode(RawStmt);
	MemoryContext context = CurrentMemoryContext;
	Query *volatile query = NULL;

	raw->stmt = (Node *) select;
	PG_TRY();
	{
		query = parse_analyze_withcb(raw, text, velo_plan_set_hooks, a, NULL);
	}
	PG_CATCH();
	{
		ErrorData *error;

		/* What could have been called is in the catalog, which no error callback may read. */
		if (geterrcode() != ERRCODE_UNDEFINED_FUNCTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		velo_plan_hint_at_functions(select, error);
		ReThrowError(error);
	}
	PG_END_TRY();
	return query;
}

/* --- window --------------------------------------------------------------- */

/* Sorts the arguments into durations and the time expression; lift checked the shapes. */
static Node *
analyse_window(VeloAnalysis *a, int source_location)
{
	const LiftStatement *statement = a->request->statement;
	const LiftWindow *window = statement->window;
	LiftWindowArg *time_arg = NULL;
	int durations = 0;

	if (window->kind == LIFT_WINDOW_SESSION)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("WINDOW SESSION is not supported yet"),
						velo_plan_error_at(a->request->user_text, window->span.from)));
	for (LiftWindowArg *arg = window->args; arg; arg = arg->next)
	{
		if (!arg->is_duration)
			time_arg = arg;
		else if (durations < 2)
			a->window_args[durations++] = arg;
	}
	if (time_arg == NULL)
		return NULL;
	else
	{
		VeloErrorMap map;
		SelectStmt *select = makeNode(SelectStmt);
		List *parsed;
		ResTarget *target;
		Query *query;
		Node *expr;
		Oid type;

		velo_plan_error_map_push(&map, a->request->user_text, time_arg->expr);
		parsed = raw_parser(time_arg->expr->text, RAW_PARSE_PLPGSQL_EXPR);
		target = linitial_node(ResTarget,
							   ((SelectStmt *) linitial_node(RawStmt, parsed)->stmt)->targetList);
		select->targetList = list_make1(target);
		select->fromClause = list_make1(make_stand_in(a, -1));
		query = analyse_select(a, select, time_arg->expr->text);
		velo_plan_error_map_pop(&map);
		expr = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
		if (query->hasAggs || query->hasSubLinks || query->hasWindowFuncs || query->hasTargetSRFs)
			ereport(ERROR, (errcode(ERRCODE_WINDOWING_ERROR),
							errmsg("the time of a window must be an expression over one row"),
							velo_plan_error_at(a->request->user_text, time_arg->span.from)));
		type = getBaseType(exprType(expr));
		switch (type)
		{
			case TIMESTAMPTZOID:
			case TIMESTAMPOID:
			case DATEOID:
			case INT8OID:
			case INT4OID:
			case NUMERICOID:
				break;
			default:
				ereport(
					ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("the time of a window cannot be of type %s", format_type_be(type)),
					 errhint(
						 "Use timestamptz, timestamp, date, or bigint milliseconds since 1970."),
					 velo_plan_error_at(a->request->user_text, time_arg->span.from)));
		}
		return expr;
	}
}

/* --- the query as a whole ------------------------------------------------- */

static ColumnRef *
system_reference(VeloSystemColumn column)
{
	ColumnRef *reference = makeNode(ColumnRef);

	reference->fields = list_make1(makeString(pstrdup(velo_system_columns[column].name)));
	reference->location = -1;
	return reference;
}

/* Raises an error at the first subquery, OVER or set-returning function. */
static bool
refuse_constructs(Node *node, void *context)
{
	const VeloAnalysis *a = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		refuse_node(a, "a subquery in an expression", exprLocation(node), NULL);
	if (IsA(node, WindowFunc))
		refuse_node(a, "OVER", exprLocation(node), NULL);
	if ((IsA(node, FuncExpr) && ((FuncExpr *) node)->funcretset) ||
		(IsA(node, OpExpr) && ((OpExpr *) node)->opretset))
		refuse_node(a, "a set-returning function", exprLocation(node), NULL);
	return expression_tree_walker(node, refuse_constructs, context);
}

static void
check_query(VeloAnalysis *a)
{
	Query *query = a->query;

	refuse_constructs((Node *) query->targetList, a);
	refuse_constructs((Node *) query->jointree->quals, a);
	refuse_constructs(query->havingQual, a);
	refuse_constructs(query->limitCount, a);
}

/* The rights that a SELECT of these columns from the stream's relation needs. */
static void
check_privileges(const VeloAnalysis *a)
{
	Oid relation = a->source->relation;
	Bitmapset *used = NULL;
	int member = -1;
	bool any = false;

	if (!OidIsValid(relation) ||
		pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	pull_varattnos((Node *) a->query->targetList, 1, &used);
	pull_varattnos((Node *) a->query->jointree, 1, &used);
	pull_varattnos(a->query->havingQual, 1, &used);
	if (a->window_time)
		pull_varattnos(a->window_time, 1, &used);
	while ((member = bms_next_member(used, member)) >= 0)
	{
		AttrNumber number = member + FirstLowInvalidHeapAttributeNumber;

		if (number < 1 || number > a->source_natts)
			continue;
		any = true;
		if (pg_attribute_aclcheck(relation, number, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			velo_plan_deny(a->source);
	}
	if (!any &&
		pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
		velo_plan_deny(a->source);
}

/* The stand-in gets the system columns now that stars have been expanded. */
static void
add_system_columns(Query *query)
{
	RangeTblEntry *rte = linitial_node(RangeTblEntry, query->rtable);
	RangeTblFunction *function = linitial_node(RangeTblFunction, rte->functions);

	for (int i = 0; i < VELO_SYSTEM_COLUMNS; i++)
	{
		Oid type = velo_system_columns[i].type;

		function->funccolnames = lappend(function->funccolnames,
										 makeString(pstrdup(velo_system_columns[i].name)));
		function->funccoltypes = lappend_oid(function->funccoltypes, type);
		function->funccoltypmods = lappend_int(function->funccoltypmods, -1);
		function->funccolcollations = lappend_oid(function->funccolcollations,
												  type == TEXTOID ? DEFAULT_COLLATION_OID
																  : InvalidOid);
		function->funccolcount++;
		rte->eref->colnames = lappend(rte->eref->colnames,
									  makeString(pstrdup(velo_system_columns[i].name)));
	}
}

VeloAnalysis *
velo_plan_analyse(const VeloPlanRequest *request)
{
	VeloAnalysis *a = palloc0(sizeof(VeloAnalysis));
	const LiftStatement *statement = request->statement;
	VeloErrorMap map;
	VeloErrorPlace place;
	RangeVar *range;
	int guc_level;

	a->request = request;
	velo_plan_error_map_push(&map, request->user_text, statement->query);
	a->select = parse_select(request);
	velo_plan_error_map_pop(&map);
	check_shape(a);

	range = linitial_node(RangeVar, a->select->fromClause);
	a->source = resolve_source(a);
	a->source_natts = a->source->desc->natts;
	a->bound = velo_plan_bind(request->user_text, statement, range->relname, a->source_alias,
							  a->source->type,
							  statement->kind == LIFT_CREATE_AS ? statement->name->name : NULL);
	a->is_last_ungrouped = strcmp(velo_base_option_text(a->bound.job, "group.ungrouped"), "last") ==
						   0;

	/* Functions and types: velo's first, then the caller's; relations are settled. */
	guc_level = velo_plan_path_begin();

	a->is_windowed = statement->window != NULL;
	velo_plan_error_map_push(&map, request->user_text, statement->query);
	velo_plan_replace_bounds(a);
	velo_plan_error_map_pop(&map);
	a->is_grouped = a->select->groupClause != NIL || a->select->havingClause != NULL ||
					velo_plan_has_aggregate((Node *) a->select->targetList, NULL);
	velo_plan_rewrite_calls((Node *) a->select->targetList, NULL);
	velo_plan_rewrite_calls(a->select->whereClause, NULL);
	velo_plan_rewrite_calls((Node *) a->select->groupClause, NULL);
	velo_plan_rewrite_calls(a->select->havingClause, NULL);
	if (a->select->distinctClause)
		velo_plan_group_distinct(a);
	velo_plan_take_key_items(a);
	velo_plan_place_about_row(a);
	if (a->is_grouped)
	{
		if (!a->is_distinct)
			velo_plan_find_as_last(a);
		if (a->is_windowed)
		{
			a->select->groupClause = lappend(a->select->groupClause,
											 system_reference(VELO_WINDOW_START));
			a->select->groupClause = lappend(a->select->groupClause,
											 system_reference(VELO_WINDOW_END));
		}
	}
	if (a->is_windowed)
		a->window_time = analyse_window(a, range->location);

	a->select->fromClause = list_make1(make_stand_in(a, range->location));
	velo_plan_error_map_push(&map, request->user_text, statement->query);
	a->query = analyse_select(a, a->select, statement->query->text);
	velo_plan_error_map_pop(&map);
	check_query(a);
	velo_plan_fit_result(a);
	AtEOXact_GUC(true, guc_level);
	velo_plan_error_place_push(&place, request->user_text, statement->places.source);
	check_privileges(a);
	velo_plan_error_place_pop(&place);
	add_system_columns(a->query);
	return a;
}
