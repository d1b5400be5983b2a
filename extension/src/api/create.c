/*
 * create.c
 *	  CREATE STREAM, CREATE TABLE: declared and derived.
 *
 * Checking and making are apart, so that velo.validate can check without making:
 * velo_api_declared_object and velo_api_created_object say what would be there.
 */
#include "postgres.h"

#include "api/statement.h"

#include <access/relation.h>
#include <access/xact.h>
#include <catalog/namespace.h>
#include <catalog/pg_type.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <parser/parse_coerce.h>
#include <parser/parse_expr.h>
#include <parser/parse_node.h>
#include <parser/parse_type.h>
#include <parser/parser.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/ruleutils.h>

#include "base/compat.h"
#include "base/module.h"
#include "kafka/kafka.h"
#include "meta/meta.h"
#include "sink/sink.h"
#include "source/native_storage.h"

/* --- names ----------------------------------------------------------------------- */

static RangeVar *
range_of(const LiftName *name)
{
	return makeRangeVar(name->schema ? pstrdup(name->schema) : NULL, pstrdup(name->name), -1);
}

Oid
velo_api_creation_schema(const char *text, const LiftStatement *statement)
{
	Oid existing;
	Oid schema;
	VeloErrorPlace place;

	velo_plan_error_place_push(&place, text, statement->name->span);
	schema = RangeVarGetAndCheckCreationNamespace(range_of(statement->name), NoLock, &existing);
	velo_plan_error_place_pop(&place);
	if (!OidIsValid(existing))
		return schema;
	if (statement->if_not_exists)
	{
		ereport(NOTICE, (errcode(ERRCODE_DUPLICATE_TABLE),
						 errmsg("relation \"%s\" already exists, skipping", statement->name->name),
						 velo_plan_error_at(text, statement->name->span.from)));
		return InvalidOid;
	}
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE),
					errmsg("relation \"%s\" already exists", statement->name->name),
					velo_plan_error_at(text, statement->name->span.from)));
}

static void
enter_stream(Oid relation, bool is_table, const char *type, Oid storage, bool is_derived,
			 List *keys, List *options)
{
	const char *args[7] = {
		velo_meta_oid_text(relation),	 is_table ? "table" : "stream", type,
		velo_meta_oid_text(storage),	 is_derived ? "true" : "false", velo_meta_text_array(keys),
		velo_meta_options_text(options),
	};

	velo_meta_run(
		"INSERT INTO velo.stream (relation, kind, type, storage, is_derived, key_columns, "
		"options) VALUES ($1::oid::regclass, $2, $3, $4::oid::regclass, $5::boolean, "
		"$6::text[], $7::jsonb)",
		7, args);
	velo_meta_streams_changed();
}

/* --- declared streams --------------------------------------------------------------- */

static void
check_column_name(const char *text, List *seen, const char *name, LiftSpan span)
{
	ListCell *cell;

	if (velo_source_native_is_reserved(name))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column name \"%s\" is reserved for a system column of streams", name),
				 errhint("Choose a name that does not begin with an underscore."),
				 velo_plan_error_at(text, span.from)));
	foreach(cell, seen)
		if (strcmp(((VeloColumn *) lfirst(cell))->name, name) == 0)
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("column \"%s\" specified more than once", name),
							velo_plan_error_at(text, span.from)));
}

/* The default expression, checked against the column's type and deparsed. */
static const char *
default_text(const char *text, const LiftColumn *column, Oid type, int32 typmod)
{
	VeloErrorMap map;
	ParseState *pstate;
	List *parsed;
	ResTarget *target;
	Node *expr;
	Oid given;
	int level;
	const char *result;

	if (column->default_value == NULL)
		return NULL;
	velo_plan_error_map_push(&map, text, column->default_value);
	parsed = raw_parser(column->default_value->text, RAW_PARSE_PLPGSQL_EXPR);
	target = linitial_node(ResTarget,
						   ((SelectStmt *) linitial_node(RawStmt, parsed)->stmt)->targetList);
	pstate = make_parsestate(NULL);
	pstate->p_sourcetext = column->default_value->text;
	expr = transformExpr(pstate, target->val, EXPR_KIND_COLUMN_DEFAULT);
	given = exprType(expr);
	expr = coerce_to_target_type(pstate, expr, given, type, typmod, COERCION_ASSIGNMENT,
								 COERCE_IMPLICIT_CAST, -1);
	velo_plan_error_map_pop(&map);
	if (expr == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" is of type %s but default expression is of type %s",
							   column->name, format_type_be(type), format_type_be(given)),
						errhint("You will need to rewrite or cast the expression."),
						velo_plan_error_at(text, column->default_value->span.from)));
	level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	result = deparse_expression(expr, NIL, false, false);
	AtEOXact_GUC(true, level);
	return result;
}

