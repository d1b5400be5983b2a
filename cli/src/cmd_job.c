/*
 * cmd_job.c
 *	  velo job list, status and versions: looking at jobs.
 *
 * Tables show what a person wants to see at a glance; json and csv have the columns of
 * the SQL function as they are, for programs.
 */
#include <stdio.h>

#include "query.h"

static const char no_job_hint[] = "\"velo job list\" shows the jobs that you may see.";

/* --- list ------------------------------------------------------------------------------ */

static const char list_table[] =
	"SELECT name AS job, status || CASE condition WHEN 'ok' THEN '' ELSE ', ' || "
	"replace(condition, '_', ' ') END AS status, "
	"date_trunc('second', clock_timestamp() - status_since) AS since, target, "
	"records_in AS \"in\", records_out AS out, records_failed AS failed, lag_records AS lag, "
	"pg_size_pretty(state_bytes) AS state "
	"FROM velo.job_list()";

static int
run_list(const CmdLine *line)
{
	CmdShow show = {.table_sql = list_table, .data_sql = "SELECT * FROM velo.job_list()"};

	return cmd_show_watched(line, &show);
}

static const CmdOption watch_options[] = {CMD_WATCH_OPTIONS, {0}};

static const Command job_list = {
	.name = "job list",
	.summary = "jobs, and whether they keep up",
	.help = "The jobs that you may see: your own; all of them as a member of velo_admin or\n"
			"pg_monitor.\n"
			"\n"
			"  velo job list --watch\n"
			"  velo job list -o json | jq -r 'select(.status == \"failed\").name'\n",
	.options = watch_options,
	.run = run_list,
};
CMD_COMMAND(job_list);

/* --- status ---------------------------------------------------------------------------- */

static const char status_table[] =
	"SELECT name AS job, status, date_trunc('second', clock_timestamp() - status_since) AS since, "
	"replace(condition, '_', ' ') AS condition, last_error AS \"last error\", "
	"last_sqlstate AS \"last SQLSTATE\", restarts, kind, version, target, owner, "
	"records_in AS \"records in\", records_out AS \"records out\", "
	"records_failed AS \"records failed\", records_late AS \"records late\", "
	"lag_records AS \"lag, records\", round(lag_seconds::numeric, 1) AS \"lag, seconds\", "
	"watermark, last_commit_at AS \"last commit\", pg_size_pretty(state_bytes) AS state "
	"FROM velo.job_list() WHERE $1::text IS NULL OR name = $1";

/* Of the job that the line names, or of all: $1 of both statements, NULL for all. */
static int
show_job(const CmdLine *line, const char *table_sql, const char *data_sql)
{
	const char *name = cmd_argument(line, 0);
	char missing[200];
	CmdShow show = {
		.table_sql = table_sql,
		.data_sql = data_sql,
		.count = 1,
		.values = &name,
		.is_vertical = true,
		.missing = name ? missing : NULL,
		.missing_hint = no_job_hint,
	};

	snprintf(missing, sizeof(missing), "job \"%s\" does not exist", name ? name : "");
	return cmd_show_watched(line, &show);
}

static int
run_status(const CmdLine *line)
{
	return show_job(line, status_table,
					"SELECT * FROM velo.job_list() WHERE $1::text IS NULL OR name = $1");
}

static const Command job_status = {
	.name = "job status",
	.summary = "everything about a job: errors, lag, watermark, state",
	.arguments = "[NAME]",
	.arguments_max = 1,
	.names = "jobs",
	.help = "Without NAME: of all jobs that you may see.\n"
			"\n"
			"  velo job status revenue --watch\n",
	.options = watch_options,
	.run = run_status,
};
CMD_COMMAND(job_status);

/* --- versions -------------------------------------------------------------------------- */

static int
run_versions(const CmdLine *line)
{
	return show_job(line,
					"SELECT job_name AS job, version, state, "
					"date_trunc('second', created_at) AS created, created_by AS by, "
					"sql_text AS statement FROM velo.job_versions "
					"WHERE $1::text IS NULL OR job_name = $1 ORDER BY job_name, created_at",
					"SELECT * FROM velo.job_versions "
					"WHERE $1::text IS NULL OR job_name = $1 ORDER BY job_name, created_at");
}

static const Command job_versions = {
	.name = "job versions",
	.summary = "the statements a job has run",
	.arguments = "[NAME]",
	.arguments_max = 1,
	.names = "jobs",
	.help = "  velo job versions revenue\n",
	.run = run_versions,
};
CMD_COMMAND(job_versions);
