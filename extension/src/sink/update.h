/*
 * update.h
 *	  Updating rows in place by their key, around the planner.
 */
#pragma once

#include "sink/sink.h"

#include <utils/relcache.h>

typedef struct VeloUpdate VeloUpdate;

/* As velo_sink_keys_create: column i of the unique index is key order[i]. */
extern VeloUpdate *velo_sink_update_create(const VeloSinkSpec *spec, Relation index,
										   const int *order);
extern bool velo_sink_update_is_possible(VeloUpdate *update);

/*
 * Updates the rows that are there.  Those that are not, and those that somebody
 * else is changing, are left: their numbers are what rows holds afterwards, and
 * how many is returned.  No key may occur twice.  Works in the current context,
 * which the caller resets.
 */
extern int velo_sink_update_rows(VeloUpdate *update, const VeloChunk *chunk, int *rows, int nrows);
