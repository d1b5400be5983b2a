/*
 * check_jobs.c
 *	  velo doctor: jobs that failed, that are in trouble, that are behind.
 */
#include <stdio.h>
#include <string.h>

#include "doctor.h"

#define LAG_SECONDS_MAX "60"

static void
check_jobs(Doctor *doctor, const char *name)
{
	PGresult *result = doctor_query(
		doctor, name,
		"SELECT name, status, condition, coalesce(last_error, ''), coalesce(last_sqlstate, ''), "
		"coalesce(lag_seconds, 0) > " LAG_SECONDS_MAX ", lag_records, records_failed "
		"FROM velo.job_list()");
	int troubled = 0;

	if (result == NULL)
		return;
	for (int row = 0; row < PQntuples(result); row++)
	{
		const char *job = PQgetvalue(result, row, 0);
		const char *status = PQgetvalue(result, row, 1);
		const char *condition = PQgetvalue(result, row, 2);
		char action[300];

		troubled++;
		if (strcmp(status, "failed") == 0)
		{
			snprintf(action, sizeof(action), "Mend the cause, then: velo job start %s", job);
			doctor_fail(name, action, "%s has failed: %s [%s]", job, PQgetvalue(result, row, 3),
						PQgetvalue(result, row, 4));
		}
		else if (strcmp(condition, "retrying") == 0)
			doctor_fail(name, "It goes on by itself once the cause is mended.",
						"%s is retrying: %s [%s]", job, PQgetvalue(result, row, 3),
						PQgetvalue(result, row, 4));
		else if (strcmp(PQgetvalue(result, row, 5), "t") == 0 && strcmp(status, "running") == 0)
			doctor_warn(name, "Is it catching up (velo job status --watch), or too slow?",
						"%s is %s records and more than " LAG_SECONDS_MAX " s behind", job,
						PQgetvalue(result, row, 6));
		else if (strcmp(PQgetvalue(result, row, 7), "0") != 0)
		{
			snprintf(action, sizeof(action), "velo job status %s; failed records are dead letters.",
					 job);
			doctor_warn(name, action, "%s could not process %s records", job,
						PQgetvalue(result, row, 7));
		}
		else
			troubled--;
	}
	if (PQntuples(result) == 0)
		doctor_ok(name, "there are none");
	else if (troubled < PQntuples(result))
		doctor_ok(name, "%d of %d without trouble", PQntuples(result) - troubled,
				  PQntuples(result));
	PQclear(result);
}

static const DoctorCheck jobs = {90, "jobs", true, check_jobs};
DOCTOR_CHECK(jobs);
