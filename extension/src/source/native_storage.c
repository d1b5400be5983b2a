/*
 * native_storage.c
 *	  Storage of native streams.
 *
 *		CREATE TABLE velo_storage.rides_rows (
 *			_timestamp timestamptz NOT NULL DEFAULT velo._append_time('…'::regclass),
 *			_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
 *			_seq bigint NOT NULL DEFAULT nextval('…'),
 *			… the user's columns …
 *			[_event_time timestamptz, _tombstone boolean]
 *		) PARTITION BY RANGE (_timestamp)
 *
 * The system columns come first: fixed width and never NULL, so that reading them
 * costs nothing, whatever the user's columns are.
 *
 * INSERT goes through the view, which PostgreSQL makes updatable by itself; the
 * defaults above fill what the view does not show, so nobody can supply them.
 * All three are acceptable to COPY's fast path, which refuses volatile defaults
 * other than nextval: _append_time is stable, and rightly so (one value for a
 * transaction).  Defaults are evaluated with the rights of whoever inserts;
 * therefore PUBLIC may use the sequence, which it can only do through the stream,
 * schema velo_storage being closed.
 *
 * PARTITIONS.  Retention is DROP TABLE, not DELETE.  Creating one ahead locks the
 * default partition, which is empty as a rule; dropping one locks the whole table
 * for a moment.  DETACH CONCURRENTLY would not, but cannot run in a transaction
 * block, so it is done with a lock timeout of a few milliseconds and tried again
 * later (velo._native_extend and velo._native_expire).  Rows for which no
 * partition stands ready fall into the default partition; they stay there until
 * they expire, and are then deleted piece by piece.
 */
#include "postgres.h"

#include "source/native_storage.h"

#include <access/table.h>
#include <access/xact.h>
#include <catalog/dependency.h>
#include <catalog/namespace.h>
#include <catalog/pg_collation.h>
#include <commands/defrem.h>
#include <commands/event_trigger.h>
#include <commands/sequence.h>
#include <commands/tablecmds.h>
#include <executor/spi.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <nodes/plannodes.h>
#include <parser/parser.h>
#include <rewrite/rewriteHandler.h>
#include <tcop/utility.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/syscache.h>
#include <utils/timestamp.h>

#include "base/clock.h"
#include "base/module.h"
#include "base/option.h"
#include "meta/meta.h"
#include "row/row.h"
#include "source/writers.h"

#define STORAGE_SCHEMA "velo_storage"
/* Leaves room for "_rows", a number, and a partition's "_20260301_0500". */
#define NAME_BYTES_MAX 36

bool velo_source_native_is_altering = false;

static const VeloOption native_retention = {
	.name = "retention",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "native",
	.type = VELO_OPTION_MS,
	.standard = "604800000",
	.min = 1000,
	.max = 100.0 * 365 * 86400 * 1000,
	.alterable = true,
	.description = "How long records are kept at least; those that a running or paused job has "
				   "not read yet are kept longer.",
};
VELO_OPTION(native_retention);

static const VeloOption native_partition_count = {
	.name = "partitions",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "native",
	.type = VELO_OPTION_INT,
	.standard = "1",
	.min = 1,
	.max = 1,
	.description = "Number of partitions; a native stream has one.",
};
VELO_OPTION(native_partition_count);

static const VeloOption native_key_field = {
	.name = "key.field",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "native",
	.type = VELO_OPTION_TEXT,
	.description = "Column (or columns, separated by commas) whose value is the record's key.",
};
VELO_OPTION(native_key_field);

/* --- creating --------------------------------------------------------------- */

bool
velo_source_native_is_reserved(const char *name)
{
	return velo_row_system_column(name) >= 0 || strcmp(name, "_xid") == 0 ||
		   strcmp(name, "_seq") == 0 || strcmp(name, "_tombstone") == 0;
}

static void
check_name(const char *name)
{
	if (velo_source_native_is_reserved(name))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column name \"%s\" is reserved for a system column of streams", name),
				 errhint("Choose a name that does not begin with an underscore.")));
}

static char *
collation_name(Oid oid)
{
	HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(oid));
	Form_pg_collation collation;
	char *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", oid);
	collation = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(collation->collnamespace),
									  NameStr(collation->collname));
	ReleaseSysCache(tuple);
	return name;
}