static List *
declared_columns(const char *text, const LiftStatement *statement)
{
	List *columns = NIL;
	int level = velo_plan_path_begin();

	for (LiftColumn *lifted = statement->columns; lifted; lifted = lifted->next)
	{
		VeloColumn *column = palloc0(sizeof(VeloColumn));
		VeloErrorMap map;
		VeloErrorPlace place;

		check_column_name(text, columns, lifted->name, lifted->span);
		column->name = lifted->name;
		velo_plan_error_place_push(&place, text, lifted->type->span);
		velo_plan_error_map_push(&map, text, lifted->type);
		velo_compat_parse_type(lifted->type->text, &column->type, &column->typmod);
		velo_plan_error_map_pop(&map);
		velo_plan_error_place_pop(&place);
		if (get_typtype(column->type) == TYPTYPE_PSEUDO)
			ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
							errmsg("column \"%s\" has pseudo-type %s", column->name,
								   format_type_be(column->type)),
							velo_plan_error_at(text, lifted->type->span.from)));
		column->collation = get_typcollation(column->type);
		column->not_null = lifted->not_null || lifted->primary_key;
		column->is_key = lifted->primary_key;
		column->default_text = default_text(text, lifted, column->type, column->typmod);
		columns = lappend(columns, column);
	}
	AtEOXact_GUC(true, level);
	return columns;
}

static TupleDesc
columns_desc(List *columns)
{
	TupleDesc desc = CreateTemplateTupleDesc(list_length(columns));
	ListCell *cell;

	foreach(cell, columns)
	{
		VeloColumn *column = lfirst(cell);
		int number = foreach_current_index(cell) + 1;

		TupleDescInitEntry(desc, number, column->name, column->type, column->typmod, 0);
		TupleDescInitEntryCollation(desc, number, column->collation);
	}
	return desc;
}

typedef struct Declaration
{
	VeloObject object;
	List *columns; /* of VeloColumn * */
} Declaration;

static void
check_key_columns(const char *text, const LiftStatement *statement, const VeloObject *object)
{
	ListCell *cell;

	foreach(cell, object->key_columns)
	{
		bool found = false;

		for (int i = 0; i < object->desc->natts && !found; i++)
			found = strcmp(NameStr(TupleDescAttr(object->desc, i)->attname), lfirst(cell)) == 0;
		if (!found)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("key column \"%s\" of stream \"%s\" does not exist",
								   (char *) lfirst(cell), object->name),
							velo_plan_error_at_property(text, statement, "key.field")));
	}
}

/* The type alone, before properties are looked at that another type would explain. */
static const char *
declared_type(const char *text, const LiftStatement *statement)
{
	LiftStatement only = *statement;
	LiftProperty *type = NULL;
	const char *name = statement->name->name;

	for (LiftProperty *p = statement->properties; p; p = p->next)
		if (pg_strcasecmp(p->key, "type") == 0 ||
			(pg_strncasecmp(p->key, name, strlen(name)) == 0 &&
			 pg_strcasecmp(p->key + strlen(name), ".type") == 0))
			type = p;
	if (type == NULL)
		return "native";
	only.properties = palloc(sizeof(LiftProperty));
	*only.properties = *type;
	only.properties->next = NULL;
	return velo_base_option_text(velo_plan_bind(text, &only, name, NULL, NULL, NULL).source,
								 "type");
}

/* What can be refused of a connection without connecting. */
static void
check_connection(const char *text, const LiftStatement *statement, const VeloObject *object)
{
	VeloErrorPlace place;

	if (strcmp(object->type, "kafka") != 0)
		return;
	velo_plan_error_place_push(&place, text, statement->name->span);
	velo_kafka_check_options(object->options, GetUserId());
	velo_plan_error_place_pop(&place);
}

/*
 * The relation of a stream, and what is known of it.  Secrets that the statement wrote out
 * go to a user mapping; options are changed to say where that is.
 */
static Oid
make_stream(Oid schema, const char *name, const char *type, List *columns, List **options,
			bool is_derived, Oid *storage)
{
	Oid owner = GetUserId();
	bool is_kafka = strcmp(type, "kafka") == 0;
	List *given = *options;
	VeloMetaScope scope;
	Oid relation;

	*storage = InvalidOid;
	if (is_kafka)
		*options = velo_kafka_hide_secrets(given, name, owner);
	velo_meta_begin(&scope);
	{
		VeloStreamSpec stream = {schema, name, columns, *options, is_derived, owner};

		relation = velo_source_find(type)->create(&stream, storage);
	}
	velo_meta_end(&scope);
	if (*options != given)
		/* What reads by the connection owns it: the view goes first, the storage after it. */
		velo_kafka_own_connection(velo_base_option_text(*options, "connection"),
								  OidIsValid(*storage) ? *storage : relation);
	return relation;
}

