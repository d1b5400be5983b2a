/*
 * job.c
 *	  START, STOP, PAUSE, RESUME and RESET JOB, as statements and as functions.
 *
 * All they do is change what the catalog wants; launcher and worker follow when
 * the transaction commits.
 */
#include "postgres.h"

#include "api/statement.h"

#include <executor/spi.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/timestamp.h>

#include "base/function.h"
#include "job/control.h"
#include "meta/meta.h"

/* A job whose name is nearly that, of those the caller may control. */
static const char *
nearest_job(const char *name)
{
	VeloNearest nearest;
	VeloMetaScope scope;
	const char *args[1] = {velo_meta_oid_text(GetUserId())};
	List *names;
	ListCell *cell;

	velo_plan_nearest_begin(&nearest, name);
	velo_meta_begin(&scope);
	velo_meta_run(
		"SELECT array_agg(name) FROM (SELECT j.name FROM velo.job j "
		"LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relation "
		"WHERE pg_catalog.pg_has_role($1::oid, coalesce(c.relowner, j.owner::oid), 'USAGE') "
		"ORDER BY j.name LIMIT 5000) j",
		1, args);
	names = velo_meta_text_list(0, 1);
	velo_meta_end(&scope);
	foreach(cell, names)
		velo_plan_nearest_offer(&nearest, lfirst(cell), quote_identifier(lfirst(cell)));
	return nearest.best;
}

static VeloJob *
existing_job(const char *name)
{
	VeloJob *job = velo_job_find(name);

	if (job == NULL)
	{
		const char *nearest = nearest_job(name);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("job \"%s\" does not exist", name),
				 nearest ? errhint("Perhaps you meant %s.", nearest)
						 : errhint("List the jobs with SHOW JOBS.")));
	}
	return job;
}

VeloJob *
velo_api_find_job(const char *text, const LiftName *name)
{
	VeloErrorPlace place;
	VeloJob *job;

	velo_plan_error_place_push(&place, text, name->span);
	job = existing_job(name->name);
	velo_plan_error_place_pop(&place);
	return job;
}

/* One that the caller may control. */
static VeloJob *
find_job(const char *name)
{
	VeloJob *job = existing_job(name);

	velo_api_require_control(job);
	return job;
}

static void
want(const VeloJob *job, const char *desired, const char *status)
{
	VeloMetaScope scope;
	const char *args[3] = {psprintf("%d", job->job_id), desired, status};

	velo_meta_begin(&scope);
	velo_meta_run("UPDATE velo.job SET desired = $2, status = $3, status_since = clock_timestamp() "
				  "WHERE job_id = $1::int",
				  3, args);
	velo_meta_end(&scope);
	velo_job_changed();
}

static bool
is_ended(const VeloJob *job)
{
	return strcmp(job->status, "stopped") == 0 || strcmp(job->status, "failed") == 0 ||
		   strcmp(job->status, "finished") == 0;
}

static void
wrong_state(const VeloJob *job, const char *what, const char *hint)
{
	bool is_there = strcmp(what, job->status) == 0 ||
					(strcmp(what, "started") == 0 && strcmp(job->status, "running") == 0);

	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					is_there ? errmsg("job \"%s\" is already %s", job->name, job->status)
							 : errmsg("job \"%s\" cannot be %s while it is %s", job->name, what,
									  job->status),
					hint ? errhint("%s", hint) : 0));
}

