/*
 * project.c
 *	  The select list of a query without aggregates.
 */
#include "postgres.h"

#include "operate/operator.h"

#include <executor/executor.h>

typedef struct Project
{
	VeloOperator base;
	ProjectionInfo *projection;
	TupleTableSlot *result;
	VeloRowContext row;
	VeloChunk *out;
} Project;

static void
project_push(VeloOperator *self, VeloChunk *chunk)
{
	Project *project = (Project *) self;

	self->rows_in += chunk->nrows;
	velo_row_chunk_reset(project->out);
	/* Results live as long as the output chunk, not the row. */
	project->row.econtext->ecxt_per_tuple_memory = project->out->context;
	for (int i = 0; i < chunk->nrows; i++)
	{
		int row = velo_row_append(project->out);

		velo_row_to_slot(chunk, i, project->row.slot);
		velo_row_to_slot(project->out, row, project->result);
		ExecProject(project->projection);
		if (*velo_row_flags(chunk, i) & VELO_ROW_TOMBSTONE)
		{
			*velo_row_flags(project->out, row) |= VELO_ROW_TOMBSTONE;
			velo_row_bare(project->out, row, self->operate->plan->nkeys, self->operate->plan->keys);
		}
	}
	velo_operate_push_next(self, project->out);
}

static const VeloOperatorOps project_ops = {
	.name = "project",
	.push = project_push,
	.watermark = velo_operate_forward_watermark,
	.drain = velo_operate_forward_drain,
	.flush = velo_operate_forward_flush,
	.save = velo_operate_nothing,
	.undo = velo_operate_nothing,
	.close = velo_operate_nothing,
};

VeloOperator *
velo_operate_project(VeloOperate *operate)
{
	Project *project = palloc0(sizeof(Project));
	const VeloPlan *plan = operate->plan;

	project->base.ops = &project_ops;
	project->base.operate = operate;
	project->row = velo_operate_row_context(operate, plan->source.desc);
	project->out = velo_row_chunk_create(plan->output, plan->output->natts, operate->context);
	project->result = MakeSingleTupleTableSlot(plan->output, &TTSOpsVirtual);
	project->projection = ExecBuildProjectionInfo(plan->project, project->row.econtext,
												  project->result, NULL, NULL);
	return &project->base;
}
