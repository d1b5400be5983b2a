/*
 * kafka_scan.c
 *	  Topics for plain SQL: the foreign-data wrapper's side of reading.
 *
 * A scan reads the topic from its beginning to the ends that the partitions have when the
 * first row is asked for.  WHERE on _partition, _offset and _timestamp narrows that
 * (kafka_pushdown.h).  A lower bound of time is an offset, by the broker's index.  An upper
 * bound is one only where the broker gives the times: with times by producers a record
 * may follow that is older.  So reading stops at the first record behind the bound only
 * if its time is the broker's.
 *
 * Planning and EXPLAIN contact no broker: estimates are a constant.
 */
#include "postgres.h"

#include "base/compat.h"

#include <access/sysattr.h>
#include <access/table.h>
#include <commands/defrem.h>
#include <commands/explain.h>
#include <executor/executor.h>
#include <foreign/fdwapi.h>
#include <foreign/foreign.h>
#include <librdkafka/rdkafka.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <optimizer/cost.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <optimizer/planmain.h>
#include <optimizer/restrictinfo.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/ruleutils.h>
#include <utils/timestamp.h>

#include "base/clock.h"
#include "base/function.h"
#include "kafka/foreign.h"
#include "source/kafka_pushdown.h"
#include "source/kafka_reader.h"
#include "source/kafka_record.h"
#include "source/native_storage.h"

/* What the planner believes of a topic. */
#define ESTIMATED_RECORDS 100000
#define STARTUP_COST 100.0		/* of a connection */
#define RECORD_COST_FACTOR 10.0 /* of cpu_tuple_cost: fetching and decoding */

/* Of ForeignScan.fdw_private. */
enum
{
	PRIVATE_CONDITIONS, /* as velo_source_kafka_conditions gives them */
	PRIVATE_COLUMNS		/* of int: attribute numbers that are needed */
};

typedef struct KafkaScan
{
	MemoryContext context; /* as long as the node */
	List *options;
	const char *topic;
	Oid role;
	List *conditions;
	List *states; /* ExprState of the conditions' values */
	int natts;
	int system[VELO_SYSTEM_COLUMNS]; /* 0-based place of a column that is needed, or -1 */
	Oid key_type;
	Bitmapset *needed; /* 0-based, the user's columns */
	VeloKafkaDecoder *decoder;

	VeloKafkaReader *reader; /* NULL: no row has been asked for */
	bool is_started;
	TimestampTz time_end; /* records of later times are not wanted; DT_NOEND: none */
	Datum topic_datum;
	const rd_kafka_message_t *message; /* being decoded, for errors */
} KafkaScan;

/* --- options ------------------------------------------------------------------------- */

/* Those of the foreign table, with the server as "connection" unless it is the usual one. */
static List *
table_options(Oid relation)
{
	ForeignTable *table = GetForeignTable(relation);
	ForeignServer *server = GetForeignServer(table->serverid);
	List *options = velo_base_option_set(NIL, "type", "kafka");
	ListCell *cell;

	foreach(cell, table->options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		options = velo_base_option_set(options, option->defname, defGetString(option));
	}
	if (strcmp(server->servername, VELO_KAFKA_WRAPPER) != 0)
		options = velo_base_option_set(options, "connection", server->servername);
	return options;
}

/* --- planning ------------------------------------------------------------------------ */

static void
kafka_rel_size(PlannerInfo *root, RelOptInfo *relation, Oid table)
{
	relation->tuples = ESTIMATED_RECORDS;
	set_baserel_size_estimates(root, relation);
}

static void
kafka_paths(PlannerInfo *root, RelOptInfo *relation, Oid table)
{
	Cost total = STARTUP_COST + relation->tuples * cpu_tuple_cost * RECORD_COST_FACTOR;

	add_path(relation,
			 velo_compat_foreign_path(root, relation, relation->rows, STARTUP_COST, total));
}

/* Attribute numbers that the query uses; all for a whole-row reference. */
static List *
used_columns(RelOptInfo *relation, Oid table)
{
	Bitmapset *used = NULL;
	List *columns = NIL;
	Relation rel = table_open(table, NoLock);
	TupleDesc desc = RelationGetDescr(rel);
	ListCell *cell;

	pull_varattnos((Node *) relation->reltarget->exprs, relation->relid, &used);
	foreach(cell, relation->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, cell)->clause, relation->relid, &used);
	for (int i = 1; i <= desc->natts; i++)
		if (!TupleDescAttr(desc, i - 1)->attisdropped &&
			(bms_is_member(i - FirstLowInvalidHeapAttributeNumber, used) ||
			 bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used)))
			columns = lappend_int(columns, i);
	table_close(rel, NoLock);
	return columns;
}

