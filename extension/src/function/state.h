/*
 * state.h
 *	  What the aggregates of schema velo share: values kept in states, and states saved.
 *
 * A state is of type internal and lives in the aggregate's own context: that of a group's
 * cell in a job, that of the Agg node in a plain SELECT.  It may outlive the transaction,
 * so nothing in it points outside.  Its saved form begins with a byte that says whose it
 * is; numbers are those of the machine, as everywhere in saved states.
 */
#pragma once

#include <fmgr.h>
#include <lib/stringinfo.h>
#include <utils/typcache.h>

typedef struct VeloValueType
{
	Oid type;
	int16 length;
	bool by_value;
	char align;
} VeloValueType;

/* Looks the type of an argument up; raises 42804 if it is not known. */
extern void velo_function_argument_type(FunctionCallInfo fcinfo, int argument, VeloValueType *type);

/*
 * The type cache's entry, with what "flags" asks for (TYPECACHE_CMP_PROC_FINFO …), kept
 * with the call.  Raises 42883 for a type that cannot be ordered, or not be hashed.
 */
extern TypeCacheEntry *velo_function_type_cache(FunctionCallInfo fcinfo, Oid type, int flags);

/* A copy in the current context that points nowhere else. */
extern Datum velo_function_value_copy(const VeloValueType *type, Datum value);
extern void velo_function_value_free(const VeloValueType *type, Datum value);

/* Where states live; raises 0A000 when called otherwise than by an aggregate. */
extern MemoryContext velo_function_state_context(FunctionCallInfo fcinfo);

/* --- saved states ---------------------------------------------------------------- */

/* Begins a saved state of "kind"; what follows is appended to the buffer. */
extern void velo_function_save_begin(StringInfo buffer, char kind);
/* The buffer as a bytea; raises 54000 above 1 GB. */
extern bytea *velo_function_save_end(StringInfo buffer);
/* Raises 54000 if "more" bytes do not fit behind what the buffer holds. */
extern void velo_function_save_reserve(StringInfo buffer, Size more);

/* Opens a saved state for reading; raises XX001 if it is of another kind. */
extern void velo_function_load_begin(StringInfo buffer, bytea *saved, char kind);
/* Takes the next bytes; raises XX001 if there are not so many. */
extern void velo_function_load_take(StringInfo buffer, void *to, Size bytes);
/* Takes a count of things that need so many bytes each; raises XX001 if they are not there. */
extern int64 velo_function_load_count(StringInfo buffer, Size bytes_each);

/* A type by its number, as states save it. */
extern void velo_function_save_type(StringInfo buffer, const VeloValueType *type);
extern void velo_function_load_type(StringInfo buffer, VeloValueType *type);
