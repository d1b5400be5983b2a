/*
 * restart.c
 *	  A worker has ended with an error: is the job begun again, and when?
 *
 *	data and statement errors	never: a restart would end the same way
 *	what others have to mend	again and again: a broker that is away, a password, a
 *								topic that is not there yet, a right
 *	everything else				again, "retry.max.attempts" times in a row
 *
 * The delay grows from "retry.initial.delay" to "retry.max.delay".
 */
#include "postgres.h"

#include "job/job.h"

#include "base/errors.h"
#include "meta/meta.h"

static const VeloOption retry_attempts = {
	.name = "retry.max.attempts",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_INT,
	.standard = "10",
	.min = 0,
	.max = 1000000,
	.description = "Restarts in a row before the job fails.",
};
VELO_OPTION(retry_attempts);

static const VeloOption retry_strategy = {
	.name = "retry.backoff.strategy",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_CHOICE,
	.standard = "exponential",
	.choices = "fixed linear exponential",
	.description = "How the delay between restarts grows.",
};
VELO_OPTION(retry_strategy);

static const VeloOption retry_initial = {
	.name = "retry.initial.delay",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_MS,
	.standard = "100",
	.description = "Delay before the first restart.",
};
VELO_OPTION(retry_initial);

static const VeloOption retry_max = {
	.name = "retry.max.delay",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_MS,
	.standard = "30000",
	.description = "Longest delay before a restart.",
};
VELO_OPTION(retry_max);

static const VeloOption retry_multiplier = {
	.name = "retry.multiplier",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_FLOAT,
	.standard = "2",
	.min = 1,
	.max = 100,
	.description = "Growth of the exponential delay.",
};
VELO_OPTION(retry_multiplier);

static int64
delay_us(const VeloJob *job, int failures)
{
	double initial = velo_base_option_int(job->options, "retry.initial.delay");
	double most = velo_base_option_int(job->options, "retry.max.delay");
	const char *strategy = velo_base_option_text(job->options, "retry.backoff.strategy");
	double delay = initial;

	if (strcmp(strategy, "linear") == 0)
		delay = initial * failures;
	else if (strcmp(strategy, "exponential") == 0)
	{
		double multiplier = velo_base_option_float(job->options, "retry.multiplier");

		for (int i = 1; i < failures && delay < most; i++)
			delay *= multiplier;
	}
	return (int64) (Min(delay, most) * 1000);
}

/* Errors that no restart can mend: the statement or the data are wrong. */
static bool
is_final(int sqlstate)
{
	return velo_operate_is_data_error(sqlstate) ||
		   ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		   ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_FEATURE_NOT_SUPPORTED ||
		   sqlstate == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED ||
		   sqlstate == ERRCODE_VELO_STATE_INCOMPATIBLE || sqlstate == ERRCODE_VELO_POSITION_LOST ||
		   sqlstate == ERRCODE_VELO_SINK_AHEAD || sqlstate == ERRCODE_DATA_CORRUPTED;
}

/*
 * What others have to mend, who do not know of us: a broker that is away, a password, a
 * topic that is not there yet, a right.  The job waits for it however long it takes.
 */
static bool
is_patient(const VeloJob *job, int sqlstate)
{
	ListCell *cell;

	if (ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_CONNECTION_EXCEPTION)
		return true;
	if (sqlstate != ERRCODE_UNDEFINED_TABLE && sqlstate != ERRCODE_INSUFFICIENT_PRIVILEGE)
		return false;
	foreach(cell, list_append_unique_oid(list_copy(job->sources), job->target))
	{
		VeloStream *stream = velo_meta_stream(lfirst_oid(cell));

		if (stream && strcmp(stream->type, "kafka") == 0)
			return true;
	}
	return false;
}

char *
velo_job_error_text(const ErrorData *error)
{
	if (error->detail && (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_CONNECTION_EXCEPTION ||
						  error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE))
		return psprintf("%s: %s", error->message, error->detail);
	return error->message;
}

VeloRestart
velo_job_restart(const VeloJob *job, int sqlstate, int failures)
{
	VeloRestart restart;

	restart.is_final = !is_patient(job, sqlstate) &&
					   (is_final(sqlstate) ||
						failures > velo_base_option_int(job->options, "retry.max.attempts"));
	restart.delay_us = delay_us(job, failures);
	return restart;
}