void
velo_source_append_column(StringInfo sql, const VeloColumn *column)
{
	check_name(column->name);
	appendStringInfo(sql, "%s %s", quote_identifier(column->name),
					 format_type_extended(column->type, column->typmod,
										  FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	if (OidIsValid(column->collation) && column->collation != get_typcollation(column->type))
		appendStringInfo(sql, " COLLATE %s", collation_name(column->collation));
}

static void
append_column(StringInfo sql, const VeloColumn *column)
{
	velo_source_append_column(sql, column);
	if (column->default_text)
		appendStringInfo(sql, " DEFAULT (%s)", column->default_text);
	if (column->not_null)
		appendStringInfoString(sql, " NOT NULL");
}

/* A free name like rides_rows; streams of the same name in other schemas get a number. */
static char *
choose_name(const char *name)
{
	int length = pg_mbcliplen(name, strlen(name), NAME_BYTES_MAX);
	char *clipped = pnstrdup(name, length);
	const char *args[1] = {clipped};

	/* Two that choose at the same time must not choose the same. */
	(void) velo_meta_run("SELECT pg_advisory_xact_lock(hashtextextended('velo_storage.' || $1, 0))",
						 1, args);
	return ChooseRelationName(clipped, NULL, "rows", get_namespace_oid(STORAGE_SCHEMA, false),
							  false);
}

static void
run(StringInfo sql)
{
	(void) velo_meta_run_once(sql->data);
	resetStringInfo(sql);
}

static void
create_table(StringInfo sql, const char *table, List *columns, bool is_derived)
{
	ListCell *cell;

	appendStringInfo(sql,
					 "CREATE TABLE %s (_timestamp timestamptz NOT NULL, "
					 "_xid xid8 NOT NULL DEFAULT pg_current_xact_id(), _seq bigint NOT NULL",
					 table);
	foreach(cell, columns)
	{
		appendStringInfoString(sql, ", ");
		append_column(sql, lfirst(cell));
	}
	if (is_derived)
		appendStringInfoString(sql, ", _event_time timestamptz, _tombstone boolean");
	appendStringInfoString(sql, ") PARTITION BY RANGE (_timestamp)");
	run(sql);
}

static void
create_parts(StringInfo sql, const char *name, const char *table)
{
	char *sequence = quote_qualified_identifier(STORAGE_SCHEMA, psprintf("%s_seq", name));
	char *rest = quote_qualified_identifier(STORAGE_SCHEMA, psprintf("%s_default", name));

	/*
	 * CACHE: a session takes numbers 32 at a time, which halves what they cost a COPY.
	 * Order is asked of them only within one transaction.
	 */
	appendStringInfo(sql,
					 "CREATE SEQUENCE %s CACHE 32 OWNED BY %s._seq; "
					 "GRANT USAGE ON SEQUENCE %s TO PUBLIC; ",
					 sequence, table, sequence);
	appendStringInfo(sql,
					 "ALTER TABLE %s "
					 "ALTER _timestamp SET DEFAULT velo._append_time(%s::regclass), "
					 "ALTER _seq SET DEFAULT nextval(%s::regclass); ",
					 table, quote_literal_cstr(table), quote_literal_cstr(sequence));
	appendStringInfo(sql, "CREATE INDEX ON %s (_xid, _seq); ", table);
	appendStringInfo(sql,
					 "CREATE TABLE %s PARTITION OF %s DEFAULT; "
					 "CREATE INDEX ON %s (_timestamp)",
					 rest, table, rest);
	run(sql);
}

static void
create_view(StringInfo sql, const char *view, const char *table, List *columns)
{
	ListCell *cell;

	appendStringInfo(sql, "CREATE VIEW %s AS SELECT ", view);
	foreach(cell, columns)
	{
		VeloColumn *column = lfirst(cell);

		appendStringInfo(sql, "%s%s", foreach_current_index(cell) > 0 ? ", " : "",
						 quote_identifier(column->name));
	}
	appendStringInfo(sql, " FROM %s", table);
	run(sql);
}

static char *
retention_text(List *options)
{
	return psprintf(INT64_FORMAT, velo_base_option_int(options, "retention"));
}

static char *
now_text(void)
{
	return pstrdup(timestamptz_to_str(velo_clock_now()));
}

Oid
velo_source_native_create(Oid schema, const char *name, List *columns, List *options,
						  bool is_derived, Oid owner, Oid *storage)
{
	char *base = choose_name(name);
	char *table = quote_qualified_identifier(STORAGE_SCHEMA, base);
	char *view = quote_qualified_identifier(get_namespace_name(schema), name);
	const char *extend[3];
	StringInfoData sql;

	velo_base_require_preload();
	initStringInfo(&sql);
	create_table(&sql, table, columns, is_derived);
	create_parts(&sql, base, table);
	create_view(&sql, view, table, columns);
	*storage = get_relname_relid(base, get_namespace_oid(STORAGE_SCHEMA, false));

	appendStringInfo(&sql, "COMMENT ON TABLE %s IS %s; ", table,
					 quote_literal_cstr(psprintf("Rows of stream %s; use the stream.", view)));
	appendStringInfo(&sql,
					 "COMMENT ON VIEW %s IS 'Native stream: append-only, read by jobs in "
					 "the order of commits.'; ",
					 view);
	appendStringInfo(&sql, "ALTER VIEW %s OWNER TO %s; ", view,
					 quote_identifier(GetUserNameFromId(owner, false)));
	appendStringInfo(&sql, "SELECT velo._native_set_owner(%u::oid::regclass, %u::oid)", *storage,
					 owner);
	run(&sql);

	extend[0] = velo_meta_oid_text(*storage);
	extend[1] = retention_text(options);
	extend[2] = now_text();
	(void) velo_meta_run("SELECT velo._native_extend($1::oid::regclass, $2::bigint, "
						 "$3::timestamptz)",
						 3, extend);
	return get_relname_relid(name, schema);
}

const char *
velo_source_native_column(Relation view, Oid storage, const char *name)
{
	Query *query = get_view_query(view);
	AttrNumber place = get_attnum(RelationGetRelid(view), name);
	ListCell *cell;

	/* By the view's definition and not by name: view columns can be renamed. */
	foreach(cell, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (entry->resno == place && !entry->resjunk && IsA(entry->expr, Var))
			return get_attname(storage, ((Var *) entry->expr)->varattno, false);
	}
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of stream \"%s\" does not exist", name,
						   RelationGetRelationName(view))));
}

