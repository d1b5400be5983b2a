/*
 * insert.h
 *	  Appending rows to a table around the planner, as COPY does.
 *
 * The caller checks permissions, and asks velo_sink_insert_is_possible first.
 */
#pragma once

#include "row/row.h"

#include <utils/relcache.h>

typedef struct VeloInsert VeloInsert;

/* desc's columns are the table's of the same names; in the current context. */
extern VeloInsert *velo_sink_insert_create(Oid relation, TupleDesc desc);

/*
 * Can rows go this way now?  with_partitions: also into a partitioned table, whose
 * partitions must be known to be ordinary tables without row triggers.
 */
extern bool velo_sink_insert_is_possible(VeloInsert *insert, bool with_partitions);

/* rows NULL: all rows of the chunk.  Works in the current context, which the caller resets. */
extern void velo_sink_insert_rows(VeloInsert *insert, const VeloChunk *chunk, const int *rows,
								  int nrows);