static ForeignScan *
kafka_plan(PlannerInfo *root, RelOptInfo *relation, Oid table, ForeignPath *path, List *target_list,
		   List *clauses, Plan *outer)
{
	List *conditions;
	List *values = velo_source_kafka_conditions(root, relation, table, clauses, &conditions);

	return make_foreignscan(target_list, extract_actual_clauses(clauses, false), relation->relid,
							values, list_make2(conditions, used_columns(relation, table)), NIL, NIL,
							outer);
}

/* --- beginning ------------------------------------------------------------------------ */

static void
map_columns(KafkaScan *scan, TupleDesc desc, List *columns)
{
	ListCell *cell;

	for (int i = 0; i < VELO_SYSTEM_COLUMNS; i++)
		scan->system[i] = -1;
	foreach(cell, columns)
	{
		int number = lfirst_int(cell);
		Form_pg_attribute att = TupleDescAttr(desc, number - 1);
		int system = velo_row_system_column(NameStr(att->attname));

		if (system < 0)
			scan->needed = bms_add_member(scan->needed, number - 1);
		else if (system == VELO_KEY && att->atttypid == BYTEAOID)
			scan->system[system] = number - 1;
		else if (att->atttypid == velo_system_columns[system].type)
			scan->system[system] = number - 1;
		else
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
							errmsg("column \"%s\" must be of type %s", NameStr(att->attname),
								   format_type_be(velo_system_columns[system].type))));
		if (system == VELO_KEY)
			scan->key_type = att->atttypid;
	}
}

/* Columns that are in the key only; tombstones are not shown, so others do not matter. */
static List *
key_columns(const KafkaScan *scan, TupleDesc desc)
{
	const char *field = velo_base_option_text(scan->options, "key.field");
	List *columns = NIL;
	ListCell *cell;

	if (field == NULL || velo_base_option_bool(scan->options, "key.in.value"))
		return NIL;
	foreach(cell, velo_source_native_key_fields(field))
	{
		int column = 1;

		while (column <= desc->natts &&
			   namestrcmp(&TupleDescAttr(desc, column - 1)->attname, lfirst(cell)) != 0)
			column++;
		if (column > desc->natts)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("key column \"%s\" of foreign table \"%s\" does not exist",
								   (char *) lfirst(cell), scan->topic)));
		columns = lappend_int(columns, column);
	}
	return columns;
}

static void
kafka_begin(ForeignScanState *node, int flags)
{
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	Relation relation = node->ss.ss_currentRelation;
	KafkaScan *scan = palloc0(sizeof(KafkaScan));
	MemoryContext old;

	scan->context = AllocSetContextCreate(node->ss.ps.state->es_query_cxt, "velo kafka scan",
										  ALLOCSET_DEFAULT_SIZES);
	node->fdw_state = scan;
	old = MemoryContextSwitchTo(scan->context);
	scan->options = table_options(RelationGetRelid(relation));
	scan->topic = velo_kafka_topic_name(scan->options, RelationGetRelationName(relation));
	scan->role = velo_compat_scan_user(node);
	scan->conditions = list_nth(plan->fdw_private, PRIVATE_CONDITIONS);
	scan->states = ExecInitExprList(plan->fdw_exprs, (PlanState *) node);
	scan->natts = RelationGetDescr(relation)->natts;
	if (!(flags & EXEC_FLAG_EXPLAIN_ONLY))
	{
		map_columns(scan, RelationGetDescr(relation), list_nth(plan->fdw_private, PRIVATE_COLUMNS));
		scan->decoder = velo_source_kafka_decoder(RelationGetRelationName(relation),
												  RelationGetDescr(relation), scan->natts,
												  scan->needed,
												  key_columns(scan, RelationGetDescr(relation)),
												  scan->options);
	}
	MemoryContextSwitchTo(old);
}

/* Partitions, and the offsets between which they are read. */
static void
choose(KafkaScan *scan, const VeloKafkaBounds *bounds)
{
	VeloKafkaReader *reader = scan->reader;
	TimestampTz from = bounds->low[VELO_KAFKA_TIMESTAMP];
	int64 *first = NULL;

	scan->time_end = bounds->high[VELO_KAFKA_TIMESTAMP];
	if (from != DT_NOBEGIN && from != DT_NOEND && !bounds->is_empty && reader->nparts > 0)
	{
		first = palloc(sizeof(int64) * reader->nparts);
		velo_kafka_offsets_at(reader->client, reader->topic.name, reader->nparts, from, first);
	}
	for (int i = 0; i < reader->nparts; i++)
	{
		VeloKafkaPart *part = &reader->parts[i];
		int64 last = bounds->high[VELO_KAFKA_OFFSET];

		part->is_read = velo_source_kafka_is_asked(bounds, i) && from != DT_NOEND;
		part->start = Max(part->low, bounds->low[VELO_KAFKA_OFFSET]);
		if (first)
			part->start = Max(part->start, first[i]);
		part->end = last < part->high ? Max(0, last + 1) : part->high;
		part->start = Min(part->start, part->end);
	}
}

