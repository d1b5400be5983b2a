/*
 * meta.c
 *	  Running catalog statements as the extension's owner.
 *
 * Plans are kept per process: a job touches the same few statements at every
 * commit.  They are found by their text, which is a literal at every call.
 */
#include "postgres.h"

#include "meta/meta.h"

#include <access/genam.h>
#include <access/htup_details.h>
#include <access/table.h>
#include <catalog/indexing.h>
#include <catalog/pg_extension.h>
#include <catalog/pg_type.h>
#include <commands/extension.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/fmgroids.h>
#include <utils/guc.h>
#include <utils/hsearch.h>
#include <utils/memutils.h>

#define EXTENSION_NAME "velostream"
#define MAX_ARGS 24

typedef struct KeptPlan
{
	const char *sql; /* key: the literal's address */
	SPIPlanPtr plan;
} KeptPlan;

static HTAB *kept_plans = NULL;
static MemoryContext caller_context = NULL;

Oid
velo_meta_extension(void)
{
	return get_extension_oid(EXTENSION_NAME, true);
}

Oid
velo_meta_owner(void)
{
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(EXTENSION_NAME));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"%s\" is not installed in this database", EXTENSION_NAME),
				 errhint("Run CREATE EXTENSION %s.", EXTENSION_NAME)));
	return owner;
}

void
velo_meta_begin(VeloMetaScope *scope)
{
	Oid owner = velo_meta_owner();

	scope->caller = caller_context;
	caller_context = CurrentMemoryContext;
	GetUserIdAndSecContext(&scope->user, &scope->security);
	SetUserIdAndSecContext(owner, scope->security | SECURITY_LOCAL_USERID_CHANGE);
	scope->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("row_security", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

void
velo_meta_end(VeloMetaScope *scope)
{
	SPI_finish();
	AtEOXact_GUC(true, scope->guc_level);
	SetUserIdAndSecContext(scope->user, scope->security);
	MemoryContextSwitchTo(caller_context);
	caller_context = scope->caller;
}

static SPIPlanPtr
find_plan(const char *sql, int nargs)
{
	KeptPlan *kept;
	bool found;

	if (kept_plans == NULL)
	{
		HASHCTL control = {.keysize = sizeof(char *), .entrysize = sizeof(KeptPlan)};

		kept_plans = hash_create("velo catalog statements", 64, &control, HASH_ELEM | HASH_BLOBS);
	}
	kept = hash_search(kept_plans, &sql, HASH_FIND, &found);
	if (!found)
	{
		Oid types[MAX_ARGS];
		SPIPlanPtr plan;

		for (int i = 0; i < nargs; i++)
			types[i] = TEXTOID;
		plan = SPI_prepare(sql, nargs, types);
		if (plan == NULL)
			elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		kept = hash_search(kept_plans, &sql, HASH_ENTER, &found);
		kept->plan = plan;
	}
	return kept->plan;
}

static uint64
run_plan(SPIPlanPtr plan, const char *sql, int nargs, const char *const *args)
{
	Datum values[MAX_ARGS];
	char nulls[MAX_ARGS + 1];
	int result;

	for (int i = 0; i < nargs; i++)
	{
		nulls[i] = args[i] ? ' ' : 'n';
		values[i] = args[i] ? CStringGetTextDatum(args[i]) : (Datum) 0;
	}
	result = SPI_execute_plan(plan, values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(result));
	return SPI_processed;
}

uint64
velo_meta_run(const char *sql, int nargs, const char *const *args)
{
	Assert(nargs <= MAX_ARGS);
	return run_plan(find_plan(sql, nargs), sql, nargs, args);
}

uint64
velo_meta_run_once(const char *sql)
{
	int result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(result));
	return SPI_processed;
}

char *
velo_meta_value(uint64 row, int column)
{
	char *value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	return value ? MemoryContextStrdup(caller_context, value) : NULL;
}

Datum
velo_meta_datum(uint64 row, int column, bool *is_null)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	Form_pg_attribute att = TupleDescAttr(desc, column - 1);
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], desc, column, is_null);
	MemoryContext old;

	if (*is_null)
		return (Datum) 0;
	old = MemoryContextSwitchTo(caller_context);
	if (att->attlen == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	else if (!att->attbyval)
		elog(ERROR, "column %d of a catalog statement is neither by value nor varlena", column);
	MemoryContextSwitchTo(old);
	return value;
}

List *
velo_meta_text_list(uint64 row, int column)
{
	bool is_null;
	Datum array = velo_meta_datum(row, column, &is_null);
	Datum *elements;
	int n;
	List *list = NIL;
	MemoryContext old;

	if (is_null)
		return NIL;
	old = MemoryContextSwitchTo(caller_context);
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &n);
	for (int i = 0; i < n; i++)
		list = lappend(list, TextDatumGetCString(elements[i]));
	MemoryContextSwitchTo(old);
	return list;
}

List *
velo_meta_oid_list(uint64 row, int column)
{
	bool is_null;
	Datum array = velo_meta_datum(row, column, &is_null);
	Datum *elements;
	int n;
	List *list = NIL;
	MemoryContext old;

	if (is_null)
		return NIL;
	old = MemoryContextSwitchTo(caller_context);
	deconstruct_array(DatumGetArrayTypeP(array), OIDOID, sizeof(Oid), true, TYPALIGN_INT, &elements,
					  NULL, &n);
	for (int i = 0; i < n; i++)
		list = lappend_oid(list, DatumGetObjectId(elements[i]));
	MemoryContextSwitchTo(old);
	return list;
}

List *
velo_meta_options(uint64 row, int column)
{
	bool is_null;
	Datum jsonb = velo_meta_datum(row, column, &is_null);
	List *options = NIL;
	MemoryContext old;

	if (is_null)
		return NIL;
	old = MemoryContextSwitchTo(caller_context);
	options = velo_base_options_from_jsonb(DatumGetJsonbP(jsonb));
	MemoryContextSwitchTo(old);
	return options;
}

char *
velo_meta_oid_text(Oid oid)
{
	return OidIsValid(oid) ? psprintf("%u", oid) : NULL;
}

char *
velo_meta_oid_array(List *oids)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	foreach(cell, oids)
		appendStringInfo(&text, "%s%u", foreach_current_index(cell) ? "," : "", lfirst_oid(cell));
	appendStringInfoChar(&text, '}');
	return text.data;
}

char *
velo_meta_text_array(List *texts)
{
	Datum *elements = palloc(sizeof(Datum) * Max(1, list_length(texts)));
	ListCell *cell;
	ArrayType *array;

	foreach(cell, texts)
		elements[foreach_current_index(cell)] = CStringGetTextDatum(lfirst(cell));
	array = construct_array(elements, list_length(texts), TEXTOID, -1, false, TYPALIGN_INT);
	return OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(array));
}

char *
velo_meta_options_text(List *options)
{
	Jsonb *jsonb = velo_base_options_to_jsonb(options);

	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}
