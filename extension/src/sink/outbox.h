/*
 * outbox.h
 *	  Output of a task that PostgreSQL has committed and another system may not have yet.
 *
 * One row in velo.outbox says how far the task's output has got, the table
 * velo_state.outbox_<job>_<task> holds the output itself until it is known to have
 * arrived.  Output is numbered by "sequence": 1 for the first batch that had any.
 *
 * All calls stand inside a transaction.  After an abort the outbox is thrown away and
 * opened anew.
 */
#pragma once

#include <lib/stringinfo.h>
#include <nodes/pg_list.h>

typedef struct VeloOutbox
{
	int job_id;
	int task;
	Oid table;
	char *writer;	/* the task's name for other systems: a transactional id */
	char *identity; /* of this row, so that a later one of the same job is another */
	int64 generation;
	int64 sequence;		  /* of the last output committed here */
	int64 sent;			  /* known to have arrived, when the row was written */
	int64 control_offset; /* where that was noted in the other system, or -1 */
	Size bytes;			  /* in the table */
} VeloOutbox;

/*
 * The task's outbox in the current memory context; makes it if there is none.  One of an
 * older generation, or one that came here with a copied database, starts over, empty.
 */
extern VeloOutbox *velo_sink_outbox_open(int job_id, int task, int64 generation);

/*
 * Adds the output of sequence + 1: texts (StringInfo) one behind the other, cut into rows.
 * sent and control_offset are written along.  Makes the commit wait for the disk.
 */
extern void velo_sink_outbox_append(VeloOutbox *outbox, List *pages);

/* The output of a sequence, as it was given to append; raises XX001 if it is not all there. */
extern StringInfo velo_sink_outbox_read(VeloOutbox *outbox, int64 sequence);

/* Removes a task's outbox, if there is one; called inside a velo_meta scope. */
extern void velo_sink_outbox_drop(int job_id, int task);
