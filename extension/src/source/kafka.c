/*
 * kafka.c
 *	  Source type "kafka": the records of a topic, each read exactly once.
 *
 * Positions are offsets, kept by the driver and committed with what was made of the
 * records; the broker's consumer groups decide nothing.  For people who watch lag with
 * the broker's tools the committed positions are also written to a group, now and then
 * and without waiting (publish).
 *
 * A CHUNK is decoded in one subtransaction that writes nothing.  A record that does not
 * fit the columns ends it; it goes to on_failure outside of the subtransaction, whose
 * rollback would otherwise undo the dead letter, and decoding goes on behind it.  So
 * good records cost a subtransaction a chunk, bad ones one each.
 *
 * START RULES give every partition an offset before anything is read, so that there is
 * a position to commit from the beginning on.  A partition that was added to a topic
 * whose others have positions begins at its first record whatever the rule says: its
 * records came after the job's start.
 */
#include "postgres.h"

#include "source/source.h"

#include <access/table.h>
#include <librdkafka/rdkafka.h>
#include <utils/builtins.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/timestamp.h>

#include "base/testpoint.h"
#include "base/try.h"
#include "meta/meta.h"
#include "source/kafka_position.h"
#include "source/kafka_reader.h"
#include "source/kafka_record.h"
#include "source/kafka_relation.h"
#include "source/native_storage.h"

/* Least time between two messages to the group of the positions. */
#define PUBLISH_EVERY_US USECS_PER_SEC
/* A bounded read waits so long for records that it knows to be there, then the driver. */
#define BOUNDED_WAIT_MS 1000
/* Batches of records none of which could be decoded that one poll goes through. */
#define BAD_FETCHES_MAX 16

typedef struct KafkaSource
{
	VeloSource source;
	MemoryContext context; /* as long as the source */
	VeloKafkaReader *reader;
	VeloKafkaDecoder *decoder;
	bool wants_key;
	bool wants_headers;
	bool
		has_time_column; /* event.time.field: then a header that says the time counts for nothing */
	Oid key_type;
	Datum topic; /* 0: not needed */

	bool has_positions; /* some partition was given one */
	bool is_started;
	int64 *at_time; /* offsets of the start time, once asked for */

	/* Messages behind the rows of the chunk polled last, by place; valid until the next fetch. */
	const rd_kafka_message_t *behind[VELO_CHUNK_ROWS];
	int nbehind;

	int64 *committed; /* positions by partition */
	bool is_unpublished;
	TimestampTz published_at;
} KafkaSource;

static const VeloSourceOps kafka_source;

/* --- opening ---------------------------------------------------------------------- */

static const char *
group_of(const VeloSourceSpec *spec)
{
	const char *group = velo_base_option_text(spec->options, "group.id");

	return group ? group : psprintf("velo-%s", spec->name);
}

/* Columns (1-based) that a message's key holds, in its order. */
static List *
key_columns(const VeloSourceSpec *spec, const VeloStream *stream)
{
	const char *field = velo_base_option_text(spec->options, "key.field");
	List *names = stream ? stream->key_columns : NIL;
	List *columns = NIL;
	ListCell *cell;

	if (names == NIL && field)
		names = velo_source_native_key_fields(field);
	foreach(cell, names)
	{
		int column = 1;

		while (column <= spec->user_natts &&
			   namestrcmp(&TupleDescAttr(spec->desc, column - 1)->attname, lfirst(cell)) != 0)
			column++;
		if (column > spec->user_natts)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("key column \"%s\" of stream \"%s\" does not exist",
								   (char *) lfirst(cell), spec->name),
							errhint("Name the key columns in the property \"key.field\".")));
		columns = lappend_int(columns, column);
	}
	return columns;
}

/*
 * The columns by the names that records have for them.  Columns of the stream's view may
 * have been renamed; those of the foreign table behind it keep their names.
 */
static TupleDesc
record_desc(const VeloSourceSpec *spec, const VeloStream *stream)
{
	TupleDesc desc = spec->desc;
	Relation view;

	if (stream == NULL || !OidIsValid(stream->storage))
		return desc;
	desc = CreateTupleDescCopy(spec->desc);
	view = table_open(spec->relation, AccessShareLock);
	for (int i = 0; i < spec->user_natts; i++)
	{
		NameData *name = &TupleDescAttr(desc, i)->attname;

		namestrcpy(name, velo_source_native_column(view, stream->storage, NameStr(*name)));
	}
	table_close(view, NoLock);
	return desc;
}

static bool
needs(const VeloSourceSpec *spec, VeloSystemColumn column)
{
	return bms_is_member(spec->user_natts + column, spec->needed);
}

