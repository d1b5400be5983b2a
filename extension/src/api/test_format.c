/*
 * test_format.c
 *	  Decodes and encodes records from SQL, for tests.
 *
 * Only test builds have it; tests/regress/sql/format_json.sql has the declarations.
 */
#include "postgres.h"

#include "format/format.h"

#ifdef VELO_TESTPOINTS

#include <access/htup_details.h>
#include <access/table.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <funcapi.h>
#include <mb/pg_wchar.h>
#include <time.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/typcache.h>

#include "base/compat.h"
#include "base/function.h"
#include "format/infer.h"
#include "format/key.h"

/* Options of a made-up Kafka stream. */
static List *
test_options(FunctionCallInfo fcinfo, int argument)
{
	List *options = velo_base_options_from_jsonb(PG_GETARG_JSONB_P(argument));

	return velo_base_option_set(options, "type", "kafka");
}

static void
raise_failure(const VeloDecodeError *error)
{
	ereport(ERROR, (errcode(error->sqlstate), errmsg_internal("%s", error->message),
					errdetail("At byte %d.", error->at)));
}

/* The relation whose row type the first argument has, null or not. */
static Oid
relation_of(FunctionCallInfo fcinfo)
{
	Oid relation = get_typ_typrelid(get_fn_expr_argtype(fcinfo->flinfo, 0));

	if (!OidIsValid(relation))
		elog(ERROR, "not a row of a relation");
	return relation;
}

static TupleDesc
relation_desc(Oid relation)
{
	Relation rel = table_open(relation, AccessShareLock);
	TupleDesc desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));

	table_close(rel, NoLock);
	return desc;
}

/* Numbers of the named columns; NULL for all. */
static Bitmapset *
needed_columns(FunctionCallInfo fcinfo, int argument, TupleDesc desc)
{
	Bitmapset *needed = NULL;
	Datum *names;
	bool *nulls;
	int n;

	if (PG_ARGISNULL(argument))
		return NULL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &names,
					  &nulls, &n);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < desc->natts; j++)
			if (strcmp(NameStr(TupleDescAttr(desc, j)->attname), TextDatumGetCString(names[i])) ==
				0)
				needed = bms_add_member(needed, j);
	return needed;
}

static VeloFormatSpec *
relation_spec(FunctionCallInfo fcinfo, Oid relation, int options)
{
	VeloFormatSpec *spec = palloc0(sizeof(VeloFormatSpec));

	spec->name = get_rel_name(relation);
	spec->desc = relation_desc(relation);
	spec->natts = spec->desc->natts;
	spec->options = test_options(fcinfo, options);
	return spec;
}

/* velo_test_decode(NULL::relation, data bytea, options jsonb, needed text[]): a row of it. */
VELO_FUNCTION(velo_test_decode)
{
	Oid relation = relation_of(fcinfo);
	bytea *data = PG_GETARG_BYTEA_PP(1);
	VeloFormatSpec *spec = relation_spec(fcinfo, relation, 2);
	const VeloFormatOps *ops = velo_format_of(spec->options, spec->name);
	Datum *values = palloc0(sizeof(Datum) * spec->natts);
	bool *nulls = palloc(sizeof(bool) * spec->natts);
	VeloDecodeError error;
	VeloDecoder *decoder;
	char *exact;

	spec->needed = needed_columns(fcinfo, 3, spec->desc);
	memset(nulls, true, spec->natts);
	decoder = ops->decoder(spec);
	/* A block of just its size, so that memory checkers see reads behind it. */
	exact = palloc(Max(VARSIZE_ANY_EXHDR(data), 1));
	memcpy(exact, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
	if (!ops->decode(decoder, exact, VARSIZE_ANY_EXHDR(data), values, nulls, &error))
		raise_failure(&error);
	PG_RETURN_DATUM(heap_copy_tuple_as_datum(heap_form_tuple(spec->desc, values, nulls),
											 lookup_rowtype_tupdesc_copy(get_rel_type_id(relation),
																		 -1)));
}

/* velo_test_encode(row, options): the record of a row of a relation. */
VELO_FUNCTION(velo_test_encode)
{
	Oid relation = relation_of(fcinfo);
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	VeloFormatSpec *spec = relation_spec(fcinfo, relation, 1);
	const VeloFormatOps *ops = velo_format_of(spec->options, spec->name);
	HeapTupleData tuple = {.t_data = row, .t_len = HeapTupleHeaderGetDatumLength(row)};
	Datum *values = palloc(sizeof(Datum) * spec->natts);
	bool *nulls = palloc(sizeof(bool) * spec->natts);
	StringInfoData out;

	heap_deform_tuple(&tuple, spec->desc, values, nulls);
	initStringInfo(&out);
	ops->encode(ops->encoder(spec), values, nulls, &out);
	PG_RETURN_BYTEA_P(cstring_to_text_with_len(out.data, out.len));
}

static double
cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

/* velo_test_decode_ns(NULL::relation, records bytea[], times, options, needed): ns a record. */
VELO_FUNCTION(velo_test_decode_ns)
{
	VeloFormatSpec *spec = relation_spec(fcinfo, relation_of(fcinfo), 3);
	const VeloFormatOps *ops = velo_format_of(spec->options, spec->name);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "velo test chunk",
												  ALLOCSET_DEFAULT_SIZES);
	int times = PG_GETARG_INT32(2);
	Datum *values = palloc0(sizeof(Datum) * spec->natts);
	bool *nulls = palloc(sizeof(bool) * spec->natts);
	VeloDecodeError error;
	VeloDecoder *decoder;
	MemoryContext old;
	double ns;
	Datum *records;
	bool *is_null;
	int n;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), BYTEAOID, -1, false, TYPALIGN_INT, &records,
					  &is_null, &n);
	spec->needed = needed_columns(fcinfo, 4, spec->desc);
	decoder = ops->decoder(spec);
	old = MemoryContextSwitchTo(context);
	ns = cpu_ns();
	for (int i = 0; i < times; i++)
	{
		MemoryContextReset(context);
		for (int j = 0; j < n; j++)
		{
			struct varlena *record = (struct varlena *) DatumGetPointer(records[j]);

			if (!ops->decode(decoder, VARDATA_ANY(record), VARSIZE_ANY_EXHDR(record), values, nulls,
							 &error))
				raise_failure(&error);
		}
	}
	ns = cpu_ns() - ns;
	MemoryContextSwitchTo(old);
	PG_RETURN_FLOAT8(ns / ((double) times * n));
}

