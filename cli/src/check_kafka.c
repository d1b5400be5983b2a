/*
 * check_kafka.c
 *	  velo doctor: do the brokers answer?
 *
 * The server asks them, not this machine: it is the server that has to reach them.
 */
#include "doctor.h"
#include "query.h"

/* Connections that the caller may use, and brokers that streams name themselves. */
static const char connections[] =
	"SELECT DISTINCT c FROM ("
	"SELECT s.srvname::text FROM pg_foreign_server s "
	"JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE w.fdwname = 'velo_kafka' "
	"AND has_server_privilege(s.oid, 'USAGE') "
	/* the extension's own has no brokers */
	"AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_foreign_server'::regclass "
	"AND d.objid = s.oid AND d.deptype = 'e') "
	"UNION ALL "
	"SELECT coalesce(max(p.value) FILTER (WHERE p.property = 'connection'), "
	"max(p.value) FILTER (WHERE p.property IN ('bootstrap.servers', 'brokers')), "
	"'localhost:9092') "
	"FROM velo.stream_list() l LEFT JOIN LATERAL velo.properties(l.sql_name::regclass) p ON true "
	"WHERE l.type = 'kafka' GROUP BY l.sql_name) AS x (c) ORDER BY 1";

static void
check_connection(Doctor *doctor, const char *name, const char *connection)
{
	VcError error = {0};
	PGresult *result = cmd_query(doctor->conn, "SELECT count(*) FROM velo.kafka_topics($1)", 1,
								 &connection, &error);

	if (result)
		doctor_ok(name, "%s answers and has %s topics", connection, doctor_value(result, 0));
	else
		doctor_fail(name, error.hint, "%s: %s%s%s", connection, error.message,
					error.detail ? "\n" : "", error.detail ? error.detail : "");
	PQclear(result);
	vc_error_clear(&error);
}

static void
check_kafka(Doctor *doctor, const char *name)
{
	PGresult *result = doctor_query(doctor, name, connections);

	if (result == NULL)
		return;
	for (int row = 0; row < PQntuples(result); row++)
		check_connection(doctor, name, PQgetvalue(result, row, 0));
	if (PQntuples(result) == 0)
		doctor_ok(name, "no connection is defined");
	PQclear(result);
}

static const DoctorCheck kafka = {100, "kafka", true, check_kafka};
DOCTOR_CHECK(kafka);
