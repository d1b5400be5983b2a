/*
 * try.c
 *	  Running a function so that its failure can be survived.
 *
 * A subtransaction that writes nothing takes no transaction id and costs about a
 * microsecond; without one, what the failing function held (pins, locks, SPI) would
 * stay until the transaction's end.
 */
#include "postgres.h"

#include "base/try.h"

#include <access/xact.h>
#include <utils/memutils.h>
#include <utils/resowner.h>

bool
velo_base_is_data_error(int sqlstate)
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
velo_base_try(void (*function)(void *), void *arg, bool (*is_survivable)(int sqlstate))
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
		if (!is_survivable(error->sqlerrcode))
			ReThrowError(error);
	}
	PG_END_TRY();
	return error;
}