static void
start(ForeignScanState *node)
{
	KafkaScan *scan = node->fdw_state;
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	VeloKafkaBounds bounds = velo_source_kafka_bounds(scan->conditions, scan->states,
													  plan->fdw_exprs, node->ss.ps.ps_ExprContext);

	if (scan->reader == NULL)
	{
		scan->reader = velo_source_kafka_reader_open(scan->options, scan->topic, scan->role,
													 "velo-query");
		velo_source_kafka_reader_ranges(scan->reader);
		scan->topic_datum = CStringGetTextDatum(scan->topic);
	}
	choose(scan, &bounds);
	velo_source_kafka_reader_start(scan->reader);
	scan->is_started = true;
	MemoryContextSwitchTo(old);
}

/* --- rows ----------------------------------------------------------------------------- */

static void
add_place(void *arg)
{
	KafkaScan *scan = arg;

	if (scan->message)
		errcontext("topic \"%s\", partition %d, offset %lld", scan->topic, scan->message->partition,
				   (long long) scan->message->offset);
}

static void
raise_bad(const KafkaScan *scan, const VeloDecodeError *error)
{
	ereport(ERROR,
			(errcode(error->sqlstate), errmsg_internal("%s", error->message),
			 error->at >= 0
				 ? errdetail("At byte %d of the record in topic \"%s\", partition %d, "
							 "offset %lld.",
							 error->at, scan->topic, scan->message->partition,
							 (long long) scan->message->offset)
				 : errdetail("Record in topic \"%s\", partition %d, offset %lld.", scan->topic,
							 scan->message->partition, (long long) scan->message->offset),
			 errhint("A job keeps such records as dead letters and goes on; a query that "
					 "uses none of the columns in question reads over most of them.")));
}

static void
set_system(const KafkaScan *scan, VeloSystemColumn column, Datum value, bool is_null,
		   TupleTableSlot *slot)
{
	int place = scan->system[column];

	if (place < 0)
		return;
	slot->tts_values[place] = value;
	slot->tts_isnull[place] = is_null;
}

/* Fills the slot; false for a record that shows no row. */
static bool
fill(KafkaScan *scan, const rd_kafka_message_t *message, TupleTableSlot *slot)
{
	VeloDecodeError error = {.at = -1};
	bool is_tombstone;
	bool is_null = false;

	memset(slot->tts_isnull, true, scan->natts);
	if (!velo_source_kafka_decode(scan->decoder, message, slot->tts_values, slot->tts_isnull,
								  &is_tombstone, &error))
		raise_bad(scan, &error);
	if (is_tombstone)
		return false;
	if (scan->system[VELO_TIMESTAMP] >= 0)
		set_system(scan, VELO_TIMESTAMP, TimestampTzGetDatum(velo_source_kafka_time(message)),
				   false, slot);
	set_system(scan, VELO_TOPIC, scan->topic_datum, false, slot);
	set_system(scan, VELO_PARTITION, Int32GetDatum(message->partition), false, slot);
	set_system(scan, VELO_OFFSET, Int64GetDatum(message->offset), false, slot);
	if (scan->system[VELO_KEY] >= 0)
	{
		Datum key = velo_source_kafka_key(message, scan->key_type, &is_null);

		set_system(scan, VELO_KEY, key, is_null, slot);
	}
	if (scan->system[VELO_HEADERS] >= 0)
	{
		Jsonb *headers = velo_source_kafka_headers(message);

		set_system(scan, VELO_HEADERS, PointerGetDatum(headers), headers == NULL, slot);
	}
	return true;
}

/* The next message of those asked for, or NULL at the end. */
static const rd_kafka_message_t *
next_message(KafkaScan *scan)
{
	VeloKafkaReader *reader = scan->reader;
	const rd_kafka_message_t *message;

	while ((message = velo_source_kafka_reader_await(reader)) != NULL)
	{
		VeloKafkaPart *part = &reader->parts[message->partition];

		if (scan->time_end != DT_NOEND && message->offset < part->end &&
			velo_source_kafka_time_is_append(message) &&
			velo_source_kafka_time(message) > scan->time_end)
			part->end = message->offset;
		if (message->offset < part->end)
			return message;
	}
	return NULL;
}