/* Raises 55000 unless the job can do that in its present state. */
static void
require_state(const VeloJob *job, LiftJobVerb verb)
{
	const char *name = quote_identifier(job->name);

	switch (verb)
	{
		case LIFT_JOB_START:
			if (job->needs_position)
				ereport(
					ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("job \"%s\" was restored from a dump and has no position", job->name),
					 errhint(
						 "Say where to begin first: RESET JOB %s TO EARLIEST (or LATEST, or TIMESTAMP '...').",
						 name)));
			if (strcmp(job->desired, "paused") == 0 && !is_ended(job))
				wrong_state(job, "started", psprintf("Use RESUME JOB %s.", name));
			if (!is_ended(job))
				wrong_state(job, "started", NULL);
			break;
		case LIFT_JOB_STOP:
			if (is_ended(job))
				wrong_state(job, "stopped", NULL);
			break;
		case LIFT_JOB_PAUSE:
			if (strcmp(job->desired, "running") != 0 || is_ended(job))
				wrong_state(job, "paused", NULL);
			break;
		case LIFT_JOB_RESUME:
			if (strcmp(job->desired, "paused") != 0)
				wrong_state(job, "resumed",
							is_ended(job) ? psprintf("Use START JOB %s.", name) : NULL);
			break;
		case LIFT_JOB_RESET:
			if (!is_ended(job))
				wrong_state(job, "reset", psprintf("Stop it first: STOP JOB %s.", name));
			break;
		case LIFT_JOB_DEPLOY:
		case LIFT_JOB_ROLLBACK:
			break;
	}
}

static void
start_job(const char *name)
{
	VeloJob *job = find_job(name);

	require_state(job, LIFT_JOB_START);
	want(job, "running", "starting");
}

static void
stop_job(const char *name, bool force)
{
	VeloJob *job = find_job(name);

	require_state(job, LIFT_JOB_STOP);
	want(job, "stopped", "stopping");
	if (force)
		(void) velo_job_terminate(job->job_id);
}

static void
pause_job(const char *name)
{
	VeloJob *job = find_job(name);

	require_state(job, LIFT_JOB_PAUSE);
	want(job, "paused", job->status);
}

static void
resume_job(const char *name)
{
	VeloJob *job = find_job(name);

	require_state(job, LIFT_JOB_RESUME);
	want(job, "running", job->status);
}

/* What lives elsewhere, in a topic, is never deleted. */
static bool
is_ours(Oid relation)
{
	VeloStream *stream = velo_meta_stream(relation);

	return stream == NULL || stream->is_table || strcmp(stream->type, "native") == 0;
}

/* Offsets of single partitions; the others begin at their first record. */
static void
write_offsets(const VeloJob *job, const char *offsets)
{
	const char *args[2] = {psprintf("%d", job->job_id), offsets};

	velo_meta_run(
		"INSERT INTO velo.position (job_id, task, source, partition, position) "
		"SELECT $1::int, 0, 0, key::int, value FROM pg_catalog.jsonb_each_text($2::jsonb)",
		2, args);
}

/* Where a job shall begin: start_from as in velo.job, and offsets as a JSON object or NULL. */
typedef struct ResetTarget
{
	const char *from;
	const char *offsets;
} ResetTarget;

static void
reset_job(const char *name, ResetTarget target)
{
	VeloJob *job = find_job(name);
	VeloMetaScope scope;
	const char *to = target.from;
	const char *args[2] = {psprintf("%d", job->job_id), to};

	require_state(job, LIFT_JOB_RESET);
	velo_meta_begin(&scope);
	velo_meta_run("DELETE FROM velo.position WHERE job_id = $1::int", 1, args);
	velo_meta_run("UPDATE velo.task SET watermark = NULL, epoch = epoch + 1, "
				  "generation = generation + 1 WHERE job_id = $1::int",
				  1, args);
	velo_meta_run(
		"UPDATE velo.job SET start_from = $2, needs_position = false WHERE job_id = $1::int", 2,
		args);
	if (target.offsets)
		write_offsets(job, target.offsets);
	velo_state_drop(job->job_id, 0);
	velo_state_create(job->job_id, 0);
	velo_meta_end(&scope);
	if (strcmp(to, "latest") == 0)
	{
		/* The job reads with its owner's rights, whoever resets it. */
		Oid user;
		int security;

		GetUserIdAndSecContext(&user, &security);
		SetUserIdAndSecContext(job->owner, security | SECURITY_LOCAL_USERID_CHANGE);
		velo_job_fix_latest(job->job_id, velo_job_plan(job));
		SetUserIdAndSecContext(user, security);
	}
	/* The result belongs to the old positions. */
	if (OidIsValid(job->relation) && is_ours(job->relation) &&
		!velo_base_option_bool(job->options, "keep.output"))
	{
		VeloStream *stream = velo_meta_stream(job->relation);
		Oid storage = stream && OidIsValid(stream->storage) ? stream->storage : job->relation;

		velo_meta_begin(&scope);
		velo_sink_is_writing = true;
		PG_TRY();
		{
			(void) velo_meta_run_once(psprintf("DELETE FROM %s", velo_api_object_name(storage)));
		}
		PG_FINALLY();
		{
			velo_sink_is_writing = false;
		}
		PG_END_TRY();
		velo_meta_end(&scope);
	}
}

