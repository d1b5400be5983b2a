/*
 * doctor.h
 *	  What a check of velo doctor is.
 *
 * A file check_<what>.c registers its check with DOCTOR_CHECK; the name decides about the
 * order.  A check may find several things, one line each.
 */
#pragma once

#include "line.h"

typedef struct Doctor
{
	const CmdLine *line;
	PGconn *conn;
	bool has_extension; /* in this database, and the caller may use it */
} Doctor;

typedef struct DoctorCheck
{
	int order; /* the smaller the earlier */
	const char *name;
	bool needs_extension;
	void (*run)(Doctor *doctor, const char *name);
} DoctorCheck;

#define DOCTOR_CHECK(variable)                                                                     \
	static const DoctorCheck *const doctor_registered_##variable                                   \
		__attribute__((used, section("velo_doctor"))) = &(variable)

/* What was found.  action: what to do about it, a sentence. */
extern void doctor_ok(const char *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern void doctor_warn(const char *check, const char *action, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
extern void doctor_fail(const char *check, const char *action, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Rows of a query; when it fails that is told as a failure of the check and NULL comes.
 * The caller PQclears them.
 */
extern PGresult *doctor_query(Doctor *doctor, const char *check, const char *sql);

/* A value of the first row, "" when there is none. */
extern const char *doctor_value(const PGresult *result, int column);
