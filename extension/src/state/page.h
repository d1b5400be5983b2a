/*
 * page.h
 *	  Packing of records into the rows of state tables, and back.
 *
 * A row's "data" is a header followed by fragments.  A record that does not fit
 * into what is left of a row goes on in the next one, as its next fragment:
 *
 *	header		checksum of all that follows, format, PostgreSQL major version,
 *				number of fragments, hash of the layout, number of the first
 *				fragment
 *	fragment	tag (kind, flags), length of its bytes (2), the cell (8, left out
 *				when it is that of the fragment before), bytes
 *
 * Fragments are numbered through all rows without a gap; a record has the number
 * of its first fragment.  Numbers give the order of writing, whatever the order
 * of rows in the table, and let a reader notice a row that is missing.
 */
#pragma once

#include "state/store.h"

#include <lib/stringinfo.h>

/*
 * Largest "data" of a row.  A row of that size fills its table page: what is left
 * is for the page's and the row's headers and the other columns.
 */
#define VELO_PAGE_BYTES (BLCKSZ - 96)

typedef void (*VeloPageWrite)(void *arg, uint64 first, bytea *data);

typedef struct VeloPageWriter
{
	VeloPageWrite write; /* called with each full row */
	void *arg;
	uint32 layout;
	uint64 next;	  /* number of the next fragment */
	uint64 first;	  /* number of the buffer's first fragment */
	uint16 fragments; /* in the buffer */
	uint64 cell;	  /* of the last fragment, if there is one */
	Size used;		  /* bytes in the buffer, with its headers */
	bytea *buffer;
} VeloPageWriter;

extern void velo_state_page_begin(VeloPageWriter *writer, uint32 layout, uint64 next,
								  VeloPageWrite write, void *arg);
/* Adds a record and returns its number. */
extern uint64 velo_state_page_add(VeloPageWriter *writer, VeloRecordKind kind, uint64 cell,
								  const char *data, Size length);
/* Hands out what is buffered, if anything. */
extern void velo_state_page_finish(VeloPageWriter *writer);
/* Hands out a row even if nothing is in it. */
extern void velo_state_page_write(VeloPageWriter *writer);

/* data is maxaligned and dies when the callback returns. */
typedef void (*VeloPageRecord)(void *arg, VeloRecordKind kind, uint64 cell, uint64 number,
							   const char *data, Size length);

typedef struct VeloPageReader
{
	VeloPageRecord record; /* NULL: only check and count */
	void *arg;
	const char *table; /* for messages */
	uint32 layout;
	bool is_started;
	uint64 next;		 /* number the next fragment must have */
	bool is_open;		 /* the last fragment's record goes on */
	VeloRecordKind kind; /* of the record being put together */
	uint64 cell;
	uint64 number;
	StringInfoData bytes;
} VeloPageReader;

extern void velo_state_page_open(VeloPageReader *reader, const char *table, uint32 layout,
								 VeloPageRecord record, void *arg);
/* Reads one row; rows come in the order of their numbers. */
extern void velo_state_page_read(VeloPageReader *reader, const bytea *data);
/* Checks that nothing is missing at the end, and releases. */
extern void velo_state_page_close(VeloPageReader *reader);
