/*
 * kafka_relation.c
 *	  The relation of a Kafka stream: what plain SQL sees of a topic.
 *
 *		CREATE FOREIGN TABLE velo_storage.rides_topic (
 *			… the user's columns …, _timestamp, _key, _topic, _partition, _offset, _headers
 *		) SERVER … OPTIONS (topic 'rides', …)
 *
 * and over it, under the stream's name, a view of the user's columns.  Both belong to
 * the stream's owner, and the view reads with his rights, so that SELECT on the view is
 * all that others need.  The foreign table carries the stream's properties itself:
 * pg_dump keeps them and nothing else has to be looked up.  Everybody can read the options
 * of foreign tables, so literal secrets are never among them.
 */
#include "postgres.h"

#include "source/source.h"

#include <catalog/namespace.h>
#include <commands/defrem.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "kafka/kafka.h"
#include "meta/meta.h"
#include "source/kafka_relation.h"
#include "source/native_storage.h"

#define STORAGE_SCHEMA "velo_storage"
/* Leaves room for "_topic" and a number. */
#define NAME_BYTES_MAX 48

/* What the foreign table has behind the user's columns. */
static const VeloSystemColumn shown[] = {VELO_TIMESTAMP, VELO_KEY,	  VELO_TOPIC,
										 VELO_PARTITION, VELO_OFFSET, VELO_HEADERS};

static char *
choose_name(const char *name)
{
	char *clipped = pnstrdup(name, pg_mbcliplen(name, strlen(name), NAME_BYTES_MAX));
	const char *args[1] = {clipped};

	/* Two that choose at the same time must not choose the same. */
	(void) velo_meta_run("SELECT pg_advisory_xact_lock(hashtextextended('velo_storage.' || $1, 0))",
						 1, args);
	return ChooseRelationName(clipped, NULL, "topic", get_namespace_oid(STORAGE_SCHEMA, false),
							  false);
}

static void
append_columns(StringInfo sql, const VeloStreamSpec *stream)
{
	bool is_bytes = velo_source_kafka_key_is_bytes(stream->options);
	ListCell *cell;

	foreach(cell, stream->columns)
	{
		const VeloColumn *column = lfirst(cell);

		if (foreach_current_index(cell) > 0)
			appendStringInfoString(sql, ", ");
		velo_source_append_column(sql, column);
		if (column->default_text)
			appendStringInfo(sql, " DEFAULT (%s)", column->default_text);
		if (column->not_null)
			appendStringInfoString(sql, " NOT NULL");
	}
	for (int i = 0; i < lengthof(shown); i++)
	{
		const VeloSystemColumnInfo *column = &velo_system_columns[shown[i]];

		appendStringInfo(sql, "%s%s %s", i > 0 || stream->columns != NIL ? ", " : "", column->name,
						 shown[i] == VELO_KEY && is_bytes ? "bytea" : format_type_be(column->type));
	}
}

/* OPTIONS (topic 'rides', …) */
static void
append_options(StringInfo sql, const VeloStreamSpec *stream)
{
	List *options = NIL;
	const char *separator = " OPTIONS (";
	StringInfoData keys;
	ListCell *cell;

	/* A copy: setting an option changes what the list holds. */
	foreach(cell, stream->options)
	{
		const VeloOptionValue *option = lfirst(cell);

		options = velo_base_option_set(options, option->name, option->value);
	}
	options = velo_base_option_set(options, "topic",
								   velo_kafka_topic_name(stream->options, stream->name));
	initStringInfo(&keys);
	foreach(cell, stream->columns)
	{
		const VeloColumn *column = lfirst(cell);

		if (column->is_key)
			appendStringInfo(&keys, "%s%s", keys.len ? "," : "", column->name);
	}
	if (keys.len > 0)
		options = velo_base_option_set(options, "key.field", keys.data);

	foreach(cell, options)
	{
		const VeloOptionValue *option = lfirst(cell);

		/* A reference to a secret is no secret. */
		if (strcmp(option->name, "type") == 0 || strcmp(option->name, "connection") == 0 ||
			(velo_kafka_is_secret(option->name) && strncmp(option->value, "${", 2) != 0))
			continue;
		appendStringInfo(sql, "%s%s %s", separator, quote_identifier(option->name),
						 quote_literal_cstr(option->value));
		separator = ", ";
	}
	appendStringInfoChar(sql, ')');
}

static void
append_view(StringInfo sql, const char *view, const char *table, List *columns)
{
	ListCell *cell;

	appendStringInfo(sql, "CREATE VIEW %s AS SELECT ", view);
	foreach(cell, columns)
		appendStringInfo(sql, "%s%s", foreach_current_index(cell) > 0 ? ", " : "",
						 quote_identifier(((VeloColumn *) lfirst(cell))->name));
	appendStringInfo(sql, " FROM %s; ", table);
}

static void
run(StringInfo sql)
{
	(void) velo_meta_run_once(sql->data);
	resetStringInfo(sql);
}

Oid
velo_source_kafka_create(const VeloStreamSpec *stream, Oid *storage)
{
	const char *connection = velo_base_option_text(stream->options, "connection");
	const char *owner = quote_identifier(GetUserNameFromId(stream->owner, false));
	char *base = choose_name(stream->name);
	char *table = quote_qualified_identifier(STORAGE_SCHEMA, base);
	char *view = quote_qualified_identifier(get_namespace_name(stream->schema), stream->name);
	StringInfoData sql;

	velo_kafka_check_options(stream->options, stream->owner);
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (", table);
	append_columns(&sql, stream);
	appendStringInfo(&sql, ") SERVER %s",
					 quote_identifier(connection ? connection : VELO_KAFKA_WRAPPER));
	append_options(&sql, stream);
	run(&sql);
	append_view(&sql, view, table, stream->columns);
	appendStringInfo(&sql, "COMMENT ON FOREIGN TABLE %s IS %s; ", table,
					 quote_literal_cstr(psprintf("Topic of stream %s; use the stream.", view)));
	appendStringInfo(&sql, "COMMENT ON VIEW %s IS %s; ", view,
					 quote_literal_cstr(psprintf("Kafka stream: the records of topic %s.",
												 velo_kafka_topic_name(stream->options,
																	   stream->name))));
	appendStringInfo(&sql, "ALTER FOREIGN TABLE %s OWNER TO %s; ALTER VIEW %s OWNER TO %s", table,
					 owner, view, owner);
	run(&sql);
	*storage = get_relname_relid(base, get_namespace_oid(STORAGE_SCHEMA, false));
	return get_relname_relid(stream->name, stream->schema);
}

bool
velo_source_kafka_key_is_bytes(List *options)
{
	const char *format = velo_base_option_text(options, "key.format");

	return format && strcmp(format, "bytes") == 0;
}
