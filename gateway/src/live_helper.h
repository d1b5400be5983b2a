/*
 * live_helper.h
 *	  Threads for what would block the event thread.
 */
#pragma once

#include "gateway/src/live_loop.h"

#include <stdbool.h>

/* Something to do elsewhere; lives inside of what it is about. */
typedef struct VgJob
{
	void (*work)(struct VgJob *job); /* on a helper's thread */
	VgTask done;					 /* then this is run on the event thread */
	struct VgJob *next;				 /* the helpers', while queued */
} VgJob;

/* Ending has threads of its own: it must not wait behind a server that does not answer. */
typedef enum VgLine
{
	VG_LINE_ASK, /* connect, ask for names */
	VG_LINE_END, /* cancel, disconnect */
	VG_LINES
} VgLine;

/* False: the system has no threads for us. */
extern bool vg_helper_start(void);

/* Works off what is queued and ends the threads; the loop must still run. */
extern void vg_helper_stop(void);

/* Queues a job; never fails, allocates nothing.  Its number is bounded by that of live
 * queries, of which each has at most one. */
extern void vg_helper_ask(VgLine line, VgJob *job);
