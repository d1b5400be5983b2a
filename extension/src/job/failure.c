/*
 * failure.c
 *	  What becomes of a record that cannot be processed.
 *
 *	LogAndContinue		a line in the server log, a dead letter, go on
 *	SendToDLQ			a dead letter, go on
 *	FailBatch			the batch is rolled back and the job fails
 *	RetryWithBackoff	data errors as FailBatch; what may pass by itself (classes
 *						08, 40, 53, 57, 58, 55P03) never comes here: the worker ends
 *						and is started again with a growing delay
 *
 * A dead letter is written in the batch's own transaction: it is there exactly
 * when the batch is.
 */
#include "postgres.h"

#include "job/job.h"

#include <executor/spi.h>
#include <utils/builtins.h>
#include <utils/timestamp.h>

#include "base/errors.h"
#include "meta/meta.h"

static const VeloOption failure_strategy = {
	.name = "failure_strategy",
	.aliases = "failure.strategy",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_CHOICE,
	.standard = "LogAndContinue",
	.choices =
		"LogAndContinue log_and_continue=LogAndContinue SendToDLQ send_to_dlq=SendToDLQ "
		"FailBatch fail_batch=FailBatch RetryWithBackoff retry_with_backoff=RetryWithBackoff",
	.alterable = true,
	.description = "What happens to a record that cannot be processed.",
};
VELO_OPTION(failure_strategy);

static const VeloOption enable_dlq = {
	.name = "enable_dlq",
	.aliases = "dead.letter.queue.enabled",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_BOOL,
	.standard = "true",
	.description = "Keep failed records as dead letters.",
};
VELO_OPTION(enable_dlq);

static const VeloOption dlq_max_size = {
	.name = "dlq_max_size",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_INT,
	.standard = "100000",
	.min = 0,
	.max = 1000000000,
	.description = "Dead letters kept for a job; further ones are refused and counted.",
};
VELO_OPTION(dlq_max_size);

static const char *
error_class(int sqlstate)
{
	if (sqlstate == ERRCODE_VELO_LATE_RECORD)
		return "late";
	switch (sqlstate)
	{
		case ERRCODE_NULL_VALUE_NOT_ALLOWED:
		case ERRCODE_NOT_NULL_VIOLATION:
			return "null_value";
		case ERRCODE_INVALID_TEXT_REPRESENTATION:
		case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE:
		case ERRCODE_INVALID_DATETIME_FORMAT:
		case ERRCODE_DATETIME_VALUE_OUT_OF_RANGE:
			return "type_conversion";
		default:
			return "sql_execution";
	}
}

bool
velo_job_keeps_dead_letters(const VeloJob *job)
{
	return strcmp(velo_base_option_text(job->options, "failure_strategy"), "SendToDLQ") == 0 ||
		   velo_base_option_bool(job->options, "enable_dlq");
}

/* Bytes as the text of a bytea, or NULL. */
static char *
bytea_text(const char *bytes, int length)
{
	char *text;

	if (bytes == NULL)
		return NULL;
	text = palloc(2 * (Size) length + 3);
	text[0] = '\\';
	text[1] = 'x';
	text[2 + hex_encode(bytes, length, text + 2)] = '\0';
	return text;
}

/* The record as it came, if the source keeps it: of rows still in the chunk it filled. */
static const VeloRawRecord *
raw_record(VeloPipeline *pipeline, const VeloFailure *failure, VeloRawRecord *record)
{
	VeloSource *source = pipeline->source;

	if (failure->raw)
		return failure->raw;
	if (failure->chunk != pipeline->chunk || !source->spec->keeps_raw || source->ops->raw == NULL ||
		!source->ops->raw(source, failure->chunk->place[failure->row], record))
		return NULL;
	return record;
}

static void
add_raw(const char **args, const VeloRawRecord *raw)
{
	args[5] = psprintf("%d", raw->partition);
	args[6] = psprintf("%lld", (long long) raw->offset);
	args[14] = raw->topic;
	args[15] = bytea_text(raw->key, raw->key_length);
	args[16] = bytea_text(raw->value, raw->value_length);
	if (raw->headers)
		args[17] = JsonbToCString(NULL, &raw->headers->root, VARSIZE(raw->headers));
}

