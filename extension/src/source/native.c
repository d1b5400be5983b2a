/*
 * native.c
 *	  Source type "native": rows kept in PostgreSQL, each read exactly once.
 *
 * A batch is what the batch's snapshot sees and the one before did not; see
 * native_position.h for why, native_scan.h for how.  A large difference (a
 * backlog, one COPY of millions) is read over many batches: its target stays
 * until it is reached, and only then the next snapshot is taken.
 *
 * ORDER.  Between differences: the order of commits.  Within one: by time
 * partition, then by transaction id, then in the order in which the transaction
 * wrote.
 *
 * THE WATERMARK'S LIMIT.  velo_source_writers_oldest(), asked before a snapshot is
 * taken, bounds from below the append times of all that this snapshot does not
 * see.  So before a difference is read to its end, rows as early as the promise
 * made for "seen" may still come, or as early as the partition being read if that
 * is later; afterwards the promise made for "target" holds.  The same promise
 * spares a reader that has caught up from looking into old partitions.
 *
 * START RULES.  earliest: everything the first snapshot sees, then on.  latest:
 * what is committed after seek.  timestamp: as earliest, without the rows whose
 * append time is before it; they are left out for as long as such can appear.
 *
 * ROWS ARE COPIED once, from the buffer page into the chunk's memory, only the
 * columns needed, toasted values as pointers: they can be read later in the same
 * transaction, and most never are.
 */
#include "postgres.h"

#include "source/source.h"

#include <access/table.h>
#include <access/xlog.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>

#include "base/testpoint.h"
#include "meta/meta.h"
#include "source/native_position.h"
#include "source/native_scan.h"
#include "source/native_storage.h"
#include "source/writers.h"

/* Rows are counted one by one up to here; beyond, lag() is an estimate. */
#define LAG_COUNT_MAX 10000

/* Storage columns every row needs, before the user's in NativeSource.names. */
enum
{
	NAME_TIMESTAMP,
	NAME_XID,
	NAME_SEQ,
	FIXED_NAMES
};

typedef struct Column
{
	int target;	  /* 0-based in the chunk */
	int16 length; /* pg_attribute.attlen */
	bool by_value;
} Column;

/* A column of the record's key, for _key. */
typedef struct KeyColumn
{
	int name; /* in NativeSource.names */
	FmgrInfo output;
} KeyColumn;

typedef struct NativeSource
{
	VeloSource source;
	MemoryContext context; /* as long as the source */
	MemoryContext scratch; /* of one call */
	Oid storage;

	int ncolumns; /* user columns to copy; names[FIXED_NAMES + i] */
	Column *columns;
	int nkeys; /* 0: _key is not needed or there is none */
	KeyColumn *keys;
	int event_time; /* in names; 0: the storage has none */
	int tombstone;
	int nnames;
	const char **names;
	Datum topic; /* 0: not needed */

	VeloNativePosition position;
	bool wants_latest; /* seek to latest waits for the first snapshot */
	bool is_ended;
	TimestampTz promise;	/* made before the coming snapshot; DT_NOBEGIN: none */
	TimestampTz seen_limit; /* promises that go with position.seen and .target */
	TimestampTz target_limit;

	char *block; /* memory of the chunk being filled */
	Size block_free;
} NativeSource;

static const VeloOption native_reset = {
	.name = "auto.offset.reset",
	.scopes = VELO_OPTION_SOURCE,
	.types = "native",
	.type = VELO_OPTION_CHOICE,
	.standard = "earliest",
	.choices = "earliest latest",
	.description = "Where a job without a saved position begins to read.",
};
VELO_OPTION(native_reset);

static const VeloOption native_bounded = {
	.name = "bounded",
	.scopes = VELO_OPTION_SOURCE,
	.types = "native",
	.type = VELO_OPTION_BOOL,
	.standard = "false",
	.description = "Stop at the end that the stream had when reading began.",
};
VELO_OPTION(native_bounded);

static const VeloSourceOps native_source;

/* --- opening ---------------------------------------------------------------- */

