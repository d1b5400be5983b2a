/*
 * notices.h
 *	  Collecting the warnings and notices of statements.
 */
#pragma once

#include <nodes/pg_list.h>

/*
 * From begin to end, warnings and notices are kept (List of ErrorData *, in the
 * context that was current at begin); with "quietly" they go neither to the
 * client nor to the log.  An error in between ends the collecting.
 */
typedef struct VeloNotices
{
	List *list;
	MemoryContext context;
	bool quietly;
	int guc_level;
	struct VeloNotices *outer;
} VeloNotices;

extern void velo_api_notices_begin(VeloNotices *notices, bool quietly);
extern void velo_api_notices_end(VeloNotices *notices);
/* In a PG_CATCH block, instead of end. */
extern void velo_api_notices_abandon(VeloNotices *notices);