static VeloSource *
kafka_open(const VeloSourceSpec *spec)
{
	KafkaSource *source = palloc0(sizeof(KafkaSource));
	VeloStream *stream = velo_meta_stream(spec->relation);

	source->source.ops = &kafka_source;
	source->source.spec = spec;
	source->context = CurrentMemoryContext;
	source->decoder = velo_source_kafka_decoder(spec->name, record_desc(spec, stream),
												spec->user_natts, spec->needed,
												key_columns(spec, stream), spec->options);
	source->wants_key = needs(spec, VELO_KEY);
	source->wants_headers = needs(spec, VELO_HEADERS);
	source->has_time_column = velo_base_option_text(spec->options, "event.time.field") != NULL;
	source->key_type = TupleDescAttr(spec->desc, spec->user_natts + VELO_KEY)->atttypid;
	source->reader = velo_source_kafka_reader_open(spec->options, spec->name, spec->role,
												   group_of(spec));
	if (needs(spec, VELO_TOPIC))
		source->topic = CStringGetTextDatum(source->reader->topic.name);
	source->committed = palloc0(sizeof(int64) * Max(1, source->reader->nparts));
	velo_source_kafka_reader_ranges(source->reader);
	return &source->source;
}

static int
kafka_partitions(VeloSource *base)
{
	return ((KafkaSource *) base)->reader->nparts;
}

static int64
offset_at(KafkaSource *source, int partition, TimestampTz time)
{
	VeloKafkaReader *reader = source->reader;

	if (source->at_time == NULL)
	{
		source->at_time = MemoryContextAlloc(source->context, sizeof(int64) * reader->nparts);
		velo_kafka_offsets_at(reader->client, reader->topic.name, reader->nparts, time,
							  source->at_time);
	}
	return source->at_time[partition];
}

static void
kafka_seek(VeloSource *base, int partition, const char *text, VeloStartFrom from,
		   TimestampTz from_time)
{
	KafkaSource *source = (KafkaSource *) base;
	VeloKafkaPart *part = &source->reader->parts[partition];
	VeloKafkaPosition position;

	part->epoch = -1;
	if (text)
	{
		if (!velo_source_kafka_position_parse(text, &position))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a position in a topic", text),
					 errdetail("A position is an offset, or an offset, a leader epoch and the "
							   "id of the topic.")));
		velo_source_kafka_check_position(source->reader, partition, &position);
		source->has_positions = true;
		part->start = position.offset;
		part->epoch = position.epoch;
	}
	else if (from == VELO_START_TIMESTAMP)
		part->start = offset_at(source, partition, from_time);
	else if (from == VELO_START_LATEST && !source->has_positions)
		part->start = part->high;
	else
		part->start = part->low;
	part->position = part->start;
	if (base->spec->bounded)
		part->end = part->high;
	source->committed[partition] = part->start;
}

/* --- for show ---------------------------------------------------------------------- */

/* Tells the group how far has been read; nobody waits for the answer. */
static void
publish(KafkaSource *source)
{
	VeloKafkaReader *reader = source->reader;
	TimestampTz now = GetCurrentTimestamp();
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t error;

	if (!source->is_unpublished || now - source->published_at < PUBLISH_EVERY_US)
		return;
	source->published_at = now;
	source->is_unpublished = false;
	list = rd_kafka_topic_partition_list_new(reader->nparts);
	for (int i = 0; i < reader->nparts; i++)
		rd_kafka_topic_partition_list_add(list, reader->topic.name, i)->offset = source
																					 ->committed[i];
	error = rd_kafka_commit(velo_kafka_handle(reader->client), list, 1);
	rd_kafka_topic_partition_list_destroy(list);
	if (error)
		ereport(DEBUG1, (errmsg_internal("could not publish positions in topic \"%s\": %s",
										 reader->topic.name, rd_kafka_err2str(error))));
}

static void
kafka_committed(VeloSource *base)
{
	KafkaSource *source = (KafkaSource *) base;

	for (int i = 0; i < source->reader->nparts; i++)
		source->committed[i] = source->reader->parts[i].position;
	source->is_unpublished = true;
	publish(source);
}

/* --- batches ----------------------------------------------------------------------- */

