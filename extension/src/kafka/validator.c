/*
 * validator.c
 *	  Options of connections: what may stand where, and with which values.
 *
 * The foreign data wrapper's validator runs as whoever writes the option, which is the
 * moment to ask whether he may use a secret or a file: it is read later for somebody
 * else, who was only given USAGE on the server.
 */
#include "postgres.h"

#include <access/reloptions.h>
#include <catalog/pg_attribute.h>
#include <catalog/pg_foreign_data_wrapper.h>
#include <catalog/pg_foreign_server.h>
#include <catalog/pg_foreign_table.h>
#include <catalog/pg_user_mapping.h>
#include <commands/defrem.h>
#include <foreign/foreign.h>
#include <miscadmin.h>
#include <nodes/parsenodes.h>

#include "base/function.h"
#include "kafka/internal.h"

#define PASSED_PREFIX "kafka."

static bool
has_prefix(const char *name, const char *prefix)
{
	return pg_strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static void
refuse_passed(const char *name, const VeloKafkaProperty *property)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("property \"%s\" is not allowed", name),
			 property && property->places
				 ? errhint("Write \"%s\" without \"" PASSED_PREFIX "\".", property->name)
				 : errhint("Only properties of the Kafka library that are known to be safe can "
						   "be passed on; the documentation of Kafka connections lists them.")));
}

/* Does librdkafka have it, so that the name is no mistake? */
static bool
is_known_to_library(const char *name)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	size_t size = 0;
	bool is_known = rd_kafka_conf_get(conf, name, NULL, &size) == RD_KAFKA_CONF_OK;

	rd_kafka_conf_destroy(conf);
	return is_known;
}

static void
refuse_place(const char *name, const VeloKafkaProperty *property, int places)
{
	const char *hint = NULL;

	if (property == NULL &&
		(has_prefix(name, "ssl.") || has_prefix(name, "sasl.") || is_known_to_library(name)))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("property \"%s\" is not allowed", name)));
	if (property && property->is_secret)
		hint = "It is a secret, and everybody can read these options: put it into a USER MAPPING, "
			   "or write ${secret:name}.";
	else if (property && property->places == VELO_KAFKA_IN_PASSED)
		hint = psprintf("Write \"" PASSED_PREFIX "%s\".", property->name);
	else if (property && places == VELO_KAFKA_IN_MAPPING)
		hint = "It is an option of the SERVER.";
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
					hint ? errhint("%s", hint) : 0));
}

const VeloKafkaProperty *
velo_kafka_place(const char *name, const char *value, int places)
{
	const VeloKafkaProperty *property;

	if (has_prefix(name, PASSED_PREFIX) && places != VELO_KAFKA_IN_MAPPING)
	{
		property = velo_kafka_property_find(name + strlen(PASSED_PREFIX));
		if (property == NULL || property->places != VELO_KAFKA_IN_PASSED)
			refuse_passed(name, property);
		return property;
	}
	property = velo_kafka_property_find(name);
	if (property && (property->places & places))
		return property;
	/* A reference gives nothing away. */
	if (property && property->is_secret && velo_kafka_is_reference(value))
		return property;
	refuse_place(name, property, places);
	return NULL;
}

/* librdkafka looks at it when it connects only, and then at what it was built with. */
static void
check_mechanism(const char *option, const char *value)
{
	static const char *const known[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"};

	for (int i = 0; i < lengthof(known); i++)
		if (pg_strcasecmp(value, known[i]) == 0)
			return;
	ereport(ERROR, (errcode(pg_strcasecmp(value, "GSSAPI") == 0 ? ERRCODE_FEATURE_NOT_SUPPORTED
																: ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value \"%s\" for property \"%s\"", value, option),
					errdetail("PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER can be used.")));
}

void
velo_kafka_check_value(const VeloKafkaProperty *property, const char *option, const char *value,
					   Oid role)
{
	rd_kafka_conf_t *conf;
	rd_kafka_conf_res_t result;
	char text[512];

	if (velo_kafka_has_secret(value))
	{
		velo_kafka_check_secrets(value, role);
		return;
	}
	if (property->is_path && strcmp(value, "probe") != 0)
		velo_kafka_check_path(value, option, role);
	if (strcmp(property->name, "sasl.mechanism") == 0)
		check_mechanism(option, value);
	conf = rd_kafka_conf_new();
	result = rd_kafka_conf_set(conf, property->name, value, text, sizeof(text));
	rd_kafka_conf_destroy(conf);
	if (result == RD_KAFKA_CONF_OK)
		return;
	ereport(ERROR,
			(errcode(strstr(text, "not supported in this build") ? ERRCODE_FEATURE_NOT_SUPPORTED
																 : ERRCODE_INVALID_PARAMETER_VALUE),
			 property->is_secret
				 ? errmsg("invalid value for property \"%s\"", option)
				 : errmsg("invalid value \"%s\" for property \"%s\"", value, option),
			 property->is_secret ? 0 : errdetail_internal("%s", velo_kafka_clean(NULL, text))));
}

/* --- the wrapper's validator --------------------------------------------------------- */

static bool
is_word_of(const char *words, const char *word)
{
	size_t length = strlen(word);

	while (words && *words)
	{
		size_t n = strcspn(words, " ");

		if (n == length && strncmp(words, word, n) == 0)
			return true;
		words += n;
		words += strspn(words, " ");
	}
	return false;
}

/* Foreign tables have the properties that streams of type kafka have. */
static void
check_table_option(const char *name, const char *value)
{
	const VeloOption *option = velo_base_option_find(name, VELO_OPTION_SOURCE | VELO_OPTION_SINK,
													 "kafka");
	const VeloKafkaProperty *property;

	if (option == NULL || (option->types && !is_word_of(option->types, "kafka")))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
				 errhint("Foreign tables have the properties of streams of type kafka.")));
	if (velo_kafka_is_secret(name) && !velo_kafka_is_reference(value))
		refuse_place(name, velo_kafka_property_find(name), VELO_KAFKA_IN_STREAM);
	if (velo_kafka_is_connection_option(name))
	{
		property = velo_kafka_place(name, value, VELO_KAFKA_IN_STREAM);
		velo_kafka_check_value(property, name, value, GetUserId());
	}
	else if (velo_kafka_has_secret(value))
		velo_kafka_check_secrets(value, GetUserId());
}

bool
velo_kafka_is_connection_option(const char *name)
{
	const VeloKafkaProperty *property = velo_kafka_property_find(name);

	return has_prefix(name, PASSED_PREFIX) || has_prefix(name, "ssl.") ||
		   has_prefix(name, "sasl.") || (property && (property->places & VELO_KAFKA_IN_STREAM));
}

static void
check_connection_option(const char *name, const char *value, int place)
{
	velo_kafka_check_value(velo_kafka_place(name, value, place), name, value, GetUserId());
}

/* velo.kafka_validator(options, catalog): raises if an option cannot stand there */
VELO_FUNCTION(velo_kafka_validator)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	ListCell *cell;

	foreach(cell, options)
	{
		DefElem *option = lfirst(cell);
		const char *value = defGetString(option);

		if (catalog == ForeignServerRelationId)
			check_connection_option(option->defname, value, VELO_KAFKA_IN_SERVER);
		else if (catalog == UserMappingRelationId)
			check_connection_option(option->defname, value, VELO_KAFKA_IN_MAPPING);
		else if (catalog == ForeignTableRelationId)
			check_table_option(option->defname, value);
		else
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
							errmsg("invalid option \"%s\"", option->defname),
							errhint("There are no options here.")));
	}
	PG_RETURN_VOID();
}
