/*
 * live_query.h
 *	  One running query: from its text to the frames of its rows.  Event thread.
 */
#pragma once

#include "gateway/src/live_connection.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A frame of rows is sent when it has one of these, or when nothing more waits. */
#define VG_LIVE_FRAME_ROWS 500
#define VG_LIVE_FRAME_BYTES (64 * 1024)

/* A longer row ends the query with an error: it would have to be in memory whole. */
#define VG_LIVE_ROW_BYTES_MAX (1024 * 1024)

typedef struct VgLiveQuery VgLiveQuery;

/* Where its frames go. */
typedef struct VgLiveOwner
{
	/* A frame of the protocol, JSON. */
	void (*send)(void *arg, const char *text, size_t length);
	/* Must it wait before it reads more?  When that changes: vg_live_query_continue(). */
	bool (*is_full)(void *arg);
	/* The last frame ("complete", "error") follows; the query must not be used any more. */
	void (*over)(void *arg);
} VgLiveOwner;

/*
 * Starts a query; frames come later.  The caller is copied and its user held; params (or
 * NULL) becomes the query's.
 */
extern VgLiveQuery *vg_live_query_start(const VgLiveCaller *caller, const char *sql, json_t *params,
										const VgLiveOwner *owner, void *arg);

/* While paused nothing is read from PostgreSQL. */
extern void vg_live_query_pause(VgLiveQuery *query, bool is_paused);

/* The owner's queue is no longer full. */
extern void vg_live_query_continue(VgLiveQuery *query);

/* The client wants no more: what was read is sent, PostgreSQL is cancelled, "complete". */
extern void vg_live_query_cancel(VgLiveQuery *query);

/* The owner is going: PostgreSQL is cancelled, and the owner is not called any more. */
extern void vg_live_query_abandon(VgLiveQuery *query);

/* Queries whose connections are not closed yet, of all sockets.  Any thread. */
extern int64_t vg_live_query_count(void);
