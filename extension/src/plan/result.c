/*
 * result.c
 *	  The select list as the columns of what the statement makes.
 *
 * Before the analysis what a stream keeps about its rows is added to the list; after it
 * columns are renamed and cast to what a column list or a target says.  Which of them are
 * the key is output.c's business.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <nodes/nodeFuncs.h>
#include <parser/parse_coerce.h>
#include <parser/parse_target.h>
#include <parser/parser.h>
#include <utils/builtins.h>

#include "base/compat.h"
#include "source/native_storage.h"

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

void
velo_plan_take_key_items(VeloAnalysis *a)
{
	for (LiftKeyItem *key = a->request->statement->key_items; key; key = key->next)
	{
		ResTarget *item;

		if (key->item >= list_length(a->select->targetList))
			continue;
		item = list_nth_node(ResTarget, a->select->targetList, key->item);
		if (IsA(item->val, ColumnRef) && velo_plan_last_field((ColumnRef *) item->val) == NULL)
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
												: a->is_distinct && !a->is_windowed
													? "velo.first(_event_time)"
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

void
velo_plan_place_about_row(VeloAnalysis *a)
{
	if (!a->request->for_stream)
		return;
	place_event_time(a);
	place_headers(a);
}

void
velo_plan_fit_result(VeloAnalysis *a)
{
	apply_column_list(a);
	check_output_names(a);
	apply_target(a);
}
