/*
 * kafka_session.c
 *	  Producers of sessions.
 *
 * Connecting and fencing take some ten milliseconds, so a session keeps what it has made.
 * Its transactional id has the number of the backend's place in the server and not of its
 * process: so there are never more ids than connections, and a backend that died with a
 * transaction open is fenced by the next one in its place.
 */
#include "postgres.h"

#include "sink/kafka_session.h"

#include <access/xlog.h>
#include <commands/defrem.h>
#include <foreign/foreign.h>
#include <lib/stringinfo.h>
#include <miscadmin.h>
#include <utils/memutils.h>

#include "base/compat.h"
#include "kafka/kafka.h"

static char *
transactional_id(void)
{
	return psprintf("velo-insert-" UINT64_FORMAT "-%u-%d", GetSystemIdentifier(), MyDatabaseId,
					velo_compat_proc_number());
}

char *
velo_sink_kafka_connection(List *options, Oid role)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach(cell, velo_kafka_properties(options, role))
	{
		VeloOptionValue *property = lfirst(cell);

		appendStringInfo(&text, "%s=%s\n", property->name, property->value ? property->value : "");
	}
	return text.data;
}

void
velo_sink_kafka_session_end(VeloKafkaSession *session)
{
	MemoryContext context = session->context;

	memset(session, 0, sizeof(VeloKafkaSession));
	if (context)
		MemoryContextDelete(context);
}

VeloKafkaProducer *
velo_sink_kafka_session(VeloKafkaSession *session, List *options, Oid role, const char *topic,
						bool has_transactions)
{
	char *connection = velo_sink_kafka_connection(options, role);
	MemoryContext old;

	if (session->producer && strcmp(session->connection, connection) == 0)
	{
		velo_sink_kafka_aim(session->producer, topic);
		return session->producer;
	}
	velo_sink_kafka_session_end(session);
	session->context = AllocSetContextCreate(TopMemoryContext, "velo kafka session",
											 ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(session->context);
	PG_TRY();
	{
		VeloKafkaProducer *producer = velo_sink_kafka_producer(options, role, topic,
															   has_transactions ? transactional_id()
																				: NULL,
															   velo_kafka_timeout_ms);

		session->connection = pstrdup(connection);
		velo_sink_kafka_ready(producer, false);
		session->producer = producer;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		velo_sink_kafka_session_end(session);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	return session->producer;
}

List *
velo_sink_kafka_table_options(Oid table)
{
	ForeignTable *foreign = GetForeignTable(table);
	ForeignServer *server = GetForeignServer(foreign->serverid);
	List *options = velo_base_option_set(NIL, "type", "kafka");
	ListCell *cell;

	foreach(cell, foreign->options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		options = velo_base_option_set(options, option->defname, defGetString(option));
	}
	if (strcmp(server->servername, VELO_KAFKA_WRAPPER) != 0)
		options = velo_base_option_set(options, "connection", server->servername);
	return options;
}
