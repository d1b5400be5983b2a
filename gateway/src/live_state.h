/*
 * live_state.h
 *	  A running query from the inside: for live_query.c and live_read.c only.
 */
#pragma once

#include <stddef.h>

#include "gateway/src/live_columns.h"
#include "gateway/src/live_helper.h"
#include "gateway/src/live_query.h"

typedef enum QueryState
{
	QUERY_OPENING,
	QUERY_RUNNING,
	QUERY_NAMING,
	QUERY_ENDING
} QueryState;

struct VgLiveQuery
{
	VgWatch watch;
	VgTask turn; /* goes on reading after others had their turn */
	VgJob job;
	QueryState state;
	const VgLiveOwner *owner; /* NULL: gone */
	void *arg;
	VgLiveCaller caller;
	json_t *params;
	bool is_paused;
	bool is_cancelled;

	char *sql;	/* the user's */
	int before; /* characters of the statement that stand before it */
	char *statement;
	PGconn *conn;
	bool is_lost; /* the connection has ended */
	bool is_flushed;
	size_t unparsed; /* bytes read, at most, since the last row */

	PGresult *held; /* the first row, while names are asked for */
	VgLiveColumns columns;
	bool has_columns; /* of the result that is being read */
	VgText rows;	  /* the frame being made; empty: none */
	int frame_rows;
	int frames; /* of this turn */

	int64_t row_count;
	int64_t started_ms;
	VcError error;
};

#define QUERY_OF(pointer, member)                                                                  \
	((VgLiveQuery *) ((char *) (pointer) - offsetof(VgLiveQuery, member)))

/* Begins to read the answers to the statement that was sent.  In RUNNING, as all below. */
extern void vg_live_read_first(VgLiveQuery *query);

/* Reads until nothing more is there, the owner is full, or others must have their turn;
 * the query may be gone afterwards. */
extern void vg_live_read_on(VgLiveQuery *query);

/* Sends the rows that were read, if there are any. */
extern void vg_live_send_rows(VgLiveQuery *query);

/* Ends it: what was read is sent, then PostgreSQL is told on a helper's thread. */
extern void vg_live_stop(VgLiveQuery *query);

/* The same when PostgreSQL has nothing more to say; the query is gone afterwards. */
extern void vg_live_finish(VgLiveQuery *query);

/* libpq's notice receiver; arg is the query. */
extern void vg_live_take_notice(void *arg, const PGresult *notice);