/* velo_test_encode_ns(row, times, options): ns a record. */
VELO_FUNCTION(velo_test_encode_ns)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	VeloFormatSpec *spec = relation_spec(fcinfo, relation_of(fcinfo), 2);
	const VeloFormatOps *ops = velo_format_of(spec->options, spec->name);
	HeapTupleData tuple = {.t_data = row, .t_len = HeapTupleHeaderGetDatumLength(row)};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "velo test chunk",
												  ALLOCSET_DEFAULT_SIZES);
	int times = PG_GETARG_INT32(1);
	Datum *values = palloc(sizeof(Datum) * spec->natts);
	bool *nulls = palloc(sizeof(bool) * spec->natts);
	VeloEncoder *encoder = ops->encoder(spec);
	StringInfoData out;
	MemoryContext old;
	double ns;

	heap_deform_tuple(&tuple, spec->desc, values, nulls);
	initStringInfo(&out);
	old = MemoryContextSwitchTo(context);
	ns = cpu_ns();
	for (int i = 0; i < times; i++)
	{
		resetStringInfo(&out);
		ops->encode(encoder, values, nulls, &out);
		if (i % 1024 == 0)
			MemoryContextReset(context);
	}
	ns = cpu_ns() - ns;
	MemoryContextSwitchTo(old);
	PG_RETURN_FLOAT8(ns / times);
}

static AttrNumber *
key_columns(FunctionCallInfo fcinfo, int argument, TupleDesc desc, int *n)
{
	AttrNumber *keys;
	Datum *names;
	bool *nulls;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &names,
					  &nulls, n);
	keys = palloc0(sizeof(AttrNumber) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		for (int j = 0; j < desc->natts; j++)
			if (strcmp(NameStr(TupleDescAttr(desc, j)->attname), TextDatumGetCString(names[i])) ==
				0)
				keys[i] = j + 1;
	return keys;
}

/* velo_test_key_write(row, keys text[], format) */
VELO_FUNCTION(velo_test_key_write)
{
	TupleDesc desc = relation_desc(relation_of(fcinfo));
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	HeapTupleData tuple = {.t_data = row, .t_len = HeapTupleHeaderGetDatumLength(row)};
	Datum *values = palloc(sizeof(Datum) * desc->natts);
	bool *nulls = palloc(sizeof(bool) * desc->natts);
	StringInfoData out;
	int nkeys;
	AttrNumber *keys = key_columns(fcinfo, 1, desc, &nkeys);
	VeloKeyWriter *writer = velo_format_key_writer(desc, nkeys, keys,
												   text_to_cstring(PG_GETARG_TEXT_PP(2)));

	heap_deform_tuple(&tuple, desc, values, nulls);
	initStringInfo(&out);
	velo_format_key_write(writer, values, nulls, &out);
	PG_RETURN_BYTEA_P(cstring_to_text_with_len(out.data, out.len));
}

/* velo_test_key_read(NULL::relation, key bytea, keys text[], format): a row of it. */
VELO_FUNCTION(velo_test_key_read)
{
	Oid relation = relation_of(fcinfo);
	bytea *data = PG_GETARG_BYTEA_PP(1);
	TupleDesc desc = relation_desc(relation);
	Datum *values = palloc0(sizeof(Datum) * desc->natts);
	bool *nulls = palloc(sizeof(bool) * desc->natts);
	VeloDecodeError error;
	int nkeys;
	AttrNumber *keys = key_columns(fcinfo, 2, desc, &nkeys);
	VeloKeyReader *reader = velo_format_key_reader(desc, nkeys, keys,
												   text_to_cstring(PG_GETARG_TEXT_PP(3)));

	memset(nulls, true, desc->natts);
	if (!velo_format_key_read(reader, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), values, nulls,
							  &error))
		raise_failure(&error);
	PG_RETURN_DATUM(heap_copy_tuple_as_datum(heap_form_tuple(desc, values, nulls),
											 lookup_rowtype_tupdesc_copy(get_rel_type_id(relation),
																		 -1)));
}

/* velo_test_infer(records text[]): column_name, data_type, nullable, samples. */
VELO_FUNCTION(velo_test_infer)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	VeloInference *inference = velo_format_infer_begin();
	VeloDecodeError error;
	Datum *records;
	bool *is_null;
	ListCell *cell;
	int n;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &records,
					  &is_null, &n);
	for (int i = 0; i < n; i++)
	{
		char *given = TextDatumGetCString(records[i]);
		char *record = pg_server_to_any(given, strlen(given), PG_UTF8);

		if (!velo_format_infer_add(inference, record, strlen(record), &error))
			raise_failure(&error);
	}
	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, velo_format_infer_columns(inference))
	{
		VeloInferredColumn *column = lfirst(cell);
		Datum values[4] = {CStringGetTextDatum(column->name), ObjectIdGetDatum(column->type),
						   BoolGetDatum(column->is_nullable), Int64GetDatum(column->samples)};
		bool nulls[4] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

#endif
