/*
 * keys.h
 *	  Rows of one chunk with the same key: the last one wins.
 */
#pragma once

#include "sink/sink.h"

#include <utils/relcache.h>

typedef struct VeloKeys VeloKeys;

/*
 * For the key columns of the spec, in the current context.  Equality is that of
 * "index", which enforces the key; column i of the index is key order[i].
 * InvalidOid: equality of the types themselves.
 */
extern VeloKeys *velo_sink_keys_create(const VeloSinkSpec *spec, Relation index, const int *order);

/*
 * Writes the numbers of the rows that count into rows (VELO_CHUNK_ROWS long), in
 * their order, and returns how many.  NULL keys are equal.
 */
extern int velo_sink_keys_coalesce(VeloKeys *keys, const VeloChunk *chunk, int *rows);
