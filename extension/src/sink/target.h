/*
 * target.h
 *	  Tables that rows can be written to around the planner.
 *
 * insert.c and update.c write directly and serve constraints, defaults, indexes and
 * statement triggers.  What they do not serve (row triggers, row-level security,
 * rules, generated columns, casts) goes through a statement (statement.h).
 */
#pragma once

#include <access/tupdesc.h>
#include <nodes/execnodes.h>
#include <utils/relcache.h>

/* 0-based number of the table's column of that name, or -1. */
extern int velo_sink_target_column(TupleDesc table, const char *name);

/* Can columns of desc, which the table's columns of the same names take, go in directly? */
extern bool velo_sink_target_is_plain(Relation table, TupleDesc desc);

/* Raises 42501 unless the current role may insert desc's columns. */
extern void velo_sink_target_check_insert(Oid table, TupleDesc desc);
/* May it insert and select all of them, and update those that are not keys? */
extern bool velo_sink_target_may_upsert(Oid table, TupleDesc desc, const AttrNumber *keys,
										int nkeys);

/* An executor's state for one table with its indexes open, and its end. */
extern EState *velo_sink_target_begin(Relation table, CmdType command, ResultRelInfo **result);
extern void velo_sink_target_end(EState *estate);
