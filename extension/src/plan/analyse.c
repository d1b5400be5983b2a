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
 * a hook resolves them to column numbers behind the user's.  The same hook knows
 * aliases of earlier select items.
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
#include <commands/dbcommands.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <parser/analyze.h>
#include <parser/parse_coerce.h>
#include <parser/parse_expr.h>
#include <parser/parse_node.h>
#include <parser/parse_target.h>
#include <parser/parse_type.h>
#include <parser/parser.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/varlena.h>

#include "base/compat.h"
#include "meta/meta.h"
#include "source/native_storage.h"

#define MAX_ALIAS_DEPTH 64

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
	if (select->distinctClause)
		refuse(a, "DISTINCT", places->distinct, "GROUP BY the columns instead.");
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

static bool
has_aggregate(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && is_aggregate_call((FuncCall *) node))
		return true;
	if (IsA(node, SubLink) || IsA(node, SelectStmt))
		return false;
	return raw_expression_tree_walker(node, has_aggregate, context);
}

/* The column name at the end of a reference, or NULL for a star. */
static const char *
last_field(ColumnRef *reference)
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
		const char *name = last_field((ColumnRef *) node);
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

/* --- column references ---------------------------------------------------- */

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
	const char *name = last_field(reference);
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

static void
set_hooks(ParseState *pstate, void *arg)
{
	pstate->p_ref_hook_state = arg;
	pstate->p_pre_columnref_hook = resolve_column_first;
	pstate->p_post_columnref_hook = resolve_column_last;
}

static Query *
analyse_select(VeloAnalysis *a, SelectStmt *select, const char *text)
{
	RawStmt *raw = makeNode(RawStmt);

	raw->stmt = (Node *) select;
	return parse_analyze_withcb(raw, text, set_hooks, a, NULL);
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

static ResTarget *
make_target(const char *name, const char *expression)
{
	List *parsed = raw_parser(expression, RAW_PARSE_PLPGSQL_EXPR);
	ResTarget *target = linitial_node(ResTarget,
									  ((SelectStmt *) linitial_node(RawStmt, parsed)->stmt)
										  ->targetList);

	target->name = pstrdup(name);
	target->location = -1;
	return target;
}

/* The output name PostgreSQL will give to a select item. */
static const char *
item_name(ResTarget *item)
{
	return item->name ? item->name : FigureColname(item->val);
}

static void
take_key_items(VeloAnalysis *a)
{
	for (LiftKeyItem *key = a->request->statement->key_items; key; key = key->next)
	{
		ResTarget *item;

		if (key->item >= list_length(a->select->targetList))
			continue;
		item = list_nth_node(ResTarget, a->select->targetList, key->item);
		if (IsA(item->val, ColumnRef) && last_field((ColumnRef *) item->val) == NULL)
			ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("PRIMARY KEY cannot follow *"),
							errhint("Name the key columns before the *, or list all columns."),
							velo_plan_error_at(a->request->user_text, key->span.from)));
		a->key_names = lappend(a->key_names, pstrdup(item_name(item)));
	}
}

/*
 * A native stream also keeps each row's event time.  An output column of that
 * name sets it (and leaves the payload); otherwise it follows from the query.
 */
static void
place_event_time(VeloAnalysis *a)
{
	ListCell *cell;

	foreach(cell, a->select->targetList)
	{
		ResTarget *item = lfirst_node(ResTarget, cell);

		if (strcmp(item_name(item), "_event_time") == 0)
		{
			item->name = "_event_time";
			a->select->targetList = foreach_delete_current(a->select->targetList, cell);
			a->select->targetList = lappend(a->select->targetList, item);
			return;
		}
	}
	a->select->targetList = lappend(a->select->targetList,
									make_target("_event_time",
												!a->is_grouped ? "_event_time"
												: a->is_windowed
													? "_window_end - interval '1 microsecond'"
													: "max(_event_time)"));
}

/* Rows that come from Kafka and go to Kafka pass their headers on. */
static void
place_headers(VeloAnalysis *a)
{
	const char *type = a->request->target_type ? a->request->target_type
											   : velo_base_option_text(a->bound.sink, "type");

	a->keeps_headers = !a->is_grouped && type && strcmp(type, "kafka") == 0;
	if (a->keeps_headers)
		a->select->targetList = lappend(a->select->targetList, make_target("_headers", "_headers"));
}

/* The outputs that are not the row itself, but what the stream keeps of it. */
static bool
is_about_row(const VeloAnalysis *a, const TargetEntry *entry)
{
	if (!a->request->for_stream)
		return false;
	return strcmp(entry->resname, "_event_time") == 0 ||
		   (a->keeps_headers && strcmp(entry->resname, "_headers") == 0);
}

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

