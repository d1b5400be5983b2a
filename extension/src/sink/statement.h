/*
 * statement.h
 *	  A statement run over rows of a chunk.
 *
 * In its text the rows are a table named VELO_STATEMENT_ROWS with the columns of
 * the descriptor.  The plan is kept over commits and made anew when what it
 * depends on changes.
 */
#pragma once

#include "row/row.h"

#define VELO_STATEMENT_ROWS "velo_rows"

typedef struct VeloStatement VeloStatement;

/*
 * desc lives as long as the statement, which lives in the current context.  With
 * by_index the plan never reads a whole table to find rows: the plan is kept, and
 * a table that is small today may be large tomorrow.
 */
extern VeloStatement *velo_sink_statement_create(const char *sql, TupleDesc desc, bool by_index);
/* Runs it with the rights of the current role; rows NULL: all rows of the chunk. */
extern void velo_sink_statement_run(VeloStatement *statement, const VeloChunk *chunk,
									const int *rows, int nrows);
extern void velo_sink_statement_free(VeloStatement *statement);