static void
keep_dead_letter(VeloPipeline *pipeline, const VeloJob *job, const VeloFailure *failure)
{
	VeloMetaScope scope;
	const VeloChunk *chunk = failure->chunk;
	bool has_source = chunk && chunk->natts > chunk->user_natts;
	VeloRawRecord buffer;
	const VeloRawRecord *raw = raw_record(pipeline, failure, &buffer);
	const char *args[19];
	uint64 added;

	memset(args, 0, sizeof(args));
	args[18] = pipeline->sink->spec->leads ? "true" : "false";
	if (raw)
		add_raw(args, raw);
	args[0] = psprintf("%d", job->job_id);
	args[1] = job->name;
	args[2] = job->version;
	args[3] = job->application;
	args[4] = pipeline->plan->source.name;
	if (has_source)
	{
		const Datum *values = velo_row_values(chunk, failure->row);
		const bool *nulls = velo_row_nulls(chunk, failure->row);
		int first = chunk->user_natts;

		if (!nulls[first + VELO_PARTITION])
			args[5] = psprintf("%d", DatumGetInt32(values[first + VELO_PARTITION]));
		if (!nulls[first + VELO_OFFSET])
			args[6] = psprintf("%lld", (long long) DatumGetInt64(values[first + VELO_OFFSET]));
		if (!nulls[first + VELO_EVENT_TIME])
			args[8] = timestamptz_to_str(DatumGetTimestampTz(values[first + VELO_EVENT_TIME]));
	}
	args[7] = failure->record ? failure->record
			  : chunk		  ? velo_job_row_json(chunk, failure->row)
							  : NULL;
	args[8] = args[8] ? pstrdup(args[8]) : NULL;
	args[9] = error_class(failure->error->sqlerrcode);
	args[10] = unpack_sql_state(failure->error->sqlerrcode);
	args[10] = pstrdup(args[10]);
	args[11] = failure->error->message;
	args[12] = failure->operator_name;
	args[13] = velo_base_option_text(job->options, "dlq_max_size");
	velo_meta_begin(&scope);
	added = velo_meta_run(
		"INSERT INTO velo.dead_letter (job_id, job, version, application, source, "
		"source_partition, source_offset, record, event_time, error_class, sqlstate, "
		"error_message, operator, recoverable, source_topic, key, value, headers) "
		"SELECT $1::int, $2, $3, $4, $5, $6::int, $7::bigint, $8::jsonb, $9::timestamptz, $10, "
		"$11, $12, $13, false, $15, $16::bytea, $17::bytea, $18::jsonb "
		/* Where the sink leads, a batch that did not happen may have left its dead letters. */
		"WHERE NOT ($19::boolean AND EXISTS (SELECT FROM velo.dead_letter "
		"WHERE job_id = $1::int AND source_partition = $6::int AND source_offset = $7::bigint)) "
		"AND (SELECT count(*) FROM (SELECT FROM velo.dead_letter WHERE job_id = $1::int "
		"LIMIT $14::bigint) d) < $14::bigint",
		19, args);
	velo_meta_end(&scope);
	if (added == 0 && !pipeline->sink->spec->leads)
		ereport(LOG, (errcode(ERRCODE_VELO_DEAD_LETTERS_FULL),
					  errmsg("dead letter of job \"%s\" was refused: there are %s already",
							 job->name, args[13])));
}

static void
job_failure(VeloPipeline *pipeline, const VeloFailure *failure)
{
	const VeloJob *job = pipeline->driver;
	const char *strategy = velo_base_option_text(job->options, "failure_strategy");

	if (strcmp(strategy, "FailBatch") == 0 || strcmp(strategy, "RetryWithBackoff") == 0)
		ReThrowError(failure->error);
	if (strcmp(strategy, "LogAndContinue") == 0)
		ereport(LOG, (errcode(failure->error->sqlerrcode),
					  errmsg("job \"%s\" could not process a record: %s", job->name,
							 failure->error->message),
					  failure->chunk && failure->chunk->natts > failure->chunk->user_natts
						  ? errdetail_internal("Source \"%s\", offset %lld.",
											   pipeline->plan->source.name,
											   (long long) DatumGetInt64(velo_row_values(
												   failure->chunk,
												   failure->row)[failure->chunk->user_natts +
																 VELO_OFFSET]))
						  : 0));
	if (velo_job_keeps_dead_letters(job))
		keep_dead_letter(pipeline, job, failure);
}

static void
job_late(VeloPipeline *pipeline, const VeloChunk *chunk, int row)
{
	ErrorData error = {.sqlerrcode = ERRCODE_VELO_LATE_RECORD};
	VeloFailure failure = {.operator_name = "window", .error = &error, .chunk = chunk, .row = row};

	if (pipeline->plan->late != VELO_LATE_DEAD_LETTER)
		return;
	error.message = psprintf("the record's window has closed: the watermark is %s",
							 timestamptz_to_str(pipeline->operate.watermark));
	keep_dead_letter(pipeline, pipeline->driver, &failure);
}

void
velo_job_failures(VeloPipeline *pipeline, const VeloJob *job)
{
	pipeline->driver = unconstify(VeloJob *, job);
	pipeline->on_failure = job_failure;
	pipeline->on_late = job_late;
}
