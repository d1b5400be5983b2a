/*
 * kafka_insert.c
 *	  INSERT into a Kafka stream: rows of a transaction become one transaction of Kafka's.
 *
 * Rows are encoded when they are inserted, so that a wrong one fails its own statement, and
 * kept in memory until the transaction is about to commit: then they are sent and
 * committed in Kafka, and after that PostgreSQL commits.  ROLLBACK, also to a savepoint,
 * drops them; an error of Kafka's aborts the transaction.
 *
 * WHAT THIS IS NOT.  There is no commit across both.  If PostgreSQL fails in the moment
 * between the two commits (a crash, a full disk) the rows are in the topic and the rest of
 * the transaction is not.  A job has no such moment (kafka_outbox.c); where it matters,
 * insert into a native stream and let a job send it on.
 */
#include "postgres.h"

#include <access/xact.h>
#include <commands/explain.h>
#include <foreign/fdwapi.h>
#include <lib/stringinfo.h>
#include <miscadmin.h>
#include <utils/memutils.h>
#include <utils/rel.h>

#include "base/compat.h"
#include "base/setting.h"
#include "base/testpoint.h"
#include "kafka/foreign.h"
#include "sink/kafka_session.h"

static int insert_limit_kb = 65536;

static const VeloSetting insert_limit = {
	.name = "velo.kafka_insert_limit",
	.description = "Most memory for the rows that one transaction inserts into Kafka streams; "
				   "they are sent when it commits.",
	.type = VELO_SETTING_INT,
	.variable = &insert_limit_kb,
	.boot = 65536,
	.min = 64,
	.max = 1000000,
	.context = PGC_USERSET,
	.flags = GUC_UNIT_KB,
};
VELO_SETTING(insert_limit);

/* A length of the rows to which ROLLBACK TO SAVEPOINT goes back. */
typedef struct Mark
{
	SubTransactionId subtransaction;
	int length;
	int64 count;
} Mark;

/* What the present transaction has inserted. */
static struct
{
	MemoryContext context; /* NULL: nothing */
	VeloKafkaProducer *producer;
	char *connection;
	List *topics;		 /* char *; rows name theirs by number */
	StringInfoData rows; /* number of the topic (2 bytes), packed message; … */
	int64 count;
	List *marks; /* Mark *, innermost last */
} pending;

static VeloKafkaSession session;
static bool is_sending = false; /* an error leaves the producer in the middle of something */

/* --- the transaction's end ------------------------------------------------------------- */

static void
report_sending(void *arg)
{
	errcontext("sending the " INT64_FORMAT " rows that the transaction has inserted into Kafka",
			   pending.count);
}

static void
send_rows(void)
{
	ErrorContextCallback callback = {error_context_stack, report_sending, NULL};
	const char *at = pending.rows.data;
	const char *end = at + pending.rows.len;

	error_context_stack = &callback;
	is_sending = true;
	velo_sink_kafka_begin(pending.producer);
	while (at < end)
	{
		VeloKafkaRecord record;
		uint16 topic;

		memcpy(&topic, at, sizeof(topic));
		velo_sink_kafka_aim(pending.producer, list_nth(pending.topics, topic));
		at = velo_sink_kafka_unpack(at + sizeof(topic), end, &record);
		velo_sink_kafka_produce(pending.producer, &record, -1, NULL);
	}
	velo_sink_kafka_flush(pending.producer);
	/* Up to here it can be cancelled; a cancelled commit would have an unknown end. */
	HOLD_INTERRUPTS();
	velo_sink_kafka_commit(pending.producer);
	RESUME_INTERRUPTS();
	is_sending = false;
	error_context_stack = callback.previous;
	VELO_TESTPOINT("kafka_insert_sent");
}

static void
forget_rows(void)
{
	MemoryContext context = pending.context;

	memset(&pending, 0, sizeof(pending));
	if (context)
		MemoryContextDelete(context);
	if (is_sending)
		velo_sink_kafka_session_end(&session);
	is_sending = false;
}