static void
map_columns(NativeSource *source, Relation view)
{
	const VeloSourceSpec *spec = source->source.spec;
	int max = FIXED_NAMES + spec->user_natts;
	int column = -1;

	source->names = palloc(sizeof(char *) * (max + INDEX_MAX_KEYS + 2));
	source->columns = palloc(sizeof(Column) * Max(spec->user_natts, 1));
	source->names[NAME_TIMESTAMP] = "_timestamp";
	source->names[NAME_XID] = "_xid";
	source->names[NAME_SEQ] = "_seq";
	while ((column = bms_next_member(spec->needed, column)) >= 0 && column < spec->user_natts)
	{
		Form_pg_attribute att = TupleDescAttr(spec->desc, column);
		Column *copied = &source->columns[source->ncolumns];

		copied->target = column;
		copied->length = att->attlen;
		copied->by_value = att->attbyval;
		source->names[FIXED_NAMES +
					  source->ncolumns] = velo_source_native_column(view, source->storage,
																	NameStr(att->attname));
		source->ncolumns++;
	}
	source->nnames = FIXED_NAMES + source->ncolumns;
	/* Storage of derived streams. */
	if (get_attnum(source->storage, "_event_time") != InvalidAttrNumber)
	{
		source->event_time = source->nnames;
		source->names[source->nnames++] = "_event_time";
	}
	if (get_attnum(source->storage, "_tombstone") != InvalidAttrNumber)
	{
		source->tombstone = source->nnames;
		source->names[source->nnames++] = "_tombstone";
	}
}

/* Key parts: the option key.field (names separated by commas), else the stream's own. */
static void
map_keys(NativeSource *source, Relation view, const VeloStream *stream)
{
	const VeloSourceSpec *spec = source->source.spec;
	const char *field = velo_base_option_text(spec->options, "key.field");
	List *names = stream->key_columns;
	ListCell *cell;

	if (field == NULL)
		field = velo_base_option_text(stream->options, "key.field");
	if (names == NIL && field != NULL)
		names = velo_source_native_key_fields(field);
	source->keys = palloc(sizeof(KeyColumn) * Max(list_length(names), 1));
	foreach(cell, names)
	{
		KeyColumn *key = &source->keys[source->nkeys];
		AttrNumber place = get_attnum(RelationGetRelid(view), lfirst(cell));
		Oid output;
		bool is_varlena;

		if (place == InvalidAttrNumber || source->nkeys >= INDEX_MAX_KEYS)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("key column \"%s\" of stream \"%s\" does not exist",
								   (char *) lfirst(cell), RelationGetRelationName(view)),
							errhint("Name the key columns in the option \"key.field\".")));
		getTypeOutputInfo(TupleDescAttr(RelationGetDescr(view), place - 1)->atttypid, &output,
						  &is_varlena);
		fmgr_info_cxt(output, &key->output, source->context);
		key->name = source->nnames;
		source->names[source->nnames++] = velo_source_native_column(view, source->storage,
																	lfirst(cell));
		source->nkeys++;
	}
}

/* Storages of all native sources open in this process; any of them may wake it. */
static List *open_storages = NIL;

static void
watch_storages(void)
{
	int n = list_length(open_storages);
	Oid *storages = palloc(sizeof(Oid) * Max(1, n));
	ListCell *cell;

	foreach(cell, open_storages)
		storages[foreach_current_index(cell)] = lfirst_oid(cell);
	if (n > 0)
		velo_source_wake_register(n, storages);
	else
		velo_source_wake_unregister();
	pfree(storages);
}

static void
watch_storage(Oid storage, bool watch)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	open_storages = watch ? list_append_unique_oid(open_storages, storage)
						  : list_delete_oid(open_storages, storage);
	MemoryContextSwitchTo(old);
	watch_storages();
}

