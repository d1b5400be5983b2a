/*
 * table.c
 *	  Result rows into an ordinary table: upsert by key, or append.
 *
 * The general way is a statement, so that triggers, row-level security, defaults,
 * generated and identity columns, constraints and partitions all do what they do
 * for any client, with the rights of the job's owner:
 *
 *	append	INSERT INTO t (a, b) SELECT a, b FROM rows
 *	upsert	INSERT … ON CONFLICT (k) DO UPDATE SET b = EXCLUDED.b
 *	delete	DELETE FROM t USING rows WHERE t.k = rows.k
 *
 * Of several rows of one key in a chunk only the last counts (keys.c), so the
 * order between deletes and upserts no longer matters; deletes go first, so that
 * a value that is unique beside the key can move from a row that goes to one that
 * comes.
 *
 * A key column may be NULL (UNIQUE NULLS NOT DISTINCT), and no index answers
 * "IS NOT DISTINCT FROM": each combination of NULL key columns that really occurs
 * has a DELETE of its own, which says IS NULL where the key is NULL.
 *
 * With a table that has no triggers or other peculiarities, appending goes around
 * the executor (insert.c), and so does updating rows that are there already
 * (update.c).  Rows that are new then are inserted directly too, in a subtransaction: if a
 * key is there after all, because somebody else has just inserted it, that is undone and
 * the statement does it.  Where new rows are all that has been seen for a while they are
 * not even looked for.
 *
 * Final rows of windows, in a table that only the job writes, are new by their nature: they
 * are inserted as if there were no key.  Something extraordinary may still have put a row
 * there (a superuser; RESET JOB with keep.output).  Then the batch fails, and from there on
 * the worker looks for rows first (seen_old).
 *
 * The statements name the table; it may be renamed while the job runs, so the name
 * is looked up at every write.
 */
#include "postgres.h"

#include "sink/sink.h"

#include <access/genam.h>
#include <access/stratnum.h>
#include <access/table.h>
#include <catalog/pg_class.h>
#include <catalog/pg_type.h>
#include <lib/stringinfo.h>
#include <miscadmin.h>
#include <nodes/bitmapset.h>
#include <storage/proc.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/ruleutils.h>

#include "base/testpoint.h"
#include "base/try.h"
#include "sink/insert.h"
#include "sink/keys.h"
#include "sink/statement.h"
#include "sink/target.h"
#include "sink/update.h"

/* Fewer new rows than that are not worth a subtransaction. */
#define DIRECT_ROWS_MIN 32
/* Nor are more of them in one transaction than everybody's snapshots can take lightly. */
#define SUBTRANSACTIONS_MAX (PGPROC_MAX_CACHED_SUBXIDS / 2)
/* After so many writes one after the other in which no row was there, none is looked for. */
#define NEW_WRITES_MIN 16

/* What a DELETE needs to say about a key column. */
typedef struct KeyMatch
{
	const char *name;	 /* quoted */
	const char *type;	 /* of the table's column */
	const char *equal;	 /* OPERATOR(schema.=) */
	const char *collate; /* " COLLATE …" or "" */
} KeyMatch;

typedef struct DeleteStatement
{
	uint64 null_keys; /* bit i: key i is NULL */
	VeloStatement *statement;
} DeleteStatement;

typedef struct TableSink
{
	VeloSink base;
	MemoryContext context; /* the sink's */
	MemoryContext call;	   /* one write */
	MemoryContext texts;   /* statements, until the name changes */
	char *name;			   /* qualified, when the statements were made */
	VeloStatement *insert;
	List *deletes; /* of DeleteStatement */
	VeloInsert *direct;
	VeloKeys *keys;		/* NULL: rows are appended */
	int new_writes;		/* the last ones, in which no row was there */
	VeloUpdate *update; /* NULL: rows are appended */
	KeyMatch *matches;	/* one for each key of the spec */
	bool is_plain;		/* DELETE … ONLY */
	int rows[VELO_CHUNK_ROWS];
	int part[VELO_CHUNK_ROWS];
} TableSink;

static const VeloSinkOps table_sink;

/* The table in which this process has met a row that should have been new. */
static Oid seen_old = InvalidOid;

/* NULL keys are told apart by a bit mask; no index has more columns anyhow. */
StaticAssertDecl(INDEX_MAX_KEYS <= 64, "a key's columns fit in 64 bits");

static char *
relation_name(const VeloSinkSpec *spec)
{
	char *name = get_rel_name(spec->relation);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("the table behind \"%s\" does not exist", spec->name)));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(spec->relation)), name);
}

static const char *
column_name(const VeloSinkSpec *spec, int column)
{
	return quote_identifier(NameStr(TupleDescAttr(spec->desc, column)->attname));
}