static void
transaction_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (pending.count > 0)
				send_rows();
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (pending.count > 0)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot PREPARE a transaction that has inserted into Kafka")));
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget_rows();
			break;
		default:
			break;
	}
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId self, SubTransactionId parent, void *arg)
{
	Mark *mark = pending.marks ? llast(pending.marks) : NULL;

	if (mark == NULL || mark->subtransaction != self)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		pending.rows.len = mark->length;
		pending.count = mark->count;
	}
	else if (event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	pending.marks = list_delete_last(pending.marks);

	/* What it has inserted is its parent's now; that goes back as far, or farther. */
	if (event == SUBXACT_EVENT_COMMIT_SUB && parent != TopSubTransactionId &&
		(pending.marks == NIL || ((Mark *) llast(pending.marks))->subtransaction != parent))
	{
		MemoryContext old = MemoryContextSwitchTo(pending.context);

		mark->subtransaction = parent;
		pending.marks = lappend(pending.marks, mark);
		MemoryContextSwitchTo(old);
	}
}

/* Where the present subtransaction began, before it adds its first row. */
static void
set_mark(void)
{
	SubTransactionId self = GetCurrentSubTransactionId();
	MemoryContext old;
	Mark *mark;

	if (self == TopSubTransactionId ||
		(pending.marks && ((Mark *) llast(pending.marks))->subtransaction == self))
		return;
	old = MemoryContextSwitchTo(pending.context);
	mark = palloc(sizeof(Mark));
	mark->subtransaction = self;
	mark->length = pending.rows.len;
	mark->count = pending.count;
	pending.marks = lappend(pending.marks, mark);
	MemoryContextSwitchTo(old);
}

/* --- one statement's target -------------------------------------------------------------- */

typedef struct Insert
{
	VeloSinkSpec spec;
	VeloKafkaEncoder *encoder;
	int ncolumns;
	int *columns; /* of the foreign table, 0-based: those of spec.desc */
	Datum *values;
	bool *nulls;
	uint16 topic;
} Insert;

static void
begin_pending(const char *connection)
{
	static bool is_registered = false;
	MemoryContext old;

	if (!is_registered)
	{
		RegisterXactCallback(transaction_ends, NULL);
		RegisterSubXactCallback(subtransaction_ends, NULL);
		is_registered = true;
	}
	if (pending.context)
	{
		if (strcmp(pending.connection, connection) != 0)
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("a transaction can insert into topics of one Kafka connection "
								   "only")));
		return;
	}
	pending.context = AllocSetContextCreate(TopMemoryContext, "velo kafka insert",
											ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(pending.context);
	pending.connection = pstrdup(connection);
	initStringInfo(&pending.rows);
	MemoryContextSwitchTo(old);
}

static uint16
topic_number(const char *topic)
{
	ListCell *cell;
	MemoryContext old;

	foreach(cell, pending.topics)
		if (strcmp(lfirst(cell), topic) == 0)
			return foreach_current_index(cell);
	if (list_length(pending.topics) > PG_UINT16_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many topics in one transaction")));
	old = MemoryContextSwitchTo(pending.context);
	pending.topics = lappend(pending.topics, pstrdup(topic));
	MemoryContextSwitchTo(old);
	return list_length(pending.topics) - 1;
}

/* The user's columns, then _timestamp and _headers; the others of a topic cannot be set. */
static void
map_columns(Insert *insert, TupleDesc table)
{
	static const VeloSystemColumn about[] = {VELO_TIMESTAMP, VELO_HEADERS};
	TupleDesc desc;

	insert->columns = palloc(sizeof(int) * table->natts);
	for (int i = 0; i < table->natts; i++)
		if (!TupleDescAttr(table, i)->attisdropped &&
			velo_row_system_column(NameStr(TupleDescAttr(table, i)->attname)) < 0)
			insert->columns[insert->ncolumns++] = i;
	insert->spec.payload = insert->ncolumns;
	for (int k = 0; k < lengthof(about); k++)
		for (int i = 0; i < table->natts; i++)
			if (!TupleDescAttr(table, i)->attisdropped &&
				velo_row_system_column(NameStr(TupleDescAttr(table, i)->attname)) == about[k])
			{
				insert->columns[insert->ncolumns++] = i;
				if (about[k] == VELO_TIMESTAMP)
					insert->spec.event_time = insert->ncolumns;
				else
					insert->spec.headers = insert->ncolumns;
			}
	desc = CreateTemplateTupleDesc(insert->ncolumns);
	for (int i = 0; i < insert->ncolumns; i++)
		TupleDescCopyEntry(desc, i + 1, table, insert->columns[i] + 1);
	insert->spec.desc = desc;
	insert->values = palloc(sizeof(Datum) * Max(insert->ncolumns, 1));
	insert->nulls = palloc(sizeof(bool) * Max(insert->ncolumns, 1));
}

static void
begin(ResultRelInfo *result, EState *estate)
{
	Relation table = result->ri_RelationDesc;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	Insert *insert = palloc0(sizeof(Insert));
	Oid role = velo_compat_modify_user(result, estate);
	const char *topic;

	insert->spec.name = RelationGetRelationName(table);
	insert->spec.type = "kafka";
	insert->spec.relation = RelationGetRelid(table);
	insert->spec.options = velo_sink_kafka_table_options(RelationGetRelid(table));
	topic = velo_kafka_topic_name(insert->spec.options, insert->spec.name);
	map_columns(insert, RelationGetDescr(table));
	insert->encoder = velo_sink_kafka_encoder(&insert->spec);
	begin_pending(velo_sink_kafka_connection(insert->spec.options, role));
	pending.producer = velo_sink_kafka_session(&session, insert->spec.options, role, topic, true);
	insert->topic = topic_number(topic);
	result->ri_FdwState = insert;
	MemoryContextSwitchTo(old);
}

static void
check_row(Relation relation, TupleTableSlot *slot)
{
	TupleDesc table = RelationGetDescr(relation);

	for (int i = 0; i < table->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(table, i);
		int system;

		if (column->attisdropped)
			continue;
		if (column->attnotnull && slot->tts_isnull[i])
			ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
							errmsg("null value in column \"%s\" of stream \"%s\" violates "
								   "not-null constraint",
								   NameStr(column->attname), RelationGetRelationName(relation))));
		system = velo_row_system_column(NameStr(column->attname));
		if (system >= 0 && system != VELO_TIMESTAMP && system != VELO_HEADERS &&
			!slot->tts_isnull[i])
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of a topic cannot be written", NameStr(column->attname)),
					 errhint("velo.produce writes single records with a key and a "
							 "partition of their own.")));
	}
}

