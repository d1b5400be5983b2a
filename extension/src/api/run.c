/*
 * run.c
 *	  velo.run: the bounded driver.  Given inputs, virtual time, to the end.
 *
 * Tests and previews run the pipeline that a job would run, over rows that they
 * supply, in the caller's backend and transaction.  Nothing is read from or
 * written to streams; time stands where the inputs put it (source/given.c).
 */
#include "postgres.h"

#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/timestamp.h>

#include "api/session.h"
#include "api/statement.h"
#include "base/clock.h"
#include "base/function.h"
#include "sink/queue.h"

/* Where virtual time begins if the inputs do not say: a round number. */
#define RUN_EPOCH ((TimestampTz) 0) /* 2000-01-01 00:00 UTC */

static const LiftStatement *
the_query(const char *text, const LiftScript *script)
{
	const LiftStatement *statement = script->statements;

	if (statement && statement->kind == LIFT_JOB && statement->body)
		statement = statement->body;
	if (statement == NULL || statement->next || statement->query == NULL)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("the text must be one query, CREATE ... AS or INSERT ... SELECT")));
	return statement;
}

static Jsonb *
input_of(Jsonb *inputs, const char *name)
{
	JsonbValue buffer;
	JsonbValue *value = JB_ROOT_IS_OBJECT(inputs)
							? getKeyJsonValueFromContainer(&inputs->root, name, strlen(name),
														   &buffer)
							: NULL;
	Jsonb *rows;

	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("no input is given for \"%s\"", name),
						errhint("Give an array of rows: {\"%s\": [{...}, ...]}.", name)));
	rows = JsonbValueToJsonb(value);
	if (!JB_ROOT_IS_ARRAY(rows) || JB_ROOT_IS_SCALAR(rows))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the input for \"%s\" is not an array", name)));
	return rows;
}

/* velo.run(sql text, inputs jsonb, params jsonb) → setof jsonb */
VELO_FUNCTION(velo_run)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *code = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb *inputs = PG_GETARG_JSONB_P(1);
	LiftScript *script = velo_plan_lift(code, PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2), true);
	const LiftStatement *statement = the_query(code, script);
	VeloPlan *plan = velo_api_plan(code, statement, NULL);
	VeloSinkSpec *spec = palloc0(sizeof(VeloSinkSpec));
	VeloQuery *query;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	plan->source.type = "given";
	plan->source.given = input_of(inputs, plan->source.name);
	plan->source.bounded = true;
	spec->name = "run";
	spec->type = "queue";
	spec->desc = BlessTupleDesc(plan->output);
	spec->nkeys = plan->nkeys;
	spec->keys = plan->keys;
	velo_clock_hold(RUN_EPOCH);
	PG_TRY();
	{
		query = velo_api_query_start(CurrentMemoryContext, plan,
									 velo_sink_find("queue")->open(spec));
		do
		{
			TupleTableSlot *slot;
			bool is_tombstone;

			CHECK_FOR_INTERRUPTS();
			velo_api_query_batch(query);
			query->sink->ops->committed(query->sink);
			while ((slot = velo_sink_queue_take(query->sink, &is_tombstone)) != NULL)
			{
				Datum jsonb = velo_api_row_jsonb(slot, is_tombstone);
				bool is_null = false;

				tuplestore_putvalues(result->setResult, result->setDesc, &jsonb, &is_null);
			}
		} while (!query->pipeline->ended);
		velo_api_query_end(query);
	}
	PG_FINALLY();
	{
		velo_clock_release();
	}
	PG_END_TRY();
	return (Datum) 0;
}
