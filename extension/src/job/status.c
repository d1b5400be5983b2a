/*
 * status.c
 *	  What is: the status columns of velo.job.
 */
#include "postgres.h"

#include "job/job.h"

#include "base/testpoint.h"
#include "job/control.h"
#include "meta/meta.h"

void
velo_job_set_status(int job_id, const char *status)
{
	VeloMetaScope scope;
	const char *args[2] = {psprintf("%d", job_id), status};

	velo_meta_begin(&scope);
	/*
	 * The worker and the launcher both notice that a job has stopped.  Between them its
	 * owner may have started it again; stopped by the second it would never run.
	 */
	velo_meta_run("UPDATE velo.job SET status = $2, status_since = clock_timestamp(), "
				  "started_at = CASE WHEN $2 = 'running' AND status = 'starting' "
				  "THEN clock_timestamp() ELSE started_at END "
				  "WHERE job_id = $1::int AND status <> $2 "
				  "AND ($2 <> 'stopped' OR desired = 'stopped')",
				  2, args);
	velo_meta_end(&scope);
	VELO_TESTPOINT("job_status_written");
}

void
velo_job_set_error(int job_id, const char *status, const char *sqlstate, const char *message)
{
	VeloMetaScope scope;
	const char *args[4] = {psprintf("%d", job_id), status, sqlstate, message};

	velo_meta_begin(&scope);
	velo_meta_run("UPDATE velo.job SET status = $2, status_since = clock_timestamp(), "
				  "restarts = restarts + 1, last_sqlstate = $3, last_error = $4 "
				  "WHERE job_id = $1::int",
				  4, args);
	velo_meta_end(&scope);
}