static const VeloOption keep_output = {
	.name = "keep.output",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_BOOL,
	.standard = "false",
	.description = "RESET JOB leaves what the job has written.",
};
VELO_OPTION(keep_output);

/* '{"0": 1200, "3": 0}': partition and offset; 22023 for anything else. */
static const char *
checked_offsets(const VeloJob *job, const char *value)
{
	VeloStream *stream = velo_meta_stream(linitial_oid(job->sources));
	VeloMetaScope scope;
	const char *args[1] = {value};
	bool is_good;

	if (stream == NULL || strcmp(stream->type, "kafka") != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("RESET JOB ... TO OFFSETS is not supported for %s streams",
							   stream ? stream->type : "native"),
						errhint("Use EARLIEST, LATEST or TIMESTAMP.")));
	(void) DirectFunctionCall1(jsonb_in, CStringGetDatum(value)); /* its own words for bad JSON */
	velo_meta_begin(&scope);
	is_good = velo_meta_run("SELECT FROM (SELECT $1::jsonb AS o) j "
							"WHERE jsonb_typeof(o) = 'object' AND o <> '{}' AND NOT EXISTS "
							"(SELECT FROM jsonb_each_text(CASE jsonb_typeof(o) WHEN 'object' "
							"THEN o ELSE '{}' END) WHERE key !~ '^[0-9]{1,6}$' "
							"OR value IS NULL OR value !~ '^[0-9]{1,18}$')",
							1, args) > 0;
	velo_meta_end(&scope);
	if (!is_good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid offsets \"%s\"", value),
				 errhint("Give partitions and offsets: '{\"0\": 1200, \"1\": 0}'.")));
	return value;
}

static ResetTarget
reset_target(const VeloJob *job, LiftResetTo to, const char *value)
{
	ResetTarget target = {"earliest", NULL};

	switch (to)
	{
		case LIFT_RESET_EARLIEST:
			break;
		case LIFT_RESET_LATEST:
			target.from = "latest";
			break;
		case LIFT_RESET_TIMESTAMP:
			/* Kept in a form that no setting changes. */
			target.from = psprintf("%lld", (long long) DatumGetTimestampTz(DirectFunctionCall3(
											   timestamptz_in, CStringGetDatum(value),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))));
			break;
		case LIFT_RESET_OFFSETS:
			target.offsets = checked_offsets(job, value);
			break;
	}
	return target;
}

LiftStatement
velo_api_job_body(const char *text, const LiftStatement *statement)
{
	LiftStatement body = *statement->body;

	if (body.kind == LIFT_QUERY)
	{
		/* Stored as the CREATE it is, so that it reads back as one. */
		body.kind = LIFT_CREATE_AS;
		body.name = statement->name;
		body.is_table = false;
	}
	if (body.kind != LIFT_CREATE_AS && !(body.kind == LIFT_INSERT && body.query))
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("a job runs a SELECT, a CREATE ... AS or an INSERT ... SELECT"),
						velo_plan_error_at(text, statement->body->span.from)));
	return body;
}