/*
 * ALTER TABLE on a storage with the rights of its owner.  Adding a column evaluates
 * its default and the checks of its domain, which may be functions of the owner's:
 * they must not run as the extension's owner.  The stream's owner in turn cannot
 * name the storage, so the statement is run on the table itself.
 */
static void
alter_as_owner(Oid storage, const char *sql)
{
	List *parsed = raw_parser(sql, RAW_PARSE_DEFAULT);
	PlannedStmt *planned = makeNode(PlannedStmt);
	AlterTableStmt *statement = castNode(AlterTableStmt, linitial_node(RawStmt, parsed)->stmt);
	LOCKMODE mode = AlterTableGetLockLevel(statement->cmds);
	AlterTableUtilityContext context = {
		.pstmt = planned,
		.queryString = sql,
		.relid = storage,
	};
	Relation table;
	Oid user;
	int security;

	planned->commandType = CMD_UTILITY;
	planned->utilityStmt = (Node *) statement;
	table = table_open(storage, mode);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(table->rd_rel->relowner,
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	table_close(table, NoLock);

	EventTriggerAlterTableStart((Node *) statement);
	EventTriggerAlterTableRelid(storage);
	AlterTable(statement, mode, &context);
	EventTriggerAlterTableEnd();
	SetUserIdAndSecContext(user, security);
	CommandCounterIncrement();
}

void
velo_source_native_add_column(Oid relation, Oid storage, const VeloColumn *column)
{
	Relation view = table_open(relation, AccessExclusiveLock);
	TupleDesc desc = RelationGetDescr(view);
	char *table = quote_qualified_identifier(STORAGE_SCHEMA, get_rel_name(storage));
	char *stream = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(view)),
											  RelationGetRelationName(view));
	StringInfoData sql;
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);

		appendStringInfo(&list, "%s AS %s, ",
						 quote_identifier(velo_source_native_column(view, storage, name)),
						 quote_identifier(name));
	}
	table_close(view, NoLock);

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s ADD COLUMN ", table);
	append_column(&sql, column);
	alter_as_owner(storage, sql.data);
	resetStringInfo(&sql);

	velo_source_native_is_altering = true;
	PG_TRY();
	{
		appendStringInfo(&sql, "CREATE OR REPLACE VIEW %s AS SELECT %s%s FROM %s", stream,
						 list.data, quote_identifier(column->name), table);
		run(&sql);
	}
	PG_FINALLY();
	{
		velo_source_native_is_altering = false;
	}
	PG_END_TRY();
}