static VeloSource *
native_open(const VeloSourceSpec *spec)
{
	NativeSource *source;
	VeloStream *stream = velo_meta_stream(spec->relation);
	Relation view;

	if (stream == NULL || !OidIsValid(stream->storage))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a native stream", spec->name)));
	velo_source_writers_check_prepared();
	if (stream->is_restored)
		velo_source_native_renew(spec->relation);

	source = palloc0(sizeof(NativeSource));
	source->source.ops = &native_source;
	source->source.spec = spec;
	source->context = CurrentMemoryContext;
	source->scratch = AllocSetContextCreate(source->context, "velo native scan",
											ALLOCSET_DEFAULT_SIZES);
	source->storage = stream->storage;
	source->promise = source->seen_limit = source->target_limit = DT_NOBEGIN;
	source->position.from_time = DT_NOBEGIN;

	view = table_open(spec->relation, AccessShareLock);
	map_columns(source, view);
	if (bms_is_member(spec->user_natts + VELO_KEY, spec->needed))
		map_keys(source, view, stream);
	if (bms_is_member(spec->user_natts + VELO_TOPIC, spec->needed))
		source->topic = CStringGetTextDatum(RelationGetRelationName(view));
	table_close(view, NoLock);
	if (!spec->bounded)
		watch_storage(source->storage, true);
	return &source->source;
}

static int
native_partitions(VeloSource *base)
{
	return 1;
}

static void
native_seek(VeloSource *base, int partition, const char *position, VeloStartFrom from,
			TimestampTz from_time)
{
	NativeSource *source = (NativeSource *) base;

	Assert(partition == 0);
	if (position)
	{
		velo_source_position_read(position, &source->position, source->context);
		return;
	}
	velo_source_snapshot_take_nothing(&source->position.seen);
	source->wants_latest = from == VELO_START_LATEST;
	if (from == VELO_START_TIMESTAMP)
		source->position.from_time = from_time;
	if (source->wants_latest && ActiveSnapshotSet())
	{
		velo_source_snapshot_take(&source->position.seen, GetActiveSnapshot(), false,
								  source->context);
		source->wants_latest = false;
	}
}

/* --- batches ---------------------------------------------------------------- */

static void
native_before_batch(VeloSource *base)
{
	NativeSource *source = (NativeSource *) base;

	source->promise = velo_source_writers_oldest(source->storage);
}

/* The scan's memory is the scratch context, which end_scan empties. */
static VeloNativeScan *
begin_scan(NativeSource *source, VeloNativePosition *position, bool with_rows)
{
	TimestampTz before = position->from_time;
	MemoryContext old = MemoryContextSwitchTo(source->scratch);
	VeloNativeScan *scan;

	/* Under virtual clocks append times say nothing about the order of events. */
	if (!velo_source_writers_are_virtual())
		before = Max(before, source->seen_limit);
	scan = velo_source_native_scan_begin(source->storage, position, before, GetActiveSnapshot(),
										 with_rows ? source->nnames : 0, source->names);
	MemoryContextSwitchTo(old);
	return scan;
}

static void
end_scan(NativeSource *source, VeloNativeScan *scan)
{
	velo_source_native_scan_end(scan);
	MemoryContextReset(source->scratch);
}

static void
finish_difference(NativeSource *source)
{
	VeloNativePosition *position = &source->position;

	velo_source_snapshot_copy(&position->seen, &position->target, source->context);
	position->is_between = false;
	source->seen_limit = source->target_limit;
	if (source->seen_limit >= position->from_time)
		position->from_time = DT_NOBEGIN;
	if (source->source.spec->bounded)
		source->is_ended = true;
}

static bool
native_begin_batch(VeloSource *base)
{
	NativeSource *source = (NativeSource *) base;
	VeloNativePosition *position = &source->position;
	bool bounded = base->spec->bounded;
	TimestampTz promise = source->promise;
	VeloNativeScan *scan;
	bool has_entry;
	MemoryContext old;

	if (source->is_ended)
		return false;
	if (!bounded)
		source->promise = velo_source_writers_oldest(source->storage);
	if (source->wants_latest)
	{
		velo_source_snapshot_take(&position->seen, GetActiveSnapshot(), false, source->context);
		source->wants_latest = false;
	}
	if (!position->is_between)
	{
		velo_source_snapshot_take(&position->target, GetActiveSnapshot(), bounded, source->context);
		source->target_limit = promise;
		position->lower = DT_NOBEGIN;
		position->xid = 0;
		position->seq = 0;
		if (!bounded && velo_source_snapshot_equal(&position->seen, &position->target))
		{
			source->seen_limit = Max(source->seen_limit, promise);
			return false;
		}
		position->is_between = true;
	}

	scan = begin_scan(source, position, false);
	old = MemoryContextSwitchTo(source->scratch);
	has_entry = velo_source_native_scan_has_entry(scan);
	MemoryContextSwitchTo(old);
	end_scan(source, scan);
	if (!has_entry)
		finish_difference(source);
	return has_entry;
}

