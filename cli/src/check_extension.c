/*
 * check_extension.c
 *	  velo doctor: the extension, its library, its background workers, the caller's rights.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

static void
check_extension(Doctor *doctor, const char *name)
{
	PGresult *result = doctor_query(
		doctor, name,
		"SELECT e.extversion, a.default_version FROM pg_catalog.pg_available_extensions a "
		"LEFT JOIN pg_catalog.pg_extension e ON e.extname = a.name WHERE a.name = 'velostream'");
	const char *here;
	const char *available;

	if (result == NULL)
		return;
	here = doctor_value(result, 0);
	available = doctor_value(result, 1);
	doctor->has_extension = *here != '\0';
	if (PQntuples(result) == 0)
		doctor_fail(name, "Install it on the server: make install.",
					"the server does not have velostream");
	else if (*here == '\0')
		doctor_fail(name, "CREATE EXTENSION velostream;",
					"the server has velostream %s, but this database does not", available);
	else if (strcmp(here, available) != 0)
		doctor_warn(name, "ALTER EXTENSION velostream UPDATE;",
					"this database has velostream %s, the server %s", here, available);
	else if (strcmp(here, VELO_VERSION) != 0)
		doctor_warn(name, "Use the velo of the same version.",
					"the database has velostream %s, this program is %s", here, VELO_VERSION);
	else
		doctor_ok(name, "velostream %s, as this program", here);
	PQclear(result);
}

static void
check_preload(Doctor *doctor, const char *name)
{
	/* who is no member of pg_read_all_settings sees nothing of shared_preload_libraries, but
	 * this setting can only be there at server start when the library was preloaded */
	PGresult *result = doctor_query(
		doctor, name,
		"SELECT pg_catalog.current_setting('velo.max_jobs', true), "
		"coalesce((SELECT 'velostream' = ANY (pg_catalog.string_to_array(pg_catalog.translate("
		"setting, ' \"', ''), ',')) FROM pg_catalog.pg_settings "
		"WHERE name = 'shared_preload_libraries'), pg_catalog.current_setting('velo.max_jobs', "
		"true) IS NOT NULL)");

	if (result == NULL)
		return;
	if (strcmp(doctor_value(result, 1), "t") == 0)
		doctor_ok(name, "velostream is in shared_preload_libraries");
	else
		doctor_fail(name,
					"In postgresql.conf: shared_preload_libraries = 'velostream', then restart\n"
					"the server.",
					"velostream is not in shared_preload_libraries: no job can run");
	PQclear(result);
}

/* What kind of process each is, PostgreSQL tells only to members of pg_monitor. */
static bool
sees_processes(Doctor *doctor, const char *name)
{
	PGresult *result = doctor_query(doctor, name,
									"SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')");
	bool sees = result && strcmp(doctor_value(result, 0), "t") == 0;

	if (result && !sees)
		doctor_ok(name, "not looked at: only members of pg_monitor see the server's processes");
	PQclear(result);
	return sees;
}

static void
check_workers(Doctor *doctor, const char *name)
{
	PGresult *result;

	if (!sees_processes(doctor, name))
		return;
	result = doctor_query(doctor, name,
						  "SELECT count(*) FILTER (WHERE backend_type = 'velostream launcher'), "
						  "count(*) FILTER (WHERE backend_type = 'velostream database launcher' "
						  "AND datname = pg_catalog.current_database()), "
						  "pg_catalog.pg_is_in_recovery(), "
						  "count(*) FILTER (WHERE backend_type = 'velostream job' "
						  "AND datname = pg_catalog.current_database()) "
						  "FROM pg_catalog.pg_stat_activity");
	if (result == NULL)
		return;
	if (strcmp(doctor_value(result, 2), "t") == 0)
		doctor_ok(name, "the server is a standby; jobs run once it is promoted");
	else if (atoi(doctor_value(result, 0)) == 0)
		doctor_fail(name, "Look into the server's log; a restart of the server starts it.",
					"velostream's launcher does not run: no job is started");
	else if (atoi(doctor_value(result, 1)) == 0)
		doctor_fail(name,
					"Is max_worker_processes used up? Raise it and restart the server; else look\n"
					"into the server's log.",
					"no launcher runs for this database: its jobs are not started");
	else
		doctor_ok(name, "the launchers run, and %s job%s", doctor_value(result, 3),
				  strcmp(doctor_value(result, 3), "1") == 0 ? "" : "s");
	PQclear(result);
}

