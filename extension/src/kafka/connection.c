/*
 * connection.c
 *	  From a stream's options to librdkafka's properties.
 *
 * A connection is a SERVER of the wrapper velo_kafka with a USER MAPPING: PostgreSQL's
 * own objects, with its rights, its pg_dump and its rule who sees a password.  A stream
 * names one ("connection") or says everything itself.
 *
 * It cannot do both: whoever may use a server, and knows none of its secrets, could
 * otherwise send them to brokers of his own.
 */
#include "postgres.h"

#include <access/htup_details.h>
#include <access/reloptions.h>
#include <catalog/pg_foreign_server.h>
#include <catalog/pg_user_mapping.h>
#include <commands/defrem.h>
#include <foreign/foreign.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/syscache.h>

#include "base/compat.h"
#include "kafka/internal.h"

/* --- servers --------------------------------------------------------------------------- */

/* The stream's connection, or NULL; the wrapper's own server stands for none. */
static const char *
connection_name(List *options)
{
	const char *name = velo_base_option_text(options, "connection");

	return name == NULL || name[0] == '\0' || strcmp(name, VELO_KAFKA_WRAPPER) == 0 ? NULL : name;
}

static ForeignServer *
find_server(const char *name, Oid role)
{
	ForeignServer *server = GetForeignServerByName(name, true);

	if (server == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("connection \"%s\" does not exist", name),
						errhint("Make it with CREATE SERVER ... FOREIGN DATA WRAPPER %s.",
								VELO_KAFKA_WRAPPER)));
	if (strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, VELO_KAFKA_WRAPPER) != 0)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("server \"%s\" is not a connection to Kafka", name),
						errdetail("Its foreign data wrapper is not %s.", VELO_KAFKA_WRAPPER)));
	if (!velo_compat_may_use_server(server->serverid, role))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FOREIGN_SERVER, name);
	return server;
}

/* Options of the role's user mapping, else of PUBLIC's, else none. */
static List *
mapping_options(Oid server, Oid role)
{
	HeapTuple tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(role),
									  ObjectIdGetDatum(server));
	List *options = NIL;
	Datum datum;
	bool is_null;

	if (!HeapTupleIsValid(tuple))
		tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
								ObjectIdGetDatum(server));
	if (!HeapTupleIsValid(tuple))
		return NIL;
	datum = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple, Anum_pg_user_mapping_umoptions, &is_null);
	if (!is_null)
		options = untransformRelOptions(datum);
	ReleaseSysCache(tuple);
	return options;
}

/* Adds what the validator has let in. */
static List *
add_catalog_options(List *properties, List *options, int place)
{
	ListCell *cell;

	foreach(cell, options)
	{
		DefElem *option = lfirst(cell);
		const char *value = defGetString(option);
		const VeloKafkaProperty *property = velo_kafka_place(option->defname, value, place);

		properties = velo_base_option_set(properties, property->name,
										  velo_kafka_resolve_secrets(value));
	}
	return properties;
}

/* --- a stream's own -------------------------------------------------------------------- */

static void
check_alone(const char *option, const VeloKafkaProperty *property, const char *connection)
{
	if (connection && property->places != VELO_KAFKA_IN_PASSED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("property \"%s\" cannot be given together with \"connection\"", option),
				 errdetail("Connection \"%s\" says where and how to connect.", connection)));
}

static List *
add_own(List *properties, List *options, Oid role, bool resolves)
{
	const char *connection = connection_name(options);
	ListCell *cell;

	if (connection == NULL)
		properties = velo_base_option_set(properties, "bootstrap.servers",
										  velo_base_option_text(options, "bootstrap.servers"));
	foreach(cell, options)
	{
		VeloOptionValue *option = lfirst(cell);
		const VeloKafkaProperty *property;

		if (!velo_kafka_is_connection_option(option->name))
			continue;
		property = velo_kafka_place(option->name, option->value, VELO_KAFKA_IN_STREAM);
		check_alone(option->name, property, connection);
		velo_kafka_check_value(property, option->name, option->value, role);
		properties = velo_base_option_set(properties, property->name,
										  resolves ? velo_kafka_resolve_secrets(option->value)
												   : option->value);
	}
	return properties;
}

/* librdkafka forgets credentials without a word if the protocol does not use them. */
static void
check_protocol(List *properties)
{
	const char *protocol = velo_base_option_text(properties, "security.protocol");
	bool is_sasl = protocol && pg_strncasecmp(protocol, "SASL_", 5) == 0;
	bool is_tls = protocol &&
				  (pg_strcasecmp(protocol, "SSL") == 0 || pg_strcasecmp(protocol, "SASL_SSL") == 0);
	ListCell *cell;

	foreach(cell, properties)
	{
		VeloOptionValue *property = lfirst(cell);

		if ((!is_sasl && strncmp(property->name, "sasl.", 5) == 0) ||
			(!is_tls && strncmp(property->name, "ssl.", 4) == 0))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("property \"%s\" has no effect with security.protocol %s",
								   property->name, protocol ? protocol : "PLAINTEXT"),
							errhint("Set \"security.protocol\" to %s.",
									strncmp(property->name, "sasl.", 5) == 0 ? "SASL_SSL"
																			 : "SSL or SASL_SSL")));
	}
	if (is_sasl && !velo_base_option_is_set(properties, "sasl.mechanism"))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("property \"sasl.mechanism\" is missing"),
						errdetail("It is needed with security.protocol %s.", protocol),
						errhint("PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER can be "
								"used.")));
}

List *
velo_kafka_properties(List *options, Oid role)
{
	const char *connection = connection_name(options);
	List *properties = NIL;

	if (!OidIsValid(role))
		role = GetUserId();
	if (connection)
	{
		ForeignServer *server = find_server(connection, role);

		properties = add_catalog_options(properties, server->options, VELO_KAFKA_IN_SERVER);
		properties = add_catalog_options(properties, mapping_options(server->serverid, role),
										 VELO_KAFKA_IN_MAPPING);
		if (!velo_base_option_is_set(properties, "bootstrap.servers"))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("connection \"%s\" has no brokers", connection),
							errhint("ALTER SERVER ... OPTIONS (ADD \"bootstrap.servers\" "
									"'host:port').")));
	}
	properties = add_own(properties, options, role, true);
	check_protocol(properties);
	return properties;
}

void
velo_kafka_check_options(List *options, Oid role)
{
	const char *connection = connection_name(options);
	List *properties;

	if (!OidIsValid(role))
		role = GetUserId();
	if (connection)
		(void) find_server(connection, role);
	properties = add_own(NIL, options, role, false);
	if (connection == NULL)
		check_protocol(properties);
}

const char *
velo_kafka_brokers(List *options)
{
	const char *connection = connection_name(options);
	ForeignServer *server = connection ? GetForeignServerByName(connection, true) : NULL;
	ListCell *cell;

	if (connection == NULL)
		return velo_base_option_text(options, "bootstrap.servers");
	foreach(cell, server ? server->options : NIL)
	{
		DefElem *option = lfirst(cell);

		if (velo_kafka_property_find(option->defname) ==
			velo_kafka_property_find("bootstrap.servers"))
			return defGetString(option);
	}
	return connection;
}

const char *
velo_kafka_topic_name(List *options, const char *stream)
{
	const char *topic = velo_base_option_text(options, "topic");

	return topic && topic[0] ? topic : stream;
}