/* Memory for a value in the chunk being filled; a palloc each would cost more than
 * the copy. */
static char *
allocate(NativeSource *source, MemoryContext context, Size size)
{
	char *memory;

	size = MAXALIGN(size);
	if (size > source->block_free)
	{
		if (size > 1024)
			return MemoryContextAlloc(context, size);
		source->block_free = 8192 - 64;
		source->block = MemoryContextAlloc(context, source->block_free);
	}
	memory = source->block;
	source->block += size;
	source->block_free -= size;
	return memory;
}

static Datum
copy_value(NativeSource *source, MemoryContext context, const Column *column, Datum value)
{
	Size size;
	char *copy;

	if (column->by_value)
		return value;
	size = datumGetSize(value, false, column->length);
	copy = allocate(source, context, size);
	memcpy(copy, DatumGetPointer(value), size);
	return PointerGetDatum(copy);
}

/* One part: its text.  Several: joined by "|", with "|" and "\" in them escaped. */
static Datum
make_key(NativeSource *source, MemoryContext context, const TupleTableSlot *slot,
		 const AttrNumber *places)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	StringInfoData text;
	Datum key;

	initStringInfo(&text);
	for (int i = 0; i < source->nkeys; i++)
	{
		AttrNumber place = places[source->keys[i].name];
		char *part;

		if (i > 0)
			appendStringInfoChar(&text, '|');
		if (slot->tts_isnull[place - 1])
		{
			appendStringInfoString(&text, "null");
			continue;
		}
		part = OutputFunctionCall(&source->keys[i].output, slot->tts_values[place - 1]);
		if (source->nkeys == 1)
			appendStringInfoString(&text, part);
		else
		{
			for (const char *c = part; *c; c++)
			{
				if (*c == '|' || *c == '\\')
					appendStringInfoChar(&text, '\\');
				appendStringInfoChar(&text, *c);
			}
		}
	}
	key = PointerGetDatum(cstring_to_text_with_len(text.data, text.len));
	MemoryContextSwitchTo(old);
	return key;
}

static void
append_row(NativeSource *source, VeloChunk *chunk, TupleTableSlot *slot, const AttrNumber *places,
		   int max_place)
{
	int row = velo_row_append(chunk);
	Datum *values = velo_row_values(chunk, row);
	bool *nulls = velo_row_nulls(chunk, row);
	Datum time;

	slot_getsomeattrs(slot, max_place);
	for (int i = 0; i < source->ncolumns; i++)
	{
		const Column *column = &source->columns[i];
		AttrNumber place = places[FIXED_NAMES + i];

		if (slot->tts_isnull[place - 1])
			continue;
		values[column->target] = copy_value(source, chunk->context, column,
											slot->tts_values[place - 1]);
		nulls[column->target] = false;
	}
	time = slot->tts_values[places[NAME_TIMESTAMP] - 1];
	velo_row_set_system(chunk, row, VELO_TIMESTAMP, time);
	if (source->event_time && !slot->tts_isnull[places[source->event_time] - 1])
		time = slot->tts_values[places[source->event_time] - 1];
	velo_row_set_system(chunk, row, VELO_EVENT_TIME, time);
	if (source->tombstone && !slot->tts_isnull[places[source->tombstone] - 1] &&
		DatumGetBool(slot->tts_values[places[source->tombstone] - 1]))
		*velo_row_flags(chunk, row) |= VELO_ROW_TOMBSTONE;
	velo_row_set_system(chunk, row, VELO_PARTITION, Int32GetDatum(0));
	velo_row_set_system(chunk, row, VELO_OFFSET, slot->tts_values[places[NAME_SEQ] - 1]);
	if (source->topic)
		velo_row_set_system(chunk, row, VELO_TOPIC, source->topic);
	if (source->nkeys > 0)
		velo_row_set_system(chunk, row, VELO_KEY, make_key(source, chunk->context, slot, places));
}

