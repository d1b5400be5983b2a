/*
 * operator.h
 *	  Contract of an operator: what is done to rows between source and sink.
 *
 * Operators form a chain; each pushes its results to the next.
 *
 *	push		takes rows.  The chunk belongs to the caller; the operator may
 *				change it (drop rows, set system columns) but keeps nothing of it.
 *	watermark	no row with an earlier time is expected any more: emit what that
 *				completes, then tell the next.
 *	drain		no push is under way: rows that were kept back because of its
 *				subtransaction may go on to the sink.
 *	flush		the batch is over (at_end: and all input with it): emit what waits
 *				for that, then tell the next.
 *	save		write changed state to the store; after flush, before the commit.
 *	undo		careful mode only: the single row pushed last failed and its
 *				subtransaction has been rolled back; restore what it changed.
 *	close		release what memory contexts do not.
 *
 * Errors.  push runs in a subtransaction of its own.  If it raises a data error
 * before "touched" was set, nothing has changed and the rows are pushed again one
 * by one.  Once "touched" is set state may be half changed: the whole batch is
 * given up, state is reloaded from the last commit, and the batch runs again in
 * careful mode, where rows come one by one and can be undone.
 */
#pragma once

#include <datatype/timestamp.h>
#include <nodes/execnodes.h>

#include "plan/plan.h"
#include "row/row.h"
#include "sink/sink.h"
#include "state/store.h"

/* A record or an output row that failed. */
typedef struct VeloFailure
{
	const char *operator_name;
	ErrorData *error;
	const VeloChunk *chunk; /* the row, or NULL */
	int row;
	const char *record;		  /* JSON of what there is instead of a row, or NULL */
	const VeloRawRecord *raw; /* as it came from an outside system, or NULL */
} VeloFailure;

typedef struct VeloOperator VeloOperator;

/* What the operators of a pipeline share; owned by the pipeline. */
typedef struct VeloOperate
{
	const VeloPlan *plan;
	MemoryContext context; /* lives as long as the pipeline */
	EState *estate;		   /* lives as long as the pipeline; no relation, no snapshot */
	VeloStore *store;	   /* NULL: state is not kept (push queries, bounded runs) */
	TimestampTz watermark; /* DT_NOBEGIN: none yet */
	Size state_bytes_max;
	Size state_bytes; /* as of the last flush */
	bool touched;	  /* state changed since the push began */
	bool careful;
	uint64 careful_row; /* number of the row being pushed in careful mode */
	bool wants_flush;	/* end the batch early: memory */
	int64 records_late;
	int64 records_out;	  /* since the last commit */
	int64 records_before; /* written by earlier lives of the job; for LIMIT */
	bool limit_reached;

	/* Decides what becomes of a failed record; raises if the batch shall fail. */
	void (*on_failure)(struct VeloOperate *operate, const VeloFailure *failure);
	/* A record behind the watermark, before it is dropped. */
	void (*on_late)(struct VeloOperate *operate, const VeloChunk *chunk, int row);
	void *driver; /* of the callbacks */
} VeloOperate;

typedef struct VeloOperatorOps
{
	const char *name;
	void (*push)(VeloOperator *self, VeloChunk *chunk);
	void (*watermark)(VeloOperator *self, TimestampTz watermark);
	void (*drain)(VeloOperator *self);
	void (*flush)(VeloOperator *self, bool at_end);
	void (*save)(VeloOperator *self);
	void (*undo)(VeloOperator *self);
	void (*close)(VeloOperator *self);
} VeloOperatorOps;

/* First member of every operator. */
struct VeloOperator
{
	const VeloOperatorOps *ops;
	VeloOperator *next; /* NULL: the last one */
	VeloOperate *operate;
	int64 rows_in;
	int64 rows_out;
};

/* Forwarding, for operators that do not care. */
extern void velo_operate_forward_watermark(VeloOperator *self, TimestampTz watermark);
extern void velo_operate_forward_drain(VeloOperator *self);
extern void velo_operate_forward_flush(VeloOperator *self, bool at_end);
extern void velo_operate_nothing(VeloOperator *self);

static inline void
velo_operate_push_next(VeloOperator *self, VeloChunk *chunk)
{
	if (chunk->nrows > 0)
	{
		self->rows_out += chunk->nrows;
		self->next->ops->push(self->next, chunk);
	}
}

/*
 * Runs a function in a subtransaction.  Returns NULL if it came to its end;
 * after a data error (one that belongs to a record: class 22, 23, 21, P0, 38, 39,
 * 2F) everything it did in the database is rolled back and the error is
 * returned.  Any other error is raised.
 */
extern ErrorData *velo_operate_try(void (*function)(void *), void *arg);
extern bool velo_operate_is_data_error(int sqlstate);

/* The operators.  Each takes its description from operate->plan. */
extern VeloOperator *velo_operate_filter(VeloOperate *operate, List *condition);
extern VeloOperator *velo_operate_window(VeloOperate *operate);
extern VeloOperator *velo_operate_project(VeloOperate *operate);
extern VeloOperator *velo_operate_aggregate(VeloOperate *operate);
extern VeloOperator *velo_operate_deliver(VeloOperate *operate, VeloSink *sink);

/* Is a window that ends there closed for good: no late record can change it any more? */
extern bool velo_operate_is_past(const VeloPlan *plan, TimestampTz end, TimestampTz watermark);

/* Where a window ends that starts there. */
extern TimestampTz velo_operate_window_end(const VeloWindow *window, TimestampTz start);

/* A slot and an expression context over rows of a descriptor. */
typedef struct VeloRowContext
{
	TupleTableSlot *slot;
	ExprContext *econtext;
} VeloRowContext;

extern VeloRowContext velo_operate_row_context(VeloOperate *operate, TupleDesc desc);