static bool
kafka_begin_batch(VeloSource *base)
{
	KafkaSource *source = (KafkaSource *) base;
	VeloKafkaReader *reader = source->reader;
	TimestampTz until;

	source->nbehind = 0;
	if (!source->is_started)
	{
		velo_source_kafka_reader_start(reader);
		source->is_started = true;
	}
	publish(source);
	if (velo_source_kafka_reader_fetch(reader) > 0)
		return true;
	if (!base->spec->bounded)
		return false;
	/* The records are there; only the way from the broker is to be waited for. */
	until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BOUNDED_WAIT_MS);
	while (!velo_source_kafka_reader_is_ended(reader) && GetCurrentTimestamp() < until)
	{
		velo_source_kafka_reader_wait(reader, VELO_KAFKA_PIECE_MS);
		if (velo_source_kafka_reader_fetch(reader) > 0)
			return true;
	}
	return false;
}

/* What one subtransaction decodes. */
typedef struct Decoding
{
	KafkaSource *source;
	VeloChunk *chunk;
	int limit;
	int nrows;						   /* complete rows in the chunk */
	const rd_kafka_message_t *message; /* the one being decoded */
	bool has_failed;
	VeloDecodeError error; /* if so */
} Decoding;

static bool
append_row(Decoding *decoding, const rd_kafka_message_t *message)
{
	KafkaSource *source = decoding->source;
	VeloChunk *chunk = decoding->chunk;
	int row = velo_row_append(chunk);
	Datum *values = velo_row_values(chunk, row);
	bool *nulls = velo_row_nulls(chunk, row);
	TimestampTz time = velo_source_kafka_time(message);
	TimestampTz event_time = time;
	bool is_tombstone;

	if (!velo_source_kafka_decode(source->decoder, message, values, nulls, &is_tombstone,
								  &decoding->error))
		return false;
	if (is_tombstone)
		*velo_row_flags(chunk, row) |= VELO_ROW_TOMBSTONE;
	/* librdkafka parses headers anew at each look, also when there are none: dear. */
	if (is_tombstone || !source->has_time_column)
		event_time = velo_source_kafka_event_time(message, time);
	velo_row_set_system(chunk, row, VELO_TIMESTAMP, TimestampTzGetDatum(time));
	velo_row_set_system(chunk, row, VELO_EVENT_TIME, TimestampTzGetDatum(event_time));
	velo_row_set_system(chunk, row, VELO_PARTITION, Int32GetDatum(message->partition));
	velo_row_set_system(chunk, row, VELO_OFFSET, Int64GetDatum(message->offset));
	if (source->topic)
		velo_row_set_system(chunk, row, VELO_TOPIC, source->topic);
	if (source->wants_key)
		values[chunk->user_natts +
			   VELO_KEY] = velo_source_kafka_key(message, source->key_type,
												 &nulls[chunk->user_natts + VELO_KEY]);
	if (source->wants_headers)
	{
		Jsonb *headers = velo_source_kafka_headers(message);

		if (headers)
			velo_row_set_system(chunk, row, VELO_HEADERS, JsonbPGetDatum(headers));
	}
	source->behind[row] = message;
	return true;
}

static void
decode(void *arg)
{
	Decoding *decoding = arg;
	MemoryContext old = MemoryContextSwitchTo(decoding->chunk->context);

	while (decoding->nrows < decoding->limit &&
		   (decoding->message = velo_source_kafka_reader_next(decoding->source->reader)) != NULL)
	{
		if (!append_row(decoding, decoding->message))
		{
			decoding->has_failed = true;
			break;
		}
		decoding->nrows++;
	}
	MemoryContextSwitchTo(old);
}

/* Gives a record that is no row to the driver. */
static void
fail(Decoding *decoding, const ErrorData *raised)
{
	KafkaSource *source = decoding->source;
	VeloRawRecord record = velo_source_kafka_raw(decoding->message, source->reader->topic.name,
												 true);
	ErrorData made = {
		.elevel = ERROR,
		.sqlerrcode = decoding->error.sqlstate,
		.message = decoding->error.message,
	};
	const ErrorData *error = raised ? raised : &made;

	if (decoding->error.at >= 0 && !raised)
		made.detail = psprintf("At byte %d of the record.", decoding->error.at);
	decoding->chunk->nrows = decoding->nrows;
	decoding->has_failed = false;
	if (source->source.on_failure == NULL)
		ereport(ERROR, (errcode(error->sqlerrcode), errmsg_internal("%s", error->message),
						errdetail("Topic \"%s\", partition %d, offset %lld.", record.topic,
								  record.partition, (long long) record.offset)));
	source->source.on_failure(source->source.driver, &record, error);
}

