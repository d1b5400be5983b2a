/*
 * insert.c
 *	  INSERT INTO s SELECT … EMIT …: a job that writes to an object that exists.
 *
 * Plain INSERTs never come here: a stream is a relation that PostgreSQL can
 * insert into.
 */
#include "postgres.h"

#include "api/statement.h"

#include <access/relation.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <parser/parser.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>

#include "meta/meta.h"

/* The columns that are written, in order. */
static TupleDesc
target_desc(const char *text, const LiftStatement *statement, Oid target)
{
	Relation	relation = relation_open(target, AccessShareLock);
	TupleDesc	all = CreateTupleDescCopy(RelationGetDescr(relation));
	List	   *numbers = NIL;
	TupleDesc	desc;
	ListCell   *cell;

	relation_close(relation, NoLock);
	if (statement->insert_targets)
	{
		/* Read "a, b" as a select list: names and positions come for free. */
		VeloErrorMap map;
		List	   *parsed;

		velo_plan_error_map_push(&map, text, statement->insert_targets);
		parsed = raw_parser(psprintf("SELECT %s", statement->insert_targets->text),
							RAW_PARSE_DEFAULT);
		velo_plan_error_map_pop(&map);
		foreach(cell, ((SelectStmt *) linitial_node(RawStmt, parsed)->stmt)->targetList)
		{
			ResTarget  *item = lfirst_node(ResTarget, cell);
			const char *name = IsA(item->val, ColumnRef)
				? strVal(linitial(((ColumnRef *) item->val)->fields)) : "?";
			AttrNumber	number = get_attnum(target, name);

			if (number <= 0)
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_COLUMN),
						 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
								get_rel_name(target)),
						 velo_plan_error_at(text, statement->insert_targets->span.from)));
			numbers = lappend_int(numbers, number);
		}
	}
	else
	{
		for (int i = 1; i <= all->natts; i++)
			if (!TupleDescAttr(all, i - 1)->attisdropped &&
				!TupleDescAttr(all, i - 1)->attgenerated)
				numbers = lappend_int(numbers, i);
	}
	desc = CreateTemplateTupleDesc(list_length(numbers));
	foreach(cell, numbers)
		TupleDescCopyEntry(desc, foreach_current_index(cell) + 1, all, lfirst_int(cell));
	return desc;
}

static char *
free_job_name(const char *target)
{
	VeloMetaScope scope;
	const char *args[1] = {target};
	char	   *name;

	velo_meta_begin(&scope);
	velo_meta_run("SELECT 'insert_' || $1 || '_' || n FROM pg_catalog.generate_series(1, 100000) n "
				  "WHERE NOT EXISTS (SELECT FROM velo.job WHERE name = 'insert_' || $1 || '_' || n) "
				  "ORDER BY n LIMIT 1", 1, args);
	name = velo_meta_value(0, 1);
	velo_meta_end(&scope);
	return name;
}

VeloReport
velo_api_insert_job(const char *text, const LiftStatement *statement, const char *job_name,
					const char *sql)
{
	VeloReport	report = {"INSERT", NULL, NULL};
	VeloObject *object = velo_plan_object(NULL, statement->name->schema, statement->name->name);
	VeloJobDefinition definition = {0};
	VeloPlanRequest request = {
		.user_text = text,
		.statement = statement,
	};

	if (object == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" does not exist", statement->name->name),
				 errhint("Create it first, or use CREATE STREAM … AS."),
				 velo_plan_error_at(text, statement->name->span.from)));
	if (object->is_derived)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is written by its own job", object->name),
				 errhint("Insert into a declared stream, or create another one."),
				 velo_plan_error_at(text, statement->name->span.from)));
	if (object->is_stream && strcmp(object->type, "native") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("streams of type \"%s\" cannot be inserted into", object->type),
				 velo_plan_error_at(text, statement->name->span.from)));
	if (pg_class_aclcheck(object->relation, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, object->is_stream ? OBJECT_VIEW : OBJECT_TABLE,
					   object->name);
	request.target = target_desc(text, statement, object->relation);
	request.for_stream = object->is_stream;

	definition.plan = velo_plan_query(&request);
	definition.name = job_name ? job_name : free_job_name(object->name);
	definition.kind = "insert";
	definition.sql = sql;
	definition.target = object->relation;
	(void) velo_job_define(&definition);
	report.object = velo_api_object_name(object->relation);
	report.job = definition.name;
	return report;
}
