/*
 * validate.c
 *	  velo.validate(text): everything that is wrong with a text, and nothing done.
 *
 * It runs on every keystroke of an editor, so it writes no catalog row and works
 * in a read-only transaction.  Each statement is checked in a subtransaction of
 * its own; what a statement would create is kept as a VeloObject, so that later
 * statements of the text can refer to it.
 */
#include "postgres.h"

#include <access/xact.h>
#include <catalog/namespace.h>
#include <funcapi.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <parser/analyze.h>
#include <parser/parser.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/memutils.h>
#include <utils/resowner.h>

#include "api/notices.h"
#include "api/statement.h"
#include "base/function.h"

#define VALIDATE_COLUMNS 10

typedef struct Diagnostic
{
	int from; /* byte, for sorting */
	int number;
	Datum values[VALIDATE_COLUMNS];
	bool nulls[VALIDATE_COLUMNS];
} Diagnostic;

typedef struct Validate
{
	const char *text;
	List *diagnostics; /* of Diagnostic * */
	VeloDeclared declared;
	List *jobs;	   /* names of jobs that earlier statements made or touched */
	List *dropped; /* Oids that earlier statements dropped, but for what depends */
} Validate;

/* --- positions ------------------------------------------------------------------- */

static void
line_and_column(const char *text, int byte, int *line, int *column)
{
	const char *end = text + byte;

	*line = *column = 1;
	for (const char *at = text; at < end && *at;)
	{
		/* As psql counts them: CR LF is one end of a line, CR alone is one too. */
		if (*at == '\n' || (*at == '\r' && at[1] != '\n'))
		{
			(*line)++;
			*column = 1;
			at++;
		}
		else
		{
			(*column)++;
			at += pg_mblen(at);
		}
	}
}

static int
byte_of_character(const char *text, int character)
{
	const char *at = text;

	while (character-- > 1 && *at)
		at += pg_mblen(at);
	return at - text;
}

/* The end of the word that begins there. */
static int
word_end(const char *text, int byte)
{
	const char *at = text + byte;

	while (*at && (IS_HIGHBIT_SET(*at) || isalnum((unsigned char) *at) || *at == '_'))
		at += pg_mblen(at);
	if (at == text + byte && *at)
		at += pg_mblen(at);
	return at - text;
}

static void
put_row(Validate *v, int statement, const char *severity, const char *sqlstate, const char *message,
		const char *detail, const char *hint, int from, int to)
{
	Diagnostic *diagnostic = palloc0(sizeof(Diagnostic));
	Datum *values = diagnostic->values;
	bool *nulls = diagnostic->nulls;
	int line;
	int column;

	values[0] = Int32GetDatum(statement);
	values[1] = CStringGetTextDatum(severity);
	values[2] = CStringGetTextDatum(sqlstate);
	values[3] = CStringGetTextDatum(message);
	nulls[4] = detail == NULL;
	values[4] = detail ? CStringGetTextDatum(detail) : (Datum) 0;
	nulls[5] = hint == NULL;
	values[5] = hint ? CStringGetTextDatum(hint) : (Datum) 0;
	line_and_column(v->text, from, &line, &column);
	values[6] = Int32GetDatum(line);
	values[7] = Int32GetDatum(column);
	line_and_column(v->text, to, &line, &column);
	values[8] = Int32GetDatum(line);
	values[9] = Int32GetDatum(column);
	diagnostic->from = from;
	diagnostic->number = list_length(v->diagnostics);
	v->diagnostics = lappend(v->diagnostics, diagnostic);
}

static int
by_position(const ListCell *a, const ListCell *b)
{
	const Diagnostic *x = lfirst(a);
	const Diagnostic *y = lfirst(b);

	return x->from != y->from ? x->from - y->from : x->number - y->number;
}

static void
put_error(Validate *v, int number, const LiftStatement *statement, const char *severity,
		  const ErrorData *error)
{
	int from = error->internalpos > 0 ? byte_of_character(v->text, error->internalpos)
									  : statement->span.from;
	int to = error->internalpos > 0 ? word_end(v->text, from) : statement->span.to;

	put_row(v, number, severity, unpack_sql_state(error->sqlerrcode), error->message, error->detail,
			error->hint, from, to);
}

/* --- statements --------------------------------------------------------------------- */