static int
kafka_poll(VeloSource *base, VeloChunk *chunk, int limit)
{
	KafkaSource *source = (KafkaSource *) base;
	VeloKafkaReader *reader = source->reader;
	int before = chunk->nrows;
	Decoding decoding = {source, chunk, before + Min(limit, VELO_CHUNK_ROWS - before), before};

	for (int i = 0; i < BAD_FETCHES_MAX && decoding.nrows == before; i++)
	{
		if (velo_source_kafka_reader_fetch(reader) == 0)
			break;
		velo_source_kafka_reader_ask(reader);
		while (decoding.nrows < decoding.limit && reader->next < reader->nmessages)
		{
			ErrorData *error;

			decoding.error.at = -1;
			error = velo_base_try(decode, &decoding, velo_base_is_data_error);
			if (error || decoding.has_failed)
				fail(&decoding, error);
		}
	}
	source->nbehind = chunk->nrows;
	if (!base->spec->keeps_raw)
	{
		source->nbehind = 0;
		velo_source_kafka_reader_release(reader);
	}
	VELO_TESTPOINT("kafka-poll");
	return chunk->nrows - before;
}

static const char *
kafka_tell(VeloSource *base, int partition)
{
	KafkaSource *source = (KafkaSource *) base;
	VeloKafkaPart *part = &source->reader->parts[partition];
	VeloKafkaPosition position = {.offset = part->position, .epoch = part->epoch};

	velo_source_kafka_reader_confirm(source->reader);
	strlcpy(position.topic_id, source->reader->topic.id, sizeof(position.topic_id));
	return velo_source_kafka_position_write(&position);
}

static bool
kafka_is_ended(VeloSource *base)
{
	KafkaSource *source = (KafkaSource *) base;

	return base->spec->bounded && source->is_started &&
		   velo_source_kafka_reader_is_ended(source->reader);
}

static TimestampTz
kafka_next_due(VeloSource *base)
{
	KafkaSource *source = (KafkaSource *) base;
	VeloKafkaReader *reader = source->reader;

	/* The signal was read; what was left in the queue then will not signal again. */
	if (reader->next < reader->nmessages || rd_kafka_queue_length(reader->queue) > 0)
		return DT_NOBEGIN;
	return DT_NOEND;
}

static TimestampTz
kafka_watermark_limit(VeloSource *base)
{
	return DT_NOEND;
}

static int64
kafka_lag(VeloSource *base)
{
	KafkaSource *source = (KafkaSource *) base;
	VeloKafkaReader *reader = source->reader;
	int64 lag = 0;

	for (int i = 0; i < reader->nparts; i++)
	{
		const VeloKafkaPart *part = &reader->parts[i];
		int64 low;
		int64 high;

		/* As of the last answer of the broker; nothing is asked. */
		if (rd_kafka_get_watermark_offsets(velo_kafka_handle(reader->client), reader->topic.name, i,
										   &low, &high) ||
			high < 0)
			high = part->high;
		if (part->end >= 0)
			high = Min(high, part->end);
		lag += Max(0, high - part->position);
	}
	return lag;
}

static int
kafka_wake_fd(VeloSource *base)
{
	return ((KafkaSource *) base)->reader->wake_fd;
}

static bool
kafka_is_stale(VeloSource *base)
{
	return !base->spec->bounded &&
		   velo_source_kafka_reader_is_changed(((KafkaSource *) base)->reader);
}

/* row: its place in the chunk, which does not change when rows are dropped. */
static bool
kafka_raw(VeloSource *base, int row, VeloRawRecord *record)
{
	KafkaSource *source = (KafkaSource *) base;

	if (row < 0 || row >= source->nbehind)
		return false;
	*record = velo_source_kafka_raw(source->behind[row], source->reader->topic.name, true);
	return true;
}

static const char *
kafka_trouble(VeloSource *base)
{
	return velo_kafka_trouble(((KafkaSource *) base)->reader->client);
}

static void
kafka_close(VeloSource *base)
{
	velo_source_kafka_reader_close(((KafkaSource *) base)->reader);
}

static const VeloSourceOps kafka_source = {
	.type = "kafka",
	.has_times = true,
	.create = velo_source_kafka_create,
	.open = kafka_open,
	.partitions = kafka_partitions,
	.seek = kafka_seek,
	.begin_batch = kafka_begin_batch,
	.poll = kafka_poll,
	.tell = kafka_tell,
	.is_ended = kafka_is_ended,
	.next_due = kafka_next_due,
	.watermark_limit = kafka_watermark_limit,
	.lag = kafka_lag,
	.wake_fd = kafka_wake_fd,
	.is_stale = kafka_is_stale,
	.raw = kafka_raw,
	.committed = kafka_committed,
	.trouble = kafka_trouble,
	.close = kafka_close,
};
VELO_SOURCE(kafka_source);
