/*
 * hide.c
 *	  Literal passwords of statements, moved to where PostgreSQL keeps passwords.
 *
 * CREATE STREAM … WITH ('sasl.password' = '…') is convenient, and the properties of
 * streams can be read by everybody.  So the connection's properties become a SERVER
 * "<stream>_connection" and a USER MAPPING of the stream's owner, made as the owner, as
 * if he had written them himself.  No SQL is built: its text could end in a log.
 */
#include "postgres.h"

#include <access/xact.h>
#include <catalog/dependency.h>
#include <catalog/pg_class.h>
#include <catalog/pg_foreign_server.h>
#include <catalog/pg_user_mapping.h>
#include <commands/defrem.h>
#include <foreign/foreign.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/parsenodes.h>
#include <utils/syscache.h>

#include "kafka/internal.h"

/* Names that are tried before giving up. */
#define NAMES_MAX 100

static bool
has_literal(List *options)
{
	ListCell *cell;

	foreach(cell, options)
	{
		VeloOptionValue *option = lfirst(cell);
		const VeloKafkaProperty *property = velo_kafka_property_find(option->name);

		if (property && property->is_secret && !velo_kafka_is_reference(option->value))
			return true;
	}
	return false;
}

static char *
choose_name(const char *stream)
{
	for (int i = 1; i <= NAMES_MAX; i++)
	{
		char *label = i == 1 ? pstrdup("connection") : psprintf("connection%d", i);
		char *name = makeObjectName(stream, NULL, label);

		if (GetForeignServerByName(name, true) == NULL)
			return name;
	}
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
					errmsg("found no free name for a connection of \"%s\"", stream)));
}

/* Everybody can read a server's options: only what cannot stand in a mapping goes there. */
static bool
is_for_mapping(const VeloKafkaProperty *property)
{
	return (property->places & VELO_KAFKA_IN_MAPPING) != 0;
}

static List *
pick(List *options, bool for_mapping)
{
	List *picked = NIL;
	ListCell *cell;

	foreach(cell, options)
	{
		VeloOptionValue *option = lfirst(cell);
		const VeloKafkaProperty *property = velo_kafka_property_find(option->name);

		if (property && (property->places & VELO_KAFKA_IN_STREAM) &&
			is_for_mapping(property) == for_mapping)
			picked = lappend(picked, makeDefElem(pstrdup(property->name),
												 (Node *) makeString(pstrdup(option->value)), -1));
	}
	return picked;
}

static void
make_server(char *name, List *options)
{
	CreateForeignServerStmt *statement = makeNode(CreateForeignServerStmt);

	if (!velo_base_option_is_set(options, "bootstrap.servers"))
		options = velo_base_option_set(list_copy(options), "bootstrap.servers",
									   velo_base_option_text(options, "bootstrap.servers"));
	statement->servername = name;
	statement->fdwname = pstrdup(VELO_KAFKA_WRAPPER);
	statement->options = pick(options, false);
	(void) CreateForeignServer(statement);
	CommandCounterIncrement();
}

static void
make_mapping(char *name, List *options, Oid owner)
{
	CreateUserMappingStmt *statement = makeNode(CreateUserMappingStmt);
	RoleSpec *role = makeNode(RoleSpec);

	role->roletype = ROLESPEC_CSTRING;
	role->rolename = GetUserNameFromId(owner, false);
	role->location = -1;
	statement->user = role;
	statement->servername = name;
	statement->options = pick(options, true);
	(void) CreateUserMapping(statement);
	CommandCounterIncrement();
}

List *
velo_kafka_hide_secrets(List *options, const char *stream, Oid owner)
{
	List *rest = NIL;
	char *name;
	Oid user;
	int security;
	ListCell *cell;

	if (!has_literal(options))
		return options;
	/* With a connection of its own besides, or a bad value: the same error as without. */
	velo_kafka_check_options(options, owner);
	name = choose_name(stream);
	GetUserIdAndSecContext(&user, &security);
	/* An error restores it with the (sub)transaction. */
	SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE);
	make_server(name, options);
	make_mapping(name, options, owner);
	SetUserIdAndSecContext(user, security);
	foreach(cell, options)
	{
		VeloOptionValue *option = lfirst(cell);
		const VeloKafkaProperty *property = velo_kafka_property_find(option->name);

		if (property == NULL || !(property->places & VELO_KAFKA_IN_STREAM))
			rest = velo_base_option_set(rest, option->name, option->value);
	}
	return velo_base_option_set(rest, "connection", name);
}

void
velo_kafka_own_connection(const char *connection, Oid relation)
{
	ForeignServer *server = GetForeignServerByName(connection, false);
	Oid mapping = GetSysCacheOid2(USERMAPPINGUSERSERVER, Anum_pg_user_mapping_oid,
								  ObjectIdGetDatum(server->owner),
								  ObjectIdGetDatum(server->serverid));
	ObjectAddress stream;
	ObjectAddress object;

	ObjectAddressSet(stream, RelationRelationId, relation);
	ObjectAddressSet(object, ForeignServerRelationId, server->serverid);
	recordDependencyOn(&object, &stream, DEPENDENCY_AUTO);
	if (!OidIsValid(mapping))
		return;
	/* It depends on the server already, in the way that asks for CASCADE. */
	ObjectAddressSet(object, UserMappingRelationId, mapping);
	recordDependencyOn(&object, &stream, DEPENDENCY_AUTO);
}
