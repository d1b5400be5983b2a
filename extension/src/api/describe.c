/*
 * describe.c
 *	  velo.stream_describe: a relation by the name that a user writes.
 *
 * The doors get names as text.  They mean what they would mean in the caller's SQL, and
 * what is wrong with them is said as PostgreSQL would say it, with a hint.  That is why
 * this is C: a function in SQL has a search_path of its own.  What there is to say about
 * the relation is put together in SQL, by velo._describe.
 */
#include "postgres.h"

#include <catalog/namespace.h>
#include <catalog/objectaddress.h>
#include <catalog/pg_class.h>
#include <catalog/pg_type.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <nodes/primnodes.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/regproc.h>
#include <utils/varlena.h>

#include "base/function.h"
#include "plan/plan.h"

static bool
is_readable(Oid relation)
{
	return pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		   pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/* The relation of that name, which the caller may read. */
static Oid
find_readable(const text *name)
{
	RangeVar *range = makeRangeVarFromNameList(textToQualifiedNameList(unconstify(text *, name)));
	Oid relation = RangeVarGetRelid(range, NoLock, true);
	char kind;

	if (!OidIsValid(relation))
	{
		const char *hint = velo_plan_object_hint(NULL, range->schemaname, range->relname,
												 "List what there is with velo.stream_list().");

		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation \"%s\" does not exist", text_to_cstring(name)),
						errhint("%s", hint)));
	}
	kind = get_rel_relkind(relation);
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_VIEW &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is no stream, table or view", text_to_cstring(name))));
	if (!is_readable(relation))
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(kind), range->relname);
	return relation;
}

/* velo.stream_describe(name text) → jsonb */
VELO_FUNCTION(velo_stream_describe)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(find_readable(PG_GETARG_TEXT_PP(0)))};
	Datum answer;
	bool is_null;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	(void) SPI_execute_with_args("SELECT velo._describe($1)", 1, types, values, NULL, true, 1);
	answer = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	/* Somebody has dropped it meanwhile. */
	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" does not exist", text_to_cstring(PG_GETARG_TEXT_PP(0)))));
	answer = SPI_datumTransfer(answer, false, -1);
	SPI_finish();
	PG_RETURN_DATUM(answer);
}