static int
native_poll(VeloSource *base, VeloChunk *chunk, int limit)
{
	NativeSource *source = (NativeSource *) base;
	VeloNativePosition *position = &source->position;
	int before = chunk->nrows;
	bool is_drained = false;
	VeloNativeScan *scan;
	MemoryContext old;

	if (!position->is_between)
		return 0;
	limit = Min(limit, VELO_CHUNK_ROWS);
	source->block_free = 0;
	scan = begin_scan(source, position, true);
	old = MemoryContextSwitchTo(source->scratch);
	while (chunk->nrows < limit)
	{
		TupleTableSlot *slot = velo_source_native_scan_next(scan);
		const AttrNumber *places;
		int max_place;

		if (slot == NULL)
		{
			is_drained = true;
			break;
		}
		places = velo_source_native_scan_places(scan, &max_place);
		if (position->from_time != DT_NOBEGIN)
		{
			bool is_null;
			Datum time = slot_getattr(slot, places[NAME_TIMESTAMP], &is_null);

			if (DatumGetTimestampTz(time) < position->from_time)
				continue;
		}
		append_row(source, chunk, slot, places, max_place);
	}
	MemoryContextSwitchTo(old);
	end_scan(source, scan);
	if (is_drained)
		finish_difference(source);
	VELO_TESTPOINT("native-poll");
	return chunk->nrows - before;
}

static const char *
native_tell(VeloSource *base, int partition)
{
	NativeSource *source = (NativeSource *) base;

	return velo_source_position_write(&source->position);
}

static bool
native_is_ended(VeloSource *base)
{
	return ((NativeSource *) base)->is_ended;
}

static TimestampTz
native_next_due(VeloSource *base)
{
	/* Commits set the latch of whoever registered; see writers.h. */
	return DT_NOEND;
}

static TimestampTz
native_watermark_limit(VeloSource *base)
{
	NativeSource *source = (NativeSource *) base;

	if (source->is_ended)
		return DT_NOEND;
	if (!source->position.is_between)
		return source->seen_limit;
	if (velo_source_writers_are_virtual())
		return source->position.lower;
	return Max(source->seen_limit, source->position.lower);
}

static int64
native_lag(VeloSource *base)
{
	NativeSource *source = (NativeSource *) base;
	VeloNativePosition ahead = source->position;
	VeloNativeScan *scan;
	MemoryContext old;
	int64 n;

	if (source->is_ended)
		return 0;
	/* "seen" is shared with the real position, which is only read here. */
	memset(&ahead.target, 0, sizeof(VeloSnapshot));
	velo_source_snapshot_take(&ahead.target, GetActiveSnapshot(), false, source->context);
	if (!ahead.is_between)
	{
		ahead.is_between = true;
		ahead.lower = DT_NOBEGIN;
		ahead.xid = 0;
	}
	scan = begin_scan(source, &ahead, false);
	old = MemoryContextSwitchTo(source->scratch);
	n = velo_source_native_scan_count(scan, LAG_COUNT_MAX);
	MemoryContextSwitchTo(old);
	end_scan(source, scan);
	pfree(ahead.target.xip);
	if (n == LAG_COUNT_MAX)
	{
		old = MemoryContextSwitchTo(source->scratch);
		n = Max(n, velo_source_native_last_seq(source->storage) - ahead.seq + n);
		MemoryContextSwitchTo(old);
		MemoryContextReset(source->scratch);
	}
	return n;
}

static void
native_close(VeloSource *base)
{
	/* The rest is memory of the caller's context. */
	watch_storage(((NativeSource *) base)->storage, false);
}

static Oid
native_create(const VeloStreamSpec *stream, Oid *storage)
{
	return velo_source_native_create(stream->schema, stream->name, stream->columns, stream->options,
									 stream->is_derived, stream->owner, storage);
}

static const VeloSourceOps native_source = {
	.type = "native",
	.create = native_create,
	.open = native_open,
	.partitions = native_partitions,
	.seek = native_seek,
	.before_batch = native_before_batch,
	.begin_batch = native_begin_batch,
	.poll = native_poll,
	.tell = native_tell,
	.is_ended = native_is_ended,
	.next_due = native_next_due,
	.watermark_limit = native_watermark_limit,
	.lag = native_lag,
	.close = native_close,
};
VELO_SOURCE(native_source);