static bool
is_key(const VeloSinkSpec *spec, int column)
{
	for (int i = 0; i < spec->nkeys; i++)
		if (spec->keys[i] == column + 1)
			return true;
	return false;
}

/* --- statements ----------------------------------------------------------- */

static char *
insert_text(TableSink *sink)
{
	const VeloSinkSpec *spec = sink->base.spec;
	StringInfoData columns;
	StringInfoData keys;
	StringInfoData changes;

	initStringInfo(&columns);
	initStringInfo(&keys);
	initStringInfo(&changes);
	for (int i = 0; i < spec->desc->natts; i++)
	{
		const char *name = column_name(spec, i);

		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "", name);
		if (is_key(spec, i))
			appendStringInfo(&keys, "%s%s", keys.len > 0 ? ", " : "", name);
		else
			appendStringInfo(&changes, "%s%s = EXCLUDED.%s", changes.len > 0 ? ", " : "", name,
							 name);
	}
	if (spec->nkeys == 0)
		return psprintf("INSERT INTO %s (%s) SELECT %s FROM " VELO_STATEMENT_ROWS, sink->name,
						columns.data, columns.data);
	return psprintf("INSERT INTO %s (%s) SELECT %s FROM " VELO_STATEMENT_ROWS
					" ON CONFLICT (%s) DO %s%s",
					sink->name, columns.data, columns.data, keys.data,
					changes.len > 0 ? "UPDATE SET " : "NOTHING", changes.data);
}

static char *
delete_text(TableSink *sink, uint64 null_keys)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "DELETE FROM %s%s AS t USING " VELO_STATEMENT_ROWS " AS d WHERE ",
					 sink->is_plain ? "ONLY " : "", sink->name);
	for (int i = 0; i < sink->base.spec->nkeys; i++)
	{
		KeyMatch *match = &sink->matches[i];

		appendStringInfo(&text, "%st.%s ", i > 0 ? " AND " : "", match->name);
		if (null_keys & (UINT64CONST(1) << i))
			appendStringInfoString(&text, "IS NULL");
		else
			appendStringInfo(&text, "%s d.%s::%s%s", match->equal, match->name, match->type,
							 match->collate);
	}
	return text.data;
}

static void
forget_statements(TableSink *sink)
{
	ListCell *lc;

	if (sink->insert)
		velo_sink_statement_free(sink->insert);
	foreach(lc, sink->deletes)
		velo_sink_statement_free(((DeleteStatement *) lfirst(lc))->statement);
	sink->insert = NULL;
	sink->deletes = NIL;
	sink->name = NULL;
	MemoryContextReset(sink->texts);
}

static void
follow_name(TableSink *sink)
{
	char *name = relation_name(sink->base.spec);

	if (sink->name && strcmp(sink->name, name) == 0)
		return;
	forget_statements(sink);
	sink->name = MemoryContextStrdup(sink->texts, name);
}

static VeloStatement *
insert_statement(TableSink *sink)
{
	MemoryContext old;

	if (sink->insert)
		return sink->insert;
	old = MemoryContextSwitchTo(sink->texts);
	sink->insert = velo_sink_statement_create(insert_text(sink), sink->base.spec->desc, false);
	MemoryContextSwitchTo(old);
	return sink->insert;
}

static VeloStatement *
delete_statement(TableSink *sink, uint64 null_keys)
{
	ListCell *lc;
	DeleteStatement *entry;
	MemoryContext old;

	foreach(lc, sink->deletes)
	{
		entry = lfirst(lc);
		if (entry->null_keys == null_keys)
			return entry->statement;
	}
	old = MemoryContextSwitchTo(sink->texts);
	entry = palloc(sizeof(DeleteStatement));
	entry->null_keys = null_keys;
	entry->statement = velo_sink_statement_create(delete_text(sink, null_keys),
												  sink->base.spec->desc, true);
	sink->deletes = lappend(sink->deletes, entry);
	MemoryContextSwitchTo(old);
	return entry->statement;
}

/* --- writing -------------------------------------------------------------- */

static uint64
null_keys_of(const VeloSinkSpec *spec, const VeloChunk *chunk, int row)
{
	bool *nulls = velo_row_nulls(chunk, row);
	uint64 null_keys = 0;

	for (int i = 0; i < spec->nkeys; i++)
		if (nulls[spec->keys[i] - 1])
			null_keys |= UINT64CONST(1) << i;
	return null_keys;
}