/* The names of what CREATE … AS makes: no two of one name, none of the system's. */
static void
check_output_names(const VeloAnalysis *a)
{
	const LiftStatement *statement = a->request->statement;
	List *seen = NIL;
	ListCell *cell;

	if (statement->kind != LIFT_CREATE_AS)
		return;
	foreach(cell, a->query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		int location = exprLocation((Node *) entry->expr);
		ListCell *other;

		if (entry->resjunk || is_about_row(a, entry))
			continue;
		if (!statement->is_table && velo_source_native_is_reserved(entry->resname))
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("column name \"%s\" is reserved for a system column of streams",
								   entry->resname),
							errhint("Give it another name with AS."),
							velo_plan_error_in_core(a, location)));
		foreach(other, seen)
			if (strcmp(lfirst(other), entry->resname) == 0)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
								errmsg("column \"%s\" specified more than once", entry->resname),
								errhint("Give one of them another name with AS."),
								velo_plan_error_in_core(a, location)));
		seen = lappend(seen, entry->resname);
	}
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

/* CREATE … x (a, b) AS: renames and assignment-casts the result columns. */
static void
apply_column_list(VeloAnalysis *a)
{
	const LiftStatement *statement = a->request->statement;
	LiftColumn *column = statement->columns;
	ListCell *cell;

	if (statement->kind != LIFT_CREATE_AS || column == NULL)
		return;
	foreach(cell, a->query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (entry->resjunk || is_about_row(a, entry))
			continue;
		if (column == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("the column list has fewer columns than the query"),
					 errhint("Name every column of the query, or leave out the list."),
					 velo_plan_error_at(a->request->user_text, statement->columns->span.from)));
		if (column->type)
		{
			Oid type;
			int32 typmod;
			Node *cast;
			VeloErrorMap map;
			VeloErrorPlace place;

			velo_plan_error_place_push(&place, a->request->user_text, column->type->span);
			velo_plan_error_map_push(&map, a->request->user_text, column->type);
			velo_compat_parse_type(column->type->text, &type, &typmod);
			velo_plan_error_map_pop(&map);
			velo_plan_error_place_pop(&place);
			cast = coerce_to_target_type(NULL, (Node *) entry->expr, exprType((Node *) entry->expr),
										 type, typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST,
										 -1);
			if (cast == NULL)
				ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
								errmsg("column \"%s\" is of type %s but the query gives type %s",
									   column->name, format_type_be(type),
									   format_type_be(exprType((Node *) entry->expr))),
								errhint("You will need to rewrite or cast the expression."),
								velo_plan_error_at(a->request->user_text, column->span.from)));
			entry->expr = (Expr *) cast;
		}
		for (ListCell *k = list_head(a->key_names); k; k = lnext(a->key_names, k))
			if (strcmp(lfirst(k), entry->resname) == 0)
				lfirst(k) = pstrdup(column->name);
		entry->resname = pstrdup(column->name);
		column = column->next;
	}
	if (column)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("the column list has more columns than the query"),
						errhint("Name every column of the query, or leave out the list."),
						velo_plan_error_at(a->request->user_text, column->span.from)));
}

/* INSERT: result columns are assignment-cast to the target's, in order. */
static void
apply_target(VeloAnalysis *a)
{
	TupleDesc target = a->request->target;
	ListCell *cell;
	int number = 0;

	if (target == NULL)
		return;
	foreach(cell, a->query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		Form_pg_attribute att;
		Node *cast;

		if (entry->resjunk || is_about_row(a, entry))
			continue;
		if (number == target->natts)
			ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
							errmsg("INSERT has more expressions than target columns"),
							velo_plan_error_in_core(a, exprLocation((Node *) entry->expr))));
		att = TupleDescAttr(target, number++);
		cast = coerce_to_target_type(NULL, (Node *) entry->expr, exprType((Node *) entry->expr),
									 att->atttypid, att->atttypmod, COERCION_ASSIGNMENT,
									 COERCE_IMPLICIT_CAST, -1);
		if (cast == NULL)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column \"%s\" is of type %s but expression is of type %s",
								   NameStr(att->attname), format_type_be(att->atttypid),
								   format_type_be(exprType((Node *) entry->expr))),
							errhint("You will need to rewrite or cast the expression."),
							velo_plan_error_in_core(a, exprLocation((Node *) entry->expr))));
		entry->expr = (Expr *) cast;
		entry->resname = pstrdup(NameStr(att->attname));
	}
	if (number < target->natts && a->request->statement->insert_targets)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("INSERT has more target columns than expressions"),
						velo_plan_error_at(a->request->user_text,
										   a->request->statement->insert_targets->span.from)));
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
	a->is_grouped = a->select->groupClause != NIL || a->select->havingClause != NULL ||
					has_aggregate((Node *) a->select->targetList, NULL);
	take_key_items(a);
	if (request->for_stream)
	{
		place_event_time(a);
		place_headers(a);
	}
	if (a->is_grouped)
	{
		find_as_last((Node *) a->select->targetList, a);
		find_as_last(a->select->havingClause, a);
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
	apply_column_list(a);
	check_output_names(a);
	apply_target(a);
	AtEOXact_GUC(true, guc_level);
	velo_plan_error_place_push(&place, request->user_text, statement->places.source);
	check_privileges(a);
	velo_plan_error_place_pop(&place);
	add_system_columns(a->query);
	return a;
}
