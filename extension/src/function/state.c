/*
 * state.c
 *	  Values kept in states of aggregates, and states saved.
 */
#include "postgres.h"

#include "function/state.h"

#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>

#include "base/compat.h"

static void
look_up(VeloValueType *type, Oid oid)
{
	type->type = oid;
	get_typlenbyvalalign(oid, &type->length, &type->by_value, &type->align);
}

void
velo_function_argument_type(FunctionCallInfo fcinfo, int argument, VeloValueType *type)
{
	Oid oid = get_fn_expr_argtype(fcinfo->flinfo, argument);

	if (!OidIsValid(oid))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("could not determine the type of an argument")));
	look_up(type, oid);
}

TypeCacheEntry *
velo_function_type_cache(FunctionCallInfo fcinfo, Oid type, int flags)
{
	TypeCacheEntry *entry = fcinfo->flinfo->fn_extra;

	if (entry && entry->type_id == type)
		return entry;
	entry = lookup_type_cache(type, flags);
	if ((flags & TYPECACHE_CMP_PROC_FINFO) && !OidIsValid(entry->cmp_proc_finfo.fn_oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("could not identify a comparison function for type %s",
							   format_type_be(type)),
						errhint("Values of this type have no order; cast them to one that has.")));
	if ((flags & TYPECACHE_HASH_EXTENDED_PROC_FINFO) &&
		!OidIsValid(entry->hash_extended_proc_finfo.fn_oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an extended hash function for type %s",
						format_type_be(type)),
				 errhint("Cast the values to a type that can be hashed, such as text or jsonb.")));
	if ((flags & TYPECACHE_EQ_OPR_FINFO) && !OidIsValid(entry->eq_opr_finfo.fn_oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("could not identify an equality operator for type %s",
							   format_type_be(type))));
	/* Entries of the type cache stay for the life of the session. */
	fcinfo->flinfo->fn_extra = entry;
	return entry;
}

Datum
velo_function_value_copy(const VeloValueType *type, Datum value)
{
	if (type->length == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	return datumCopy(value, type->by_value, type->length);
}

void
velo_function_value_free(const VeloValueType *type, Datum value)
{
	if (!type->by_value)
		pfree(DatumGetPointer(value));
}

MemoryContext
velo_function_state_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("this function is internal to velostream")));
	return context;
}

/* --- saved states ---------------------------------------------------------------- */

void
velo_function_save_reserve(StringInfo buffer, Size more)
{
	if (more >= MaxAllocSize - (Size) buffer->len - 1)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the state of an aggregate needs more than 1 GB"),
						errhint("Use shorter windows, group by more columns, or an approximate "
								"aggregate.")));
	enlargeStringInfo(buffer, (int) more);
}

void
velo_function_save_begin(StringInfo buffer, char kind)
{
	initStringInfo(buffer);
	appendStringInfoSpaces(buffer, VARHDRSZ);
	appendStringInfoChar(buffer, kind);
}

bytea *
velo_function_save_end(StringInfo buffer)
{
	SET_VARSIZE(buffer->data, buffer->len);
	return (bytea *) buffer->data;
}

static void
refuse_saved(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("the saved state of an aggregate is damaged or of another version")));
}

void
velo_function_load_begin(StringInfo buffer, bytea *saved, char kind)
{
	char found;

	buffer->data = VARDATA_ANY(saved);
	buffer->len = (int) VARSIZE_ANY_EXHDR(saved);
	buffer->maxlen = -1;
	buffer->cursor = 0;
	velo_function_load_take(buffer, &found, 1);
	if (found != kind)
		refuse_saved();
}

void
velo_function_load_take(StringInfo buffer, void *to, Size bytes)
{
	if ((Size) (buffer->len - buffer->cursor) < bytes)
		refuse_saved();
	memcpy(to, buffer->data + buffer->cursor, bytes);
	buffer->cursor += (int) bytes;
}

int64
velo_function_load_count(StringInfo buffer, Size bytes_each)
{
	int64 count;

	velo_function_load_take(buffer, &count, sizeof(count));
	if (count < 0 || count > (int64) ((Size) (buffer->len - buffer->cursor) / bytes_each))
		refuse_saved();
	return count;
}

void
velo_function_save_type(StringInfo buffer, const VeloValueType *type)
{
	appendBinaryStringInfo(buffer, (const char *) &type->type, sizeof(Oid));
}

void
velo_function_load_type(StringInfo buffer, VeloValueType *type)
{
	Oid oid;

	velo_function_load_take(buffer, &oid, sizeof(oid));
	look_up(type, oid);
}
