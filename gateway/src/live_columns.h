/*
 * live_columns.h
 *	  The columns of a live query's result.
 */
#pragma once

#include "gateway/src/live_rows.h"
#include "gateway/src/memory.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* All zero: none yet.  Arrays have count entries. */
typedef struct VgLiveColumns
{
	int count;
	Oid *types;
	int *modifiers;
	char **names; /* of types; a NULL entry: to be asked for; owned */
	VgEncoding *encodings;
} VgLiveColumns;

/* Replaces what is there by the columns of a result.  True: all names are known; else
 * vg_live_type_names() fills them.  Event thread, which has a cache of names. */
extern bool vg_live_columns_set(VgLiveColumns *columns, const PGresult *result);

/* Keeps names that were asked for.  Event thread. */
extern void vg_live_columns_keep(const VgLiveColumns *columns);

/* Appends the frame {"type":"columns",…}; result: as for set. */
extern void vg_live_columns_frame(VgText *out, const VgLiveColumns *columns,
								  const PGresult *result);

extern void vg_live_columns_clear(VgLiveColumns *columns);