static Declaration *
check_declaration(const char *text, const LiftStatement *statement)
{
	Declaration *declaration = palloc0(sizeof(Declaration));
	VeloObject *object = &declaration->object;
	const VeloSourceOps *ops;
	VeloBound bound;
	const char *key;
	ListCell *cell;

	object->type = declared_type(text, statement);
	ops = velo_source_find(object->type);
	if (statement->is_table || ops == NULL || ops->create == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 statement->is_table
					 ? errmsg("declaring a table over an outside source is not supported yet")
					 : errmsg("streams of type \"%s\" are not supported yet", object->type),
				 errhint("Streams of type native, generator and kafka are."),
				 velo_plan_error_at_property(text, statement, "type")));
	bound = velo_plan_bind(text, statement, statement->name->name, NULL, object->type, NULL);
	if (statement->columns == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("stream \"%s\" has no columns", statement->name->name),
				 errhint("Declare them: CREATE STREAM %s (id bigint, ...).", statement->name->name),
				 velo_plan_error_at(text, statement->name->span.from)));
	object->schema = statement->name->schema;
	object->name = statement->name->name;
	object->is_known = true;
	object->is_stream = true;
	object->options = bound.source;
	check_connection(text, statement, object);
	declaration->columns = declared_columns(text, statement);
	object->desc = columns_desc(declaration->columns);
	foreach(cell, declaration->columns)
	{
		VeloColumn *column = lfirst(cell);

		if (column->is_key)
			object->key_columns = lappend(object->key_columns, pstrdup(column->name));
	}
	key = velo_base_option_text(bound.source, "key.field");
	if (key && object->key_columns == NIL)
		object->key_columns = velo_source_native_key_fields(key);
	(void) velo_plan_event_time(text, statement, object->name, object->desc, bound.source);
	check_key_columns(text, statement, object);
	return declaration;
}

VeloObject *
velo_api_declared_object(const char *text, const LiftStatement *statement)
{
	return &check_declaration(text, statement)->object;
}

VeloReport
velo_api_declare(const char *text, const LiftStatement *statement)
{
	Declaration *declaration = check_declaration(text, statement);
	VeloReport report = {"CREATE STREAM", NULL, NULL};
	Oid schema = velo_api_creation_schema(text, statement);
	Oid relation;
	Oid storage;
	VeloMetaScope scope;

	if (!OidIsValid(schema))
		return report;
	velo_base_require_preload();
	relation = make_stream(schema, statement->name->name, declaration->object.type,
						   declaration->columns, &declaration->object.options, false, &storage);
	velo_meta_begin(&scope);
	enter_stream(relation, false, declaration->object.type, storage, false,
				 declaration->object.key_columns, declaration->object.options);
	velo_meta_end(&scope);
	report.object = velo_api_object_name(relation);
	return report;
}

/* --- derived objects ------------------------------------------------------------------ */

static int
payload_columns(const VeloPlan *plan)
{
	return plan->output->natts - (plan->keeps_event_time ? 1 : 0) - (plan->keeps_headers ? 1 : 0);
}

/* Where a stream's rows are to be found afterwards: what a discarding job makes is native. */
static const char *
stored_type(const char *text, const LiftStatement *statement, const VeloPlan *plan)
{
	const char *type = velo_base_option_text(plan->sink_options, "type");
	const VeloSourceOps *ops = type ? velo_source_find(type) : NULL;

	return ops && ops->create && velo_sink_find(type) ? type : "native";
}

VeloObject *
velo_api_created_object(const char *text, const LiftStatement *statement, const VeloPlan *plan)
{
	VeloObject *object = palloc0(sizeof(VeloObject));
	int n = payload_columns(plan);

	if (statement->into)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("INTO in CREATE ... AS is not supported yet"),
						velo_plan_error_at(text, statement->into->span.from)));
	object->schema = statement->name->schema;
	object->name = statement->name->name;
	object->is_stream = !statement->is_table;
	object->is_known = true;
	object->is_derived = true;
	object->type = statement->is_table ? "table" : stored_type(text, statement, plan);
	object->desc = CreateTemplateTupleDesc(n);
	for (int i = 1; i <= n; i++)
		TupleDescCopyEntry(object->desc, i, plan->output, i);
	object->options = plan->sink_options;
	for (int i = 0; i < plan->nkeys; i++)
		object->key_columns = lappend(object->key_columns,
									  pstrdup(NameStr(TupleDescAttr(plan->output, plan->keys[i] - 1)
														  ->attname)));
	return object;
}