/* Is the name free, in the catalog and in the text?  If not, IF NOT EXISTS was said. */
static bool
check_new_name(Validate *v, const LiftStatement *statement)
{
	const LiftName *name = statement->name;
	const VeloObject *old = v->dropped ? velo_plan_object(NULL, name->schema, name->name) : NULL;
	ListCell *cell;

	if (!(old && list_member_oid(v->dropped, old->relation)) &&
		!OidIsValid(velo_api_creation_schema(v->text, statement)))
		return false;
	foreach(cell, v->declared.objects)
	{
		VeloObject *object = lfirst(cell);

		if (strcmp(object->name, statement->name->name) != 0)
			continue;
		if (statement->if_not_exists)
			return false;
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE),
						errmsg("relation \"%s\" already exists", statement->name->name),
						velo_plan_error_at(v->text, statement->name->span.from)));
	}
	return true;
}

static void
check_postgres(Validate *v, const LiftText *core)
{
	VeloErrorMap map;
	List *parsed;
	ListCell *cell;

	velo_plan_error_map_push(&map, v->text, core);
	parsed = raw_parser(core->text, RAW_PARSE_DEFAULT);
	foreach(cell, parsed)
	{
		RawStmt *raw = lfirst_node(RawStmt, cell);

		/* Objects that only the text knows would be unknown to the analyser. */
		if (v->declared.objects == NIL && analyze_requires_snapshot(raw))
			(void) parse_analyze_fixedparams(raw, core->text, NULL, 0, NULL);
	}
	velo_plan_error_map_pop(&map);
}

/* The same for what finds functions of schema velo too (run_plain of statement.c). */
static void
check_plain(Validate *v, const LiftText *core)
{
	int level = velo_plan_path_extend();

	check_postgres(v, core);
	AtEOXact_GUC(true, level);
}

/* A job's name must be free, in the catalog and in the text. */
static void
check_new_job(Validate *v, const LiftStatement *statement, const char *name)
{
	ListCell *cell;

	/* Jobs have gone with what was dropped. */
	if (v->dropped == NIL)
		velo_api_check_job_name(v->text, statement, name);
	foreach(cell, v->jobs)
		if (strcmp(lfirst(cell), name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("job \"%s\" already exists", name),
					 velo_plan_error_at(v->text, statement->name->span.from)));
	v->jobs = lappend(v->jobs, pstrdup(name));
}

static void
check_insert(Validate *v, const LiftStatement *statement, const char *job_name)
{
	VeloObject *target;

	(void) velo_api_check_insert(v->text, statement, &v->declared, &target);
	if (job_name)
		check_new_job(v, statement, job_name);
}

static void
check_create_as(Validate *v, const LiftStatement *statement, const char *job_name)
{
	VeloPlan *plan;

	if (!check_new_name(v, statement))
		return;
	plan = velo_api_plan(v->text, statement, &v->declared);
	v->declared.objects = lappend(v->declared.objects,
								  velo_api_created_object(v->text, statement, plan));
	check_new_job(v, statement, job_name);
}

/* SELECT … INTO y: y is made from the query if it does not exist. */
static void
check_into(Validate *v, const LiftStatement *statement)
{
	LiftStatement insert = *statement;

	insert.kind = LIFT_INSERT;
	insert.name = statement->into;
	insert.into = NULL;
	if (velo_plan_object(&v->declared, insert.name->schema, insert.name->name) == NULL)
	{
		VeloObject *object = velo_api_created_object(v->text, &insert,
													 velo_api_plan(v->text, statement,
																   &v->declared));

		object->is_derived = false;
		v->declared.objects = lappend(v->declared.objects, object);
	}
	else
		check_insert(v, &insert, velo_api_annotation(statement, "name"));
}

static void
check_drop(Validate *v, const LiftStatement *statement)
{
	LiftStatement drop = *statement;
	VeloObject *object;

	/* What uses it may be gone as well: teardowns drop one after the other. */
	drop.cascade |= v->dropped != NIL;
	object = velo_api_check_drop(v->text, &drop, &v->declared);
	if (object == NULL)
		return;
	if (OidIsValid(object->relation))
		v->dropped = lappend_oid(v->dropped, object->relation);
	else
		v->declared.objects = list_delete_ptr(v->declared.objects, object);
}