/* Deletes the tombstones among the rows and returns how many others they leave. */
static int
delete_tombstones(TableSink *sink, VeloChunk *chunk, int nrows)
{
	const VeloSinkSpec *spec = sink->base.spec;
	int kept = 0;
	int gone = 0;
	int *rows = sink->rows;
	int *tombstones = sink->part;

	for (int i = 0; i < nrows; i++)
	{
		if (*velo_row_flags(chunk, rows[i]) & VELO_ROW_TOMBSTONE)
			tombstones[gone++] = rows[i];
		else
			rows[kept++] = rows[i];
	}
	while (gone > 0)
	{
		uint64 null_keys = null_keys_of(spec, chunk, tombstones[0]);
		int others = 0;
		int same = 0;
		int batch[VELO_CHUNK_ROWS];

		for (int i = 0; i < gone; i++)
		{
			if (null_keys_of(spec, chunk, tombstones[i]) == null_keys)
				batch[same++] = tombstones[i];
			else
				tombstones[others++] = tombstones[i];
		}
		velo_sink_statement_run(delete_statement(sink, null_keys), chunk, batch, same);
		gone = others;
	}
	return kept;
}

typedef struct Insertion
{
	TableSink *sink;
	VeloChunk *chunk;
	int nrows;
} Insertion;

static void
insert_rows(void *arg)
{
	Insertion *insertion = arg;

	velo_sink_insert_rows(insertion->sink->direct, insertion->chunk, insertion->sink->rows,
						  insertion->nrows);
}

/* Inserts rows that should be new; false: nothing was done, because some row cannot be. */
static bool
insert_new(TableSink *sink, VeloChunk *chunk, int nrows)
{
	Insertion insertion = {sink, chunk, nrows};
	ErrorData *error;

	if (nrows < DIRECT_ROWS_MIN || MyProc->subxidStatus.count >= SUBTRANSACTIONS_MAX ||
		!velo_sink_insert_is_possible(sink->direct, false))
		return false;
	error = velo_base_try(insert_rows, &insertion, velo_base_is_data_error);
	if (error)
		sink->new_writes = 0;
	return error == NULL;
}

static bool
has_tombstone(const VeloChunk *chunk)
{
	for (int row = 0; row < chunk->nrows; row++)
		if (*velo_row_flags(chunk, row) & VELO_ROW_TOMBSTONE)
			return true;
	return false;
}

/* Inserts rows of which no key has been written before; false: they may not be such. */
static bool
append_new(TableSink *sink, VeloChunk *chunk)
{
	const VeloSinkSpec *spec = sink->base.spec;
	MemoryContext old = CurrentMemoryContext;

	if (!spec->rows_are_new || seen_old == spec->relation || has_tombstone(chunk) ||
		!velo_sink_insert_is_possible(sink->direct, false))
		return false;
	PG_TRY();
	{
		velo_sink_target_check_insert(spec->relation, spec->desc);
		velo_sink_insert_rows(sink->direct, chunk, NULL, chunk->nrows);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		if (geterrcode() == ERRCODE_UNIQUE_VIOLATION)
			seen_old = spec->relation;
		PG_RE_THROW();
	}
	PG_END_TRY();
	return true;
}

static void
upsert(TableSink *sink, VeloChunk *chunk)
{
	int nrows = velo_sink_keys_coalesce(sink->keys, chunk, sink->rows);

	nrows = delete_tombstones(sink, chunk, nrows);
	if (nrows > 0 && sink->update && velo_sink_update_is_possible(sink->update))
	{
		int given = nrows;

		if (sink->new_writes >= NEW_WRITES_MIN && insert_new(sink, chunk, nrows))
			return;
		nrows = velo_sink_update_rows(sink->update, chunk, sink->rows, nrows);
		VELO_TESTPOINT("sink_table_updated");
		sink->new_writes = nrows < given ? 0 : Min(sink->new_writes + 1, NEW_WRITES_MIN);
		if (insert_new(sink, chunk, nrows))
			return;
	}
	if (nrows > 0)
		velo_sink_statement_run(insert_statement(sink), chunk, sink->rows, nrows);
}

static void
report_table(void *arg)
{
	TableSink *sink = arg;

	errcontext("writing to table \"%s\"", sink->base.spec->name);
}

static void
write_rows(VeloSink *base, VeloChunk *chunk)
{
	TableSink *sink = (TableSink *) base;
	ErrorContextCallback callback = {error_context_stack, report_table, sink};
	MemoryContext old;

	if (chunk->nrows == 0)
		return;
	error_context_stack = &callback;
	MemoryContextReset(sink->call);
	old = MemoryContextSwitchTo(sink->call);
	follow_name(sink);
	if (sink->keys)
	{
		if (!append_new(sink, chunk))
			upsert(sink, chunk);
	}
	else if (velo_sink_insert_is_possible(sink->direct, false))
	{
		velo_sink_target_check_insert(sink->base.spec->relation, sink->base.spec->desc);
		velo_sink_insert_rows(sink->direct, chunk, NULL, chunk->nrows);
	}
	else
		velo_sink_statement_run(insert_statement(sink), chunk, NULL, chunk->nrows);
	VELO_TESTPOINT("sink_table_written");
	MemoryContextSwitchTo(old);
	error_context_stack = callback.previous;
}