/* START JOB n AS body */
static VeloReport
start_new(const char *text, const LiftStatement *statement)
{
	LiftStatement body = velo_api_job_body(text, statement);
	const char *name = statement->name->name;
	char *sql = velo_api_statement_text(text, statement);

	return body.kind == LIFT_INSERT ? velo_api_insert_job(text, &body, name, sql)
									: velo_api_create_as(text, &body, name, sql);
}

/* Where RESET JOB … TO shall begin; errors point at what stands behind TO. */
static ResetTarget
statement_target(const char *text, const LiftStatement *statement)
{
	VeloErrorPlace place;
	ResetTarget target;

	velo_plan_error_place_push(&place, text, statement->reset_span);
	target = reset_target(existing_job(statement->name->name), statement->reset_to,
						  statement->reset_value);
	velo_plan_error_place_pop(&place);
	return target;
}

void
velo_api_check_job(const char *text, const LiftStatement *statement)
{
	VeloErrorPlace place;

	velo_plan_error_place_push(&place, text, statement->name->span);
	require_state(find_job(statement->name->name), statement->verb);
	if (statement->verb == LIFT_JOB_RESET)
		(void) statement_target(text, statement);
	velo_plan_error_place_pop(&place);
}

VeloReport
velo_api_job(const char *text, const LiftStatement *statement)
{
	VeloReport report = {NULL, NULL, statement->name->name};
	const char *name = statement->name->name;
	VeloErrorPlace place;

	if (statement->verb == LIFT_JOB_START && statement->body)
	{
		report = start_new(text, statement);
		report.command = "START JOB";
		return report;
	}
	velo_plan_error_place_push(&place, text, statement->name->span);
	switch (statement->verb)
	{
		case LIFT_JOB_START:
			report.command = "START JOB";
			start_job(name);
			break;
		case LIFT_JOB_STOP:
			report.command = "STOP JOB";
			stop_job(name, statement->force);
			break;
		case LIFT_JOB_PAUSE:
			report.command = "PAUSE JOB";
			pause_job(name);
			break;
		case LIFT_JOB_RESUME:
			report.command = "RESUME JOB";
			resume_job(name);
			break;
		case LIFT_JOB_RESET:
			report.command = "RESET JOB";
			velo_api_check_job(text, statement);
			reset_job(name, statement_target(text, statement));
			break;
		case LIFT_JOB_DEPLOY:
		case LIFT_JOB_ROLLBACK:
			/* The lifter refuses them, with the position of the words. */
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("DEPLOY JOB and ROLLBACK JOB are not supported yet"),
							velo_plan_error_at(text, statement->span.from)));
	}
	velo_plan_error_place_pop(&place);
	return report;
}

/* --- functions --------------------------------------------------------------------- */

/* velo.job_start(name text, sql text, options jsonb) → text */
VELO_FUNCTION(velo_job_start)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (PG_ARGISNULL(1))
		start_job(name);
	else
	{
		StringInfoData query;
		LiftScript *script;
		Jsonb *options = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);

		initStringInfo(&query);
		appendStringInfo(&query, "START JOB %s AS %s", quote_identifier(name),
						 text_to_cstring(PG_GETARG_TEXT_PP(1)));
		if (options)
		{
			ListCell *cell;
			List *values = velo_base_options_from_jsonb(options);

			foreach(cell, values)
			{
				VeloOptionValue *value = lfirst(cell);

				appendStringInfo(&query, "%s%s = %s",
								 foreach_current_index(cell) ? ", " : " WITH (",
								 quote_literal_cstr(value->name), quote_literal_cstr(value->value));
			}
			if (values)
				appendStringInfoChar(&query, ')');
		}
		script = velo_plan_lift(query.data, NULL, true);
		(void) start_new(query.data, script->statements);
	}
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* velo.job_stop(name text, force boolean) → boolean */
VELO_FUNCTION(velo_job_stop)
{
	stop_job(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_BOOL(1));
	PG_RETURN_BOOL(true);
}

