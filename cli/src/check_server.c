/*
 * check_server.c
 *	  velo doctor: the connection, the server's clock and version.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "doctor.h"
#include "status.h"

#define CLOCK_DIFFERENCE_MAX_S 2.0
#define ROUND_TRIP_SLOW_MS 100
#define SERVER_VERSION_LEAST 150000

static void
check_connection(Doctor *doctor, const char *name)
{
	double before = cmd_status_clock();
	PGresult *result = doctor_query(doctor, name,
									"SELECT current_database(), current_user, session_user");
	double round_trip_ms = (cmd_status_clock() - before) * 1000;
	const char *host = PQhost(doctor->conn);

	if (result == NULL)
		return;
	if (round_trip_ms > ROUND_TRIP_SLOW_MS)
		doctor_warn(name, "Live rows come in bunches over a slow line; run velo nearer to it.",
					"an answer takes %.0f ms", round_trip_ms);
	doctor_ok(name, "database %s as %s at %s:%s, %s, an answer takes %.1f ms",
			  doctor_value(result, 0), doctor_value(result, 1), host ? host : "",
			  PQport(doctor->conn), PQsslInUse(doctor->conn) ? "encrypted" : "not encrypted",
			  round_trip_ms);
	PQclear(result);
}

static void
check_version(Doctor *doctor, const char *name)
{
	const char *version = PQparameterStatus(doctor->conn, "server_version");

	if (PQserverVersion(doctor->conn) < SERVER_VERSION_LEAST)
		doctor_fail(name, "Velostream needs PostgreSQL 15 or later.", "PostgreSQL %s", version);
	else
		doctor_ok(name, "PostgreSQL %s", version);
}

static void
check_clock(Doctor *doctor, const char *name)
{
	struct timespec before;
	struct timespec after;
	PGresult *result;
	double difference;
	double ours;

	clock_gettime(CLOCK_REALTIME, &before);
	result = doctor_query(doctor, name, "SELECT extract(epoch FROM clock_timestamp())");
	clock_gettime(CLOCK_REALTIME, &after);
	if (result == NULL)
		return;
	ours = (before.tv_sec + after.tv_sec) / 2.0 + (before.tv_nsec + after.tv_nsec) / 2e9;
	difference = atof(doctor_value(result, 0)) - ours;
	PQclear(result);
	if (fabs(difference) > CLOCK_DIFFERENCE_MAX_S)
		doctor_warn(name, "Let both machines get their time from NTP: watermarks are times.",
					"the server's clock is %.1f s %s this machine's", fabs(difference),
					difference > 0 ? "ahead of" : "behind");
	else
		doctor_ok(name, "the server's and this machine's agree");
}

static const DoctorCheck connection = {10, "connection", false, check_connection};
static const DoctorCheck version = {20, "server", false, check_version};
static const DoctorCheck clock_check = {30, "clock", false, check_clock};
DOCTOR_CHECK(connection);
DOCTOR_CHECK(version);
DOCTOR_CHECK(clock_check);