/* The result table, made as the user would, with its key. */
static Oid
create_table(Oid schema, const VeloObject *object, const VeloPlan *plan)
{
	StringInfoData sql;
	char *name = quote_qualified_identifier(get_namespace_name(schema), object->name);

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", name);
	for (int i = 0; i < object->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(object->desc, i);

		appendStringInfo(&sql, "%s%s %s", i ? ", " : "", quote_identifier(NameStr(att->attname)),
						 format_type_extended(att->atttypid, att->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
												  FORMAT_TYPE_FORCE_QUALIFY));
		if (OidIsValid(att->attcollation) && att->attcollation != get_typcollation(att->atttypid))
			appendStringInfo(&sql, " COLLATE %s", generate_collation_name(att->attcollation));
	}
	appendStringInfoString(&sql, plan->key_is_primary ? ", PRIMARY KEY ("
													  : ", UNIQUE NULLS NOT DISTINCT (");
	for (int i = 0; i < plan->nkeys; i++)
		appendStringInfo(&sql, "%s%s", i ? ", " : "",
						 quote_identifier(NameStr(TupleDescAttr(plan->output,
																plan->index_keys[i] - 1)
													  ->attname)));
	appendStringInfoString(&sql, "))");
	/* Room on the page lets changed rows stay there (HOT). */
	if (!plan->rows_are_new)
		appendStringInfoString(&sql, " WITH (fillfactor = 70)");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute(sql.data, false, 0) < 0)
		elog(ERROR, "could not create table %s", name);
	SPI_finish();
	return get_relname_relid(object->name, schema);
}

static Oid
create_stream(Oid schema, VeloObject *object, Oid *storage)
{
	List *columns = NIL;

	for (int i = 0; i < object->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(object->desc, i);
		VeloColumn *column = palloc0(sizeof(VeloColumn));

		column->name = NameStr(att->attname);
		column->type = att->atttypid;
		column->typmod = att->atttypmod;
		column->collation = att->attcollation;
		columns = lappend(columns, column);
	}
	return make_stream(schema, object->name, object->type, columns, &object->options, true,
					   storage);
}

void
velo_api_create_into(const char *text, const LiftStatement *statement, const LiftStatement *insert)
{
	VeloObject *object;
	VeloPlan *plan;
	Oid schema;
	Oid relation;
	Oid storage;
	VeloMetaScope scope;

	if (velo_plan_object(NULL, insert->name->schema, insert->name->name) != NULL)
		return;
	velo_base_require_preload();
	schema = velo_api_creation_schema(text, insert);
	plan = velo_api_plan(text, statement, NULL);
	object = velo_api_created_object(text, insert, plan);
	relation = create_stream(schema, object, &storage);
	velo_meta_begin(&scope);
	/* Not derived: several INSERTs may write to it. */
	enter_stream(relation, false, "native", storage, false, NIL, object->options);
	velo_meta_end(&scope);
	CommandCounterIncrement();
}

VeloReport
velo_api_create_as(const char *text, const LiftStatement *statement, const char *job_name,
				   const char *sql)
{
	VeloReport report = {statement->is_table ? "CREATE TABLE" : "CREATE STREAM", NULL, NULL};
	VeloPlan *plan;
	VeloObject *object;
	Oid schema;
	Oid relation;
	Oid storage = InvalidOid;
	VeloMetaScope scope;
	VeloJobDefinition definition = {0};

	velo_base_require_preload();
	schema = velo_api_creation_schema(text, statement);
	if (!OidIsValid(schema))
		return report;
	plan = velo_api_plan(text, statement, NULL);
	object = velo_api_created_object(text, statement, plan);
	if (statement->is_table)
		relation = create_table(schema, object, plan);
	else
		relation = create_stream(schema, object, &storage);
	plan->sink_options = object->options;
	velo_meta_begin(&scope);
	enter_stream(relation, statement->is_table, object->type, storage, true, object->key_columns,
				 object->options);
	velo_meta_end(&scope);

	definition.name = job_name ? job_name : object->name;
	definition.kind = statement->is_table ? "table" : "stream";
	definition.sql = sql;
	definition.relation = relation;
	definition.target = relation;
	definition.plan = plan;
	velo_api_check_job_name(text, statement, definition.name);
	(void) velo_job_define(&definition);
	report.object = velo_api_object_name(relation);
	report.job = definition.name;
	return report;
}