/* velo.job_pause(name text) → boolean */
VELO_FUNCTION(velo_job_pause)
{
	pause_job(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_BOOL(true);
}

/* velo.job_resume(name text) → boolean */
VELO_FUNCTION(velo_job_resume)
{
	resume_job(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_BOOL(true);
}

/* velo.job_reset(name text, target jsonb) → boolean: '"earliest"', '"latest"', '{"timestamp": "…"}' */
VELO_FUNCTION(velo_job_reset)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	VeloJob *job = find_job(name);
	Jsonb *to = PG_GETARG_JSONB_P(1);
	char *text = JsonbToCString(NULL, &to->root, VARSIZE(to));
	JsonbValue buffer;
	JsonbValue *value;

	if (pg_strcasecmp(text, "\"earliest\"") == 0)
		reset_job(name, reset_target(job, LIFT_RESET_EARLIEST, NULL));
	else if (pg_strcasecmp(text, "\"latest\"") == 0)
		reset_job(name, reset_target(job, LIFT_RESET_LATEST, NULL));
	else if (JB_ROOT_IS_OBJECT(to) &&
			 (value = getKeyJsonValueFromContainer(&to->root, "timestamp", 9, &buffer)) != NULL &&
			 value->type == jbvString)
		reset_job(name, reset_target(job, LIFT_RESET_TIMESTAMP,
									 pnstrdup(value->val.string.val, value->val.string.len)));
	else if (JB_ROOT_IS_OBJECT(to) &&
			 (value = getKeyJsonValueFromContainer(&to->root, "offsets", 7, &buffer)) != NULL &&
			 value->type == jbvBinary)
		reset_job(name, reset_target(job, LIFT_RESET_OFFSETS,
									 JsonbToCString(NULL, value->val.binary.data,
													value->val.binary.len)));
	else
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid target %s", text),
			 errhint(
				 "Use \"earliest\", \"latest\", {\"timestamp\": \"...\"} or {\"offsets\": {\"0\": 1200}}.")));
	PG_RETURN_BOOL(true);
}

/*
 * velo._job_live(job_id int) → (condition, state_bytes, watermark, last_commit_at,
 * lag_records, pid, records_in, records_out, trouble): what shared memory knows of a job
 */
VELO_FUNCTION(velo_job_live)
{
	VeloJobSlot slot;
	TupleDesc desc;
	Datum values[9];
	bool nulls[9] = {false};
	uint64 lag;
	TimestampTz watermark;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!velo_job_slot_read(PG_GETARG_INT32(0), 0, &slot))
		PG_RETURN_NULL();
	values[0] = CStringGetTextDatum(velo_job_condition_name(slot.condition));
	values[1] = Int64GetDatum(pg_atomic_read_u64(&slot.state_bytes));
	watermark = (TimestampTz) pg_atomic_read_u64(&slot.watermark);
	values[2] = TimestampTzGetDatum(watermark);
	nulls[2] = watermark == DT_NOBEGIN;
	values[3] = TimestampTzGetDatum((TimestampTz) pg_atomic_read_u64(&slot.last_commit_at));
	nulls[3] = pg_atomic_read_u64(&slot.last_commit_at) == 0;
	lag = pg_atomic_read_u64(&slot.lag_records);
	values[4] = Int64GetDatum(lag);
	nulls[4] = lag == PG_UINT64_MAX;
	values[5] = Int32GetDatum(slot.pid);
	nulls[5] = slot.pid <= 0;
	values[6] = Int64GetDatum(pg_atomic_read_u64(&slot.records_in));
	values[7] = Int64GetDatum(pg_atomic_read_u64(&slot.records_out));
	nulls[8] = slot.trouble[0] == '\0';
	values[8] = nulls[8] ? (Datum) 0 : CStringGetTextDatum(slot.trouble);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
