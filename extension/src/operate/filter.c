/*
 * filter.c
 *	  Drops the rows for which a condition is not true.
 */
#include "postgres.h"

#include "operate/operator.h"

#include <executor/executor.h>
#include <nodes/makefuncs.h>

typedef struct Filter
{
	VeloOperator base;
	ExprState *condition;
	VeloRowContext row;
} Filter;

static void
filter_push(VeloOperator *self, VeloChunk *chunk)
{
	Filter *filter = (Filter *) self;
	int kept = 0;

	self->rows_in += chunk->nrows;
	for (int i = 0; i < chunk->nrows; i++)
	{
		bool passes;

		velo_row_to_slot(chunk, i, filter->row.slot);
		/* What a tombstone takes back may have passed when it came. */
		passes = (*velo_row_flags(chunk, i) & VELO_ROW_TOMBSTONE) != 0 ||
				 ExecQual(filter->condition, filter->row.econtext);
		ResetExprContext(filter->row.econtext);
		if (!passes)
			continue;
		velo_row_keep(chunk, kept++, i);
	}
	chunk->nrows = kept;
	velo_operate_push_next(self, chunk);
}

static const VeloOperatorOps filter_ops = {
	.name = "filter",
	.push = filter_push,
	.watermark = velo_operate_forward_watermark,
	.drain = velo_operate_forward_drain,
	.flush = velo_operate_forward_flush,
	.save = velo_operate_nothing,
	.undo = velo_operate_nothing,
	.close = velo_operate_nothing,
};

VeloOperator *
velo_operate_filter(VeloOperate *operate, List *condition)
{
	Filter *filter = palloc0(sizeof(Filter));

	filter->base.ops = &filter_ops;
	filter->base.operate = operate;
	filter->row = velo_operate_row_context(operate, operate->plan->source.desc);
	filter->condition = ExecInitQual(condition, NULL);
	return &filter->base;
}
