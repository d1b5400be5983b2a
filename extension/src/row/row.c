/*
 * row.c
 *	  Chunks of rows and the system columns.
 */
#include "postgres.h"

#include "row/row.h"

#include <catalog/pg_type.h>
#include <utils/datum.h>
#include <utils/memutils.h>

const VeloSystemColumnInfo velo_system_columns[VELO_SYSTEM_COLUMNS] = {
	[VELO_TIMESTAMP] = {"_timestamp", TIMESTAMPTZOID, "append time, or the broker's message time"},
	[VELO_EVENT_TIME] = {"_event_time", TIMESTAMPTZOID, "event time; append time where unknown"},
	[VELO_WINDOW_START] = {"_window_start", TIMESTAMPTZOID, "start of the row's window, inclusive"},
	[VELO_WINDOW_END] = {"_window_end", TIMESTAMPTZOID, "end of the row's window, exclusive"},
	[VELO_KEY] = {"_key", TEXTOID, "message key"},
	[VELO_TOPIC] = {"_topic", TEXTOID, "topic, or the name of a native stream"},
	[VELO_PARTITION] = {"_partition", INT4OID, "source partition"},
	[VELO_OFFSET] = {"_offset", INT8OID, "position in the partition"},
	[VELO_HEADERS] = {"_headers", JSONBOID, "message headers"},
};

int
velo_row_system_column(const char *name)
{
	if (name[0] != '_')
		return -1;
	for (int i = 0; i < VELO_SYSTEM_COLUMNS; i++)
		if (pg_strcasecmp(name, velo_system_columns[i].name) == 0)
			return i;
	return -1;
}

TupleDesc
velo_row_desc_with_system(TupleDesc user)
{
	TupleDesc desc = CreateTemplateTupleDesc(user->natts + VELO_SYSTEM_COLUMNS);

	for (int i = 1; i <= user->natts; i++)
		TupleDescCopyEntry(desc, i, user, i);
	for (int i = 0; i < VELO_SYSTEM_COLUMNS; i++)
		TupleDescInitEntry(desc, user->natts + i + 1, velo_system_columns[i].name,
						   velo_system_columns[i].type, -1, 0);
	return desc;
}

VeloChunk *
velo_row_chunk_create(TupleDesc desc, int user_natts, MemoryContext parent)
{
	MemoryContext old = MemoryContextSwitchTo(parent);
	VeloChunk *chunk = palloc0(sizeof(VeloChunk));

	chunk->desc = desc;
	chunk->natts = desc->natts;
	chunk->user_natts = user_natts;
	chunk->values = palloc(sizeof(Datum) * desc->natts * VELO_CHUNK_ROWS);
	chunk->nulls = palloc(sizeof(bool) * desc->natts * VELO_CHUNK_ROWS);
	chunk->flags = palloc(VELO_CHUNK_ROWS);
	chunk->place = palloc(sizeof(uint16) * VELO_CHUNK_ROWS);
	chunk->context = AllocSetContextCreate(parent, "velo chunk", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(old);
	return chunk;
}

void
velo_row_chunk_reset(VeloChunk *chunk)
{
	chunk->nrows = 0;
	MemoryContextReset(chunk->context);
}

void
velo_row_chunk_free(VeloChunk *chunk)
{
	MemoryContextDelete(chunk->context);
	pfree(chunk->values);
	pfree(chunk->nulls);
	pfree(chunk->flags);
	pfree(chunk->place);
	pfree(chunk);
}

int
velo_row_append(VeloChunk *chunk)
{
	int row = chunk->nrows++;

	Assert(row < VELO_CHUNK_ROWS);
	chunk->place[row] = row;
	memset(velo_row_nulls(chunk, row), true, chunk->natts);
	memset(velo_row_values(chunk, row), 0, sizeof(Datum) * chunk->natts);
	*velo_row_flags(chunk, row) = 0;
	return row;
}

void
velo_row_restore(VeloChunk *chunk, int nrows)
{
	chunk->nrows = nrows;
	for (int i = 0; i < nrows; i++)
		chunk->place[i] = i;
}

int64
velo_row_bytes(const VeloChunk *chunk)
{
	int64 bytes = 0;

	for (int column = 0; column < chunk->user_natts; column++)
	{
		Form_pg_attribute att = TupleDescAttr(chunk->desc, column);

		for (int i = 0; i < chunk->nrows; i++)
		{
			if (velo_row_nulls(chunk, i)[column])
				continue;
			bytes += att->attlen > 0
						 ? att->attlen
						 : datumGetSize(velo_row_values(chunk, i)[column], false, att->attlen);
		}
	}
	return bytes;
}

void
velo_row_drop_tombstones(VeloChunk *chunk)
{
	int kept = 0;

	for (int i = 0; i < chunk->nrows; i++)
		if (!(*velo_row_flags(chunk, i) & VELO_ROW_TOMBSTONE))
			velo_row_keep(chunk, kept++, i);
	chunk->nrows = kept;
}

void
velo_row_bare(VeloChunk *chunk, int row, int nkeys, const AttrNumber *keys)
{
	bool *nulls = velo_row_nulls(chunk, row);

	for (int i = 0; i < chunk->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(chunk->desc, i)->attname);
		bool is_key = strcmp(name, velo_system_columns[VELO_EVENT_TIME].name) == 0 ||
					  strcmp(name, velo_system_columns[VELO_HEADERS].name) == 0;

		for (int k = 0; k < nkeys; k++)
			is_key = is_key || keys[k] == i + 1;
		if (!is_key)
			nulls[i] = true;
	}
}
