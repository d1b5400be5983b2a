/*
 * aggregates.c
 *	  Transition functions of velo.first and velo.last.
 *
 * Both are strict: PostgreSQL takes the first non-NULL value as the state and
 * skips NULLs by itself.
 */
#include "postgres.h"

#include <fmgr.h>

#include "base/function.h"

VELO_FUNCTION(velo_first)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

VELO_FUNCTION(velo_last)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(1));
}
