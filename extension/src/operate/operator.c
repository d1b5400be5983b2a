/*
 * operator.c
 *	  What operators have in common.
 */
#include "postgres.h"

#include "operate/operator.h"

#include <executor/executor.h>
#include <utils/memutils.h>

#include "base/try.h"

void
velo_operate_forward_watermark(VeloOperator *self, TimestampTz watermark)
{
	if (self->next)
		self->next->ops->watermark(self->next, watermark);
}

void
velo_operate_forward_drain(VeloOperator *self)
{
	if (self->next)
		self->next->ops->drain(self->next);
}

void
velo_operate_forward_flush(VeloOperator *self, bool at_end)
{
	if (self->next)
		self->next->ops->flush(self->next, at_end);
}

void
velo_operate_nothing(VeloOperator *self)
{
}

VeloRowContext
velo_operate_row_context(VeloOperate *operate, TupleDesc desc)
{
	MemoryContext old = MemoryContextSwitchTo(operate->estate->es_query_cxt);
	VeloRowContext context;

	context.slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	context.econtext = CreateExprContext(operate->estate);
	context.econtext->ecxt_scantuple = context.slot;
	MemoryContextSwitchTo(old);
	return context;
}

bool
velo_operate_is_data_error(int sqlstate)
{
	return velo_base_is_data_error(sqlstate);
}

ErrorData *
velo_operate_try(void (*function)(void *), void *arg)
{
	return velo_base_try(function, arg, velo_base_is_data_error);
}
