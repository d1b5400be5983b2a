/*
 * operator.c
 *	  What operators have in common.
 */
#include "postgres.h"

#include "operate/operator.h"

#include <access/xact.h>
#include <executor/executor.h>
#include <utils/memutils.h>
#include <utils/resowner.h>

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
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_CARDINALITY_VIOLATION:
		case ERRCODE_PLPGSQL_ERROR:
		case ERRCODE_EXTERNAL_ROUTINE_EXCEPTION:
		case ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION:
		case ERRCODE_SQL_ROUTINE_EXCEPTION:
			return true;
		default:
			return false;
	}
}

ErrorData *
velo_operate_try(void (*function)(void *), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		function(arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!velo_operate_is_data_error(error->sqlerrcode))
			ReThrowError(error);
	}
	PG_END_TRY();
	return error;
}
