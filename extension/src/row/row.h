/*
 * row.h
 *	  Rows on their way through a pipeline.
 *
 * A row is an array of Datums: the user's columns first, then the system
 * columns of the dialect in a fixed order.  Rows travel in chunks of up to
 * VELO_CHUNK_ROWS; inside a chunk rows are contiguous, so that a TupleTableSlot
 * can be pointed at one without copying a Datum.
 *
 * Values passed by reference live in the chunk's own context and die when the
 * chunk is reset; whoever keeps one copies it.
 */
#pragma once

#include <access/tupdesc.h>
#include <executor/tuptable.h>
#include <nodes/bitmapset.h>

#define VELO_CHUNK_ROWS 1024

/* System columns, in the order in which they follow the user's columns. */
typedef enum VeloSystemColumn
{
	VELO_TIMESTAMP, /* append time */
	VELO_EVENT_TIME,
	VELO_WINDOW_START,
	VELO_WINDOW_END,
	VELO_KEY,
	VELO_TOPIC,
	VELO_PARTITION,
	VELO_OFFSET,
	VELO_HEADERS,
	VELO_SYSTEM_COLUMNS /* how many there are */
} VeloSystemColumn;

typedef struct VeloSystemColumnInfo
{
	const char *name; /* "_timestamp" */
	Oid type;
	const char *description;
} VeloSystemColumnInfo;

extern const VeloSystemColumnInfo velo_system_columns[VELO_SYSTEM_COLUMNS];

/* The system column of that name (any case), or -1. */
extern int velo_row_system_column(const char *name);

/* A descriptor with the system columns behind those of "user". */
extern TupleDesc velo_row_desc_with_system(TupleDesc user);

#define VELO_ROW_TOMBSTONE 0x01

typedef struct VeloChunk
{
	TupleDesc desc;
	int natts;		/* user and system columns */
	int user_natts; /* without the system columns; natts if it has none */
	int nrows;
	Datum *values; /* the row at place p starts at values + p * natts */
	bool *nulls;
	uint8 *flags;		   /* by place: VELO_ROW_… */
	uint16 *place;		   /* where row i stands; dropping rows only permutes this */
	MemoryContext context; /* owns by-reference values; emptied by reset */
} VeloChunk;

/* desc must live as long as the chunk; user_natts < desc->natts if system columns follow. */
extern VeloChunk *velo_row_chunk_create(TupleDesc desc, int user_natts, MemoryContext parent);
extern void velo_row_chunk_reset(VeloChunk *chunk);
extern void velo_row_chunk_free(VeloChunk *chunk);

static inline Datum *
velo_row_values(const VeloChunk *chunk, int row)
{
	return chunk->values + (Size) chunk->place[row] * chunk->natts;
}

static inline bool *
velo_row_nulls(const VeloChunk *chunk, int row)
{
	return chunk->nulls + (Size) chunk->place[row] * chunk->natts;
}

static inline uint8 *
velo_row_flags(const VeloChunk *chunk, int row)
{
	return &chunk->flags[chunk->place[row]];
}

/* While rows are being dropped: row "from" becomes row "to" (to <= from). */
static inline void
velo_row_keep(VeloChunk *chunk, int to, int from)
{
	uint16 place = chunk->place[to];

	chunk->place[to] = chunk->place[from];
	chunk->place[from] = place;
}

/* Brings back all rows that were dropped since there were "nrows". */
extern void velo_row_restore(VeloChunk *chunk, int nrows);

static inline bool
velo_row_is_full(const VeloChunk *chunk)
{
	return chunk->nrows >= VELO_CHUNK_ROWS;
}

/* Points a virtual slot of the same descriptor at a row; nothing is copied. */
static inline void
velo_row_to_slot(const VeloChunk *chunk, int row, TupleTableSlot *slot)
{
	slot->tts_values = velo_row_values(chunk, row);
	slot->tts_isnull = velo_row_nulls(chunk, row);
	slot->tts_nvalid = chunk->natts;
	slot->tts_flags &= ~TTS_FLAG_EMPTY;
}

/* Appends an all-NULL row and returns its number; the chunk must not be full. */
extern int velo_row_append(VeloChunk *chunk);

/* Drops the rows that are tombstones. */
extern void velo_row_drop_tombstones(VeloChunk *chunk);

/* Of a tombstone only its key counts, and its time and headers: sets other columns to NULL. */
extern void velo_row_bare(VeloChunk *chunk, int row, int nkeys, const AttrNumber *keys);

/* Size of the user's values of all rows, as they are stored; NULLs count nothing. */
extern int64 velo_row_bytes(const VeloChunk *chunk);

/* Sets a system column of a row. */
static inline void
velo_row_set_system(VeloChunk *chunk, int row, VeloSystemColumn column, Datum value)
{
	velo_row_values(chunk, row)[chunk->user_natts + column] = value;
	velo_row_nulls(chunk, row)[chunk->user_natts + column] = false;
}
