/*
 * statement.c
 *	  Carrying out statements: who does what for which kind.
 */
#include "postgres.h"

#include "api/statement.h"

#include <access/xact.h>
#include <catalog/namespace.h>
#include <utils/acl.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>

#include "meta/meta.h"

/* A query or INSERT that PostgreSQL runs; functions of schema velo are found in it too. */
static void
run_plain(VeloDoor *door, const char *sql, const LiftText *core)
{
	int level = velo_plan_path_extend();

	door->query(door, sql, core);
	AtEOXact_GUC(true, level);
}

static void
run_query(VeloDoor *door, const LiftStatement *statement)
{
	if (statement->into)
	{
		LiftStatement insert = *statement;

		/* SELECT … INTO y is INSERT INTO y SELECT …. */
		insert.kind = LIFT_INSERT;
		insert.name = statement->into;
		insert.into = NULL;
		velo_api_create_into(door->text, statement, &insert);
		if (statement->emit != LIFT_EMIT_DEFAULT)
		{
			VeloReport report = velo_api_insert_job(door->text, &insert,
													velo_api_annotation(statement, "name"),
													velo_api_statement_text(door->text, statement));

			door->command(door, &report);
			return;
		}
		run_plain(door,
				  psprintf("INSERT INTO %s %s",
						   quote_qualified_identifier(statement->into->schema,
													  statement->into->name),
						   statement->query->text),
				  statement->query);
		return;
	}
	if (velo_plan_is_plain(door->text, statement, NULL))
	{
		run_plain(door, statement->core->text, statement->core);
		return;
	}
	door->pipeline(door, velo_api_plan(door->text, statement, NULL), statement);
}

void
velo_api_check_alter(const char *text, const LiftStatement *statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("ALTER %s is not supported yet", statement->is_table ? "TABLE" : "STREAM"),
			 errhint("Drop the %s and create it anew.", statement->is_table ? "table" : "stream"),
			 velo_plan_error_at(text, statement->span.from)));
}

/* DROP TABLE of a relation that is none of ours? */
static bool
is_foreign_table(const LiftStatement *statement)
{
	const VeloObject *object = statement->is_table ? velo_plan_object(NULL, statement->name->schema,
																	  statement->name->name)
												   : NULL;

	return object && !object->is_known;
}

void
velo_api_run(VeloDoor *door, const LiftStatement *statement)
{
	const char *text = door->text;
	VeloReport report = {0};

	switch (statement->kind)
	{
		case LIFT_PG:
			velo_api_check_setting(text, statement);
			door->query(door, statement->core->text, statement->core);
			return;
		case LIFT_QUERY:
			run_query(door, statement);
			return;
		case LIFT_INSERT:
			if (!statement->is_dialect || statement->query == NULL)
			{
				run_plain(door, statement->core->text, statement->core);
				return;
			}
			report = velo_api_insert_job(text, statement, velo_api_annotation(statement, "name"),
										 velo_api_statement_text(text, statement));
			break;
		case LIFT_CREATE_DECLARE:
			report = velo_api_declare(text, statement);
			break;
		case LIFT_CREATE_AS:
			report = velo_api_create_as(text, statement, velo_api_annotation(statement, "name"),
										velo_api_statement_text(text, statement));
			break;
		case LIFT_DROP:
			if (is_foreign_table(statement))
			{
				door->query(door, statement->core->text, statement->core);
				return;
			}
			report = velo_api_drop(text, statement);
			break;
		case LIFT_JOB:
			report = velo_api_job(text, statement);
			break;
		case LIFT_SHOW:
		case LIFT_DESCRIBE:
			door->query(door, velo_api_show(text, statement, NULL), NULL);
			return;
		case LIFT_EXPLAIN:
		{
			char *sql = velo_api_explain(text, statement, NULL);
			bool is_plain = statement->core && sql == statement->core->text;

			if (is_plain)
				run_plain(door, sql, statement->core);
			else
				door->query(door, sql, NULL);
			return;
		}
		case LIFT_ALTER:
			velo_api_check_alter(text, statement);
			return;
	}
	door->command(door, &report);
}

void
velo_api_run_script(VeloDoor *door, const char *text, Jsonb *params)
{
	LiftScript *script = velo_plan_lift(text, params, true);

	door->text = text;
	for (LiftStatement *statement = script->statements; statement; statement = statement->next)
	{
		door->is_last = statement->next == NULL;
		velo_api_run(door, statement);
		CommandCounterIncrement();
	}
}