static void
add_row(Insert *insert)
{
	int before = pending.rows.len;
	StringInfo rows = &pending.rows;
	Size limit = (Size) insert_limit_kb * 1024;

	set_mark();
	PG_TRY();
	{
		appendBinaryStringInfoNT(rows, (char *) &insert->topic, sizeof(insert->topic));
		velo_sink_kafka_encode(insert->encoder, insert->values, insert->nulls, false,
							   velo_sink_kafka_bytes_max(pending.producer), rows);
		if (rows->len > limit)
			ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
							errmsg("the transaction's rows for Kafka take more than %d kB",
								   insert_limit_kb),
							errhint("Insert in several transactions, or raise "
									"velo.kafka_insert_limit.")));
	}
	PG_CATCH();
	{
		rows->len = before;
		PG_RE_THROW();
	}
	PG_END_TRY();
	pending.count++;
}

static TupleTableSlot *
insert_row(EState *estate, ResultRelInfo *result, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	Insert *insert = result->ri_FdwState;

	slot_getallattrs(slot);
	check_row(result->ri_RelationDesc, slot);
	for (int i = 0; i < insert->ncolumns; i++)
	{
		insert->values[i] = slot->tts_values[insert->columns[i]];
		insert->nulls[i] = slot->tts_isnull[insert->columns[i]];
	}
	add_row(insert);
	return slot;
}

/* --- callbacks ------------------------------------------------------------------------------ */

static int
updatable(Relation relation)
{
	return 1 << CMD_INSERT;
}

static List *
plan_modify(PlannerInfo *root, ModifyTable *plan, Index relation, int subplan)
{
	if (plan->operation != CMD_INSERT)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("records of a topic cannot be changed or deleted")));
	if (plan->onConflictAction != ONCONFLICT_NONE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("ON CONFLICT is not supported for a Kafka stream"),
						errhint("A topic has no unique keys.")));
	return NIL;
}

static void
begin_modify(ModifyTableState *state, ResultRelInfo *result, List *private, int subplan, int flags)
{
	if (!(flags & EXEC_FLAG_EXPLAIN_ONLY))
		begin(result, state->ps.state);
}

/* COPY, and rows of a partitioned table. */
static void
begin_insert(ModifyTableState *state, ResultRelInfo *result)
{
	begin(result, state->ps.state);
}

static void
fill(FdwRoutine *routine)
{
	routine->IsForeignRelUpdatable = updatable;
	routine->PlanForeignModify = plan_modify;
	routine->BeginForeignModify = begin_modify;
	routine->BeginForeignInsert = begin_insert;
	routine->ExecForeignInsert = insert_row;
}

static const VeloKafkaForeign kafka_insert = {"insert", fill};
VELO_KAFKA_FOREIGN(kafka_insert);