static void
check_job(Validate *v, const LiftStatement *statement)
{
	const char *name = statement->name->name;
	ListCell *cell;

	if (statement->verb == LIFT_JOB_START && statement->body)
	{
		LiftStatement body = velo_api_job_body(v->text, statement);

		if (body.kind == LIFT_INSERT)
			check_insert(v, &body, name);
		else
			check_create_as(v, &body, name);
		return;
	}
	/* What an earlier statement of the text has touched is in a state we cannot know. */
	foreach(cell, v->jobs)
		if (strcmp(lfirst(cell), name) == 0)
			return;
	velo_api_check_job(v->text, statement);
	v->jobs = lappend(v->jobs, pstrdup(name));
}

static void
check_statement(Validate *v, const LiftStatement *statement)
{
	const char *name;
	VeloObject *object;

	switch (statement->kind)
	{
		case LIFT_PG:
			velo_api_check_setting(v->text, statement);
			check_postgres(v, statement->core);
			break;
		case LIFT_QUERY:
			if (statement->into)
				check_into(v, statement);
			else if (velo_plan_is_plain(v->text, statement, &v->declared))
				check_plain(v, statement->core);
			else
				(void) velo_api_plan(v->text, statement, &v->declared);
			break;
		case LIFT_INSERT:
			if (!statement->is_dialect || statement->query == NULL)
				check_plain(v, statement->core);
			else
				check_insert(v, statement, velo_api_annotation(statement, "name"));
			break;
		case LIFT_CREATE_DECLARE:
			object = velo_api_declared_object(v->text, statement);
			if (check_new_name(v, statement))
				v->declared.objects = lappend(v->declared.objects, object);
			break;
		case LIFT_CREATE_AS:
			name = velo_api_annotation(statement, "name");
			check_create_as(v, statement, name ? name : statement->name->name);
			break;
		case LIFT_EXPLAIN:
			(void) velo_api_explain(v->text, statement, &v->declared);
			break;
		case LIFT_SHOW:
		case LIFT_DESCRIBE:
			(void) velo_api_show(v->text, statement, &v->declared);
			break;
		case LIFT_JOB:
			check_job(v, statement);
			break;
		case LIFT_DROP:
			check_drop(v, statement);
			break;
		case LIFT_ALTER:
			velo_api_check_alter(v->text, statement);
			break;
	}
}

static void
validate_statement(Validate *v, int number, const LiftStatement *statement)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	VeloNotices notices;
	ListCell *cell;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	velo_api_notices_begin(&notices, true);
	PG_TRY();
	{
		check_statement(v, statement);
		velo_api_notices_end(&notices);
		/* Whatever was looked up may keep its locks no longer. */
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		velo_api_notices_abandon(&notices);
		RollbackAndReleaseCurrentSubTransaction();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			ReThrowError(error);
		put_error(v, number, statement, "ERROR", error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	foreach(cell, notices.list)
	{
		ErrorData *notice = lfirst(cell);

		put_error(v, number, statement, notice->elevel >= WARNING ? "WARNING" : "INFO", notice);
	}
}

static int
statement_of(const LiftScript *script, int byte)
{
	int number = 0;

	for (LiftStatement *s = script->statements; s; s = s->next)
	{
		if (s->span.from > byte && number > 0)
			break;
		number++;
	}
	return Max(number, 1);
}

/*
 * velo.validate(sql text, params jsonb) → (statement, severity, sqlstate, message,
 * detail, hint, line, column, end_line, end_column)
 */
VELO_FUNCTION(velo_validate)
{
	static const char *const severities[] = {"INFO", "WARNING", "ERROR"};
	Validate v = {0};
	LiftScript *script;
	int number = 0;

	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	v.text = text_to_cstring(PG_GETARG_TEXT_PP(0));
	script = velo_plan_lift(v.text, PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1), false);
	for (LiftDiagnostic *d = script->diagnostics; d; d = d->next)
		put_row(&v, statement_of(script, d->span.from), severities[d->severity], d->sqlstate,
				d->message, d->detail, d->hint, d->span.from, d->span.to);
	for (LiftStatement *statement = script->statements; statement; statement = statement->next)
	{
		number++;
		if (!statement->broken)
			validate_statement(&v, number, statement);
	}
	list_sort(v.diagnostics, by_position);
	foreach(cell, v.diagnostics)
	{
		Diagnostic *diagnostic = lfirst(cell);

		tuplestore_putvalues(result->setResult, result->setDesc, diagnostic->values,
							 diagnostic->nulls);
	}
	return (Datum) 0;
}