static TupleTableSlot *
kafka_iterate(ForeignScanState *node)
{
	KafkaScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	ErrorContextCallback place = {error_context_stack, add_place, scan};
	bool has_row = false;

	ExecClearTuple(slot);
	if (!scan->is_started)
		start(node);
	while (!has_row && (scan->message = next_message(scan)) != NULL)
	{
		error_context_stack = &place;
		has_row = fill(scan, scan->message, slot);
		error_context_stack = place.previous;
	}
	scan->message = NULL;
	return has_row ? ExecStoreVirtualTuple(slot) : slot;
}

static void
kafka_rescan(ForeignScanState *node)
{
	/* Parameters may have changed; the ends stay those of the first time. */
	((KafkaScan *) node->fdw_state)->is_started = false;
}

static void
kafka_end(ForeignScanState *node)
{
	KafkaScan *scan = node->fdw_state;

	if (scan && scan->reader)
		velo_source_kafka_reader_close(scan->reader);
}

/* --- EXPLAIN --------------------------------------------------------------------------- */

static const char *
condition_text(const VeloKafkaCondition *condition, Expr *value, ForeignScanState *node,
			   ExplainState *es)
{
	static const char *const operators[] = {"", "<", "<=", "=", ">=", ">"};
	List *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, NIL);

	return psprintf("%s %s %s%s%s", velo_source_kafka_column_name(condition->column),
					operators[condition->strategy], condition->is_array ? "ANY (" : "",
					deparse_expression((Node *) value, context, false, false),
					condition->is_array ? ")" : "");
}

/* What was read, after the fact. */
static void
explain_read(const VeloKafkaReader *reader, ExplainState *es)
{
	StringInfoData partitions;
	StringInfoData offsets;

	initStringInfo(&partitions);
	initStringInfo(&offsets);
	for (int i = 0; i < reader->nparts; i++)
	{
		const VeloKafkaPart *part = &reader->parts[i];

		if (!part->is_read)
			continue;
		appendStringInfo(&partitions, "%s%d", partitions.len ? ", " : "", i);
		appendStringInfo(&offsets, "%s%d: %lld-%lld", offsets.len ? ", " : "", i,
						 (long long) part->start, (long long) part->end);
	}
	appendStringInfo(&partitions, "%sof %d", partitions.len ? " " : "none ", reader->nparts);
	ExplainPropertyText("Kafka Partitions Read", partitions.data, es);
	if (offsets.len > 0)
		ExplainPropertyText("Kafka Offsets Read", offsets.data, es);
}

static void
kafka_explain(ForeignScanState *node, ExplainState *es)
{
	static const char *const labels[VELO_KAFKA_COLUMNS] = {"Kafka Partitions", "Kafka Offsets",
														   "Kafka Times"};
	KafkaScan *scan = node->fdw_state;
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);

	ExplainPropertyText("Kafka Topic", scan->topic, es);
	for (int column = 0; column < VELO_KAFKA_COLUMNS; column++)
	{
		StringInfoData text;
		ListCell *cell;
		ListCell *value;

		initStringInfo(&text);
		forboth(cell, scan->conditions, value, plan->fdw_exprs)
		{
			VeloKafkaCondition condition = velo_source_kafka_condition(lfirst(cell));

			if (condition.column == column)
				appendStringInfo(&text, "%s%s", text.len ? " AND " : "",
								 condition_text(&condition, lfirst(value), node, es));
		}
		ExplainPropertyText(labels[column], text.len ? text.data : "all", es);
	}
	if (scan->reader && es->analyze)
		explain_read(scan->reader, es);
}

VELO_REGISTRY(kafka_foreign, VeloKafkaForeign);

/* velo.kafka_handler() → fdw_handler */
VELO_FUNCTION(velo_kafka_handler)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = kafka_rel_size;
	routine->GetForeignPaths = kafka_paths;
	routine->GetForeignPlan = kafka_plan;
	routine->BeginForeignScan = kafka_begin;
	routine->IterateForeignScan = kafka_iterate;
	routine->ReScanForeignScan = kafka_rescan;
	routine->EndForeignScan = kafka_end;
	routine->ExplainForeignScan = kafka_explain;
	VELO_FOREACH(kafka_foreign, VeloKafkaForeign, part)
		part->fill(routine);
	PG_RETURN_POINTER(routine);
}