/* --- keeping ---------------------------------------------------------------- */

VeloNativeMaintained
velo_source_native_maintain(Oid relation)
{
	VeloNativeMaintained done = {0};
	VeloStream *stream = velo_meta_stream(relation);
	VeloMetaScope scope;
	const char *args[4];

	if (stream == NULL || !OidIsValid(stream->storage))
		return done;
	args[0] = velo_meta_oid_text(stream->storage);
	args[1] = retention_text(stream->options);
	args[2] = now_text();
	args[3] = velo_meta_oid_text(relation);

	velo_meta_begin(&scope);
	(void) velo_meta_run("SELECT created, is_waiting FROM velo._native_extend("
						 "$1::oid::regclass, $2::bigint, $3::timestamptz)",
						 3, args);
	done.created = atoi(velo_meta_value(0, 1));
	done.is_waiting = strcmp(velo_meta_value(0, 2), "t") == 0;
	(void) velo_meta_run("SELECT dropped, deleted, is_waiting FROM velo._native_expire("
						 "$1::oid::regclass, $2::bigint, $3::timestamptz, $4::oid)",
						 4, args);
	done.dropped = atoi(velo_meta_value(0, 1));
	done.deleted = strtoi64(velo_meta_value(0, 2), NULL, 10);
	done.is_waiting |= strcmp(velo_meta_value(0, 3), "t") == 0;
	velo_meta_end(&scope);
	return done;
}

void
velo_source_native_renew(Oid relation)
{
	VeloMetaScope scope;
	const char *args[1] = {velo_meta_oid_text(relation)};

	velo_meta_begin(&scope);
	/* Whoever comes second waits here and then finds nothing to do. */
	if (velo_meta_run("SELECT storage::oid FROM velo.stream "
					  "WHERE relation = $1::oid::regclass AND is_restored FOR UPDATE",
					  1, args) > 0)
	{
		Oid storage = atooid(velo_meta_value(0, 1));
		char *table = quote_qualified_identifier(STORAGE_SCHEMA, get_rel_name(storage));
		StringInfoData sql;

		velo_source_writers_hold(storage);
		initStringInfo(&sql);
		appendStringInfo(&sql, "UPDATE %s SET _xid = pg_current_xact_id()", table);
		run(&sql);
		appendStringInfo(&sql,
						 "SELECT setval(pg_get_serial_sequence(%s, '_seq')::regclass, m) "
						 "FROM (SELECT max(_seq) AS m FROM %s) s WHERE m > %s",
						 quote_literal_cstr(table), table,
						 psprintf(INT64_FORMAT, velo_source_native_last_seq(storage)));
		run(&sql);
		(void) velo_meta_run("UPDATE velo.stream SET is_restored = false "
							 "WHERE relation = $1::oid::regclass",
							 1, args);
	}
	velo_meta_end(&scope);
}

int64
velo_source_native_last_seq(Oid storage)
{
	List *sequences = getOwnedSequences(storage);
	LOCAL_FCINFO(call, 1);
	Datum value;

	if (sequences == NIL)
		return 0;
	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = ObjectIdGetDatum(linitial_oid(sequences));
	call->args[0].isnull = false;
	value = pg_sequence_last_value(call);
	return call->isnull ? 0 : DatumGetInt64(value);
}

List *
velo_source_native_key_fields(const char *text)
{
	List *names = NIL;
	char *rest = pstrdup(text);
	char *part;

	while ((part = strsep(&rest, ",")) != NULL)
	{
		char *end;

		part += strspn(part, " \t");
		end = part + strlen(part);
		while (end > part && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		if (*part)
			names = lappend(names, part);
	}
	return names;
}