/* A job needs a slot of velo.max_jobs and a background worker. */
static void
check_room(Doctor *doctor, const char *name)
{
	PGresult *result;
	int processes;
	int jobs_max;
	int used;
	int jobs;

	if (!sees_processes(doctor, name))
		return;
	result = doctor_query(
		doctor, name,
		"SELECT current_setting('max_worker_processes')::int, "
		"current_setting('velo.max_jobs')::int, "
		"(SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'velostream%' "
		"OR backend_type IN ('logical replication launcher', 'logical replication worker', "
		"'parallel worker')), "
		"(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'velostream job'), "
		"(SELECT count(*) FROM velo.job_list() WHERE condition = 'no_worker_slot')");
	if (result == NULL)
		return;
	processes = atoi(doctor_value(result, 0));
	jobs_max = atoi(doctor_value(result, 1));
	used = atoi(doctor_value(result, 2));
	jobs = atoi(doctor_value(result, 3));
	if (atoi(doctor_value(result, 4)) > 0)
		doctor_fail(name, "Raise max_worker_processes, or velo.max_jobs, and restart the server.",
					"%s job(s) wait for a worker: %d of %d worker processes and %d of %d jobs are "
					"used",
					doctor_value(result, 4), used, processes, jobs, jobs_max);
	else if (used + 2 > processes || jobs + 1 > jobs_max)
		doctor_warn(name, "Raise max_worker_processes, or velo.max_jobs, and restart the server.",
					"the next job may find no worker: %d of %d worker processes and %d of %d jobs "
					"are used",
					used, processes, jobs, jobs_max);
	else
		doctor_ok(name,
				  "%d of %d worker processes and %d of %d jobs "
				  "(velo.max_jobs) are used",
				  used, processes, jobs, jobs_max);
	PQclear(result);
}

static void
check_rights(Doctor *doctor, const char *name)
{
	PGresult *result = doctor_query(doctor, name,
									"SELECT s ->> 'is_user', s ->> 'is_admin', s ->> 'user', "
									"quote_ident(s ->> 'user') FROM velo.session() AS s");
	char action[300];

	if (result == NULL)
	{
		doctor->has_extension = false;
		return;
	}
	snprintf(action, sizeof(action), "Ask the administrator for: GRANT velo_user TO %s;",
			 doctor_value(result, 3));
	if (strcmp(doctor_value(result, 0), "true") != 0)
	{
		doctor_fail(name, action, "%s is no member of velo_user and may not use streams",
					doctor_value(result, 2));
		/* what follows would only say so again */
		doctor->has_extension = false;
	}
	else
		doctor_ok(name, "%s is a member of velo_user%s", doctor_value(result, 2),
				  strcmp(doctor_value(result, 1), "true") == 0 ? " and velo_admin" : "");
	PQclear(result);
}

static const DoctorCheck preload = {40, "preload", false, check_preload};
static const DoctorCheck extension = {50, "extension", false, check_extension};
static const DoctorCheck rights = {60, "rights", true, check_rights};
static const DoctorCheck workers = {70, "workers", true, check_workers};
static const DoctorCheck room = {80, "room", true, check_room};
DOCTOR_CHECK(preload);
DOCTOR_CHECK(extension);
DOCTOR_CHECK(rights);
DOCTOR_CHECK(workers);
DOCTOR_CHECK(room);
