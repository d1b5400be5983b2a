/*
 * rows.c
 *	  velo._rows(): stands for a source's rows while PostgreSQL's analyser and
 *	  planner work.  It is never executed: plan/grouping.c takes what it needs from
 *	  above it.
 */
#include "postgres.h"

#include <fmgr.h>

#include "base/function.h"

VELO_FUNCTION(velo_rows)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("this function is internal to velostream")));
	PG_RETURN_NULL();
}