static void
flush_rows(VeloSink *base)
{
}

static void
close_sink(VeloSink *base)
{
	TableSink *sink = (TableSink *) base;

	forget_statements(sink);
}

/* --- opening -------------------------------------------------------------- */

/* Is the index one that ON CONFLICT can use for these keys?  Fills order. */
static bool
index_enforces(Relation relation, Relation index, const VeloSinkSpec *spec, int *order)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indimmediate || !form->indisvalid ||
		form->indnkeyatts != spec->nkeys ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < spec->nkeys; i++)
	{
		AttrNumber att = form->indkey.values[i];

		order[i] = -1;
		for (int key = 0; key < spec->nkeys && att > 0; key++)
			if (namestrcmp(&TupleDescAttr(RelationGetDescr(relation), att - 1)->attname,
						   NameStr(TupleDescAttr(spec->desc, spec->keys[key] - 1)->attname)) == 0)
				order[i] = key;
		if (order[i] < 0)
			return false;
	}
	return true;
}

static void
set_match(TableSink *sink, Relation relation, Relation index, int column, int key)
{
	const VeloSinkSpec *spec = sink->base.spec;
	KeyMatch *match = &sink->matches[key];
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(relation),
										  index->rd_index->indkey.values[column] - 1);
	Oid type = index->rd_opcintype[column];
	Oid equal = get_opfamily_member(index->rd_opfamily[column], type, type, BTEqualStrategyNumber);
	Oid collation = index->rd_indcollation[column];

	match->name = column_name(spec, spec->keys[key] - 1);
	match->type = format_type_extended(att->atttypid, -1, FORMAT_TYPE_FORCE_QUALIFY);
	match->equal =
		psprintf("OPERATOR(%s.%s)",
				 quote_identifier(get_namespace_name(get_func_namespace(get_opcode(equal)))),
				 get_opname(equal));
	match->collate = "";
	if (OidIsValid(collation))
		match->collate = psprintf(" COLLATE %s", generate_collation_name(collation));
}

static void
find_key(TableSink *sink)
{
	const VeloSinkSpec *spec = sink->base.spec;
	Relation relation = table_open(spec->relation, AccessShareLock);
	List *indexes = RelationGetIndexList(relation);
	ListCell *lc;

	sink->is_plain = relation->rd_rel->relkind == RELKIND_RELATION;
	sink->matches = palloc0(sizeof(KeyMatch) * spec->nkeys);
	foreach(lc, indexes)
	{
		Relation index = index_open(lfirst_oid(lc), AccessShareLock);
		int order[INDEX_MAX_KEYS];

		if (sink->keys == NULL && index_enforces(relation, index, spec, order))
		{
			sink->keys = velo_sink_keys_create(spec, index, order);
			sink->update = velo_sink_update_create(spec, index, order);
			for (int i = 0; i < spec->nkeys; i++)
				set_match(sink, relation, index, i, order[i]);
		}
		index_close(index, NoLock);
	}
	table_close(relation, NoLock);
	if (sink->keys == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("table \"%s\" has no unique constraint on the key of the result",
						spec->name),
				 errdetail("Rows of one key replace each other, which needs a unique index on "
						   "exactly the key columns."),
				 errhint("Add a primary key or a UNIQUE NULLS NOT DISTINCT constraint.")));
}

static VeloSink *
open_sink(const VeloSinkSpec *spec)
{
	TableSink *sink = palloc0(sizeof(TableSink));

	sink->base.ops = &table_sink;
	sink->base.spec = spec;
	sink->context = CurrentMemoryContext;
	sink->call = AllocSetContextCreate(CurrentMemoryContext, "velo table sink call",
									   ALLOCSET_DEFAULT_SIZES);
	sink->texts = AllocSetContextCreate(CurrentMemoryContext, "velo table sink statements",
										ALLOCSET_SMALL_SIZES);
	if (spec->nkeys > 0)
		find_key(sink);
	sink->direct = velo_sink_insert_create(spec->relation, spec->desc);
	return &sink->base;
}

static const VeloSinkOps table_sink = {
	.type = "table",
	.open = open_sink,
	.write = write_rows,
	.flush = flush_rows,
	.close = close_sink,
};

VELO_SINK(table_sink);
