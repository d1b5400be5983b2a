/*
 * json.c
 *	  What the JSON and array functions of schema velo need beyond PostgreSQL's.
 *
 * A path ($.a.b[0]) becomes the text[] that PostgreSQL's extracting functions take; with
 * a constant path that happens while the statement is planned.  json_path with its
 * filters and modes stays jsonb_path_query's business.
 */
#include "postgres.h"

#include <ctype.h>

#include <catalog/pg_type.h>
#include <common/jsonapi.h>
#include <executor/executor.h>
#include <funcapi.h>
#include <mb/pg_wchar.h>
#include <nodes/makefuncs.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/fmgroids.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/typcache.h>

#include "base/compat.h"
#include "base/function.h"

/* --- paths ------------------------------------------------------------------------------ */

#define STEPS_MAX 256

typedef struct JsonPathText
{
	const char *text;
	const char *at;
	int n;
	Datum steps[STEPS_MAX];
} JsonPathText;

static void
refuse_path(const JsonPathText *path, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid JSON path \"%s\"", path->text), errdetail("%s", why),
			 errhint("A path is written $.name.name[0]; names with other characters in double "
					 "quotes.")));
}

static void
add_step(JsonPathText *path, const char *from, size_t length)
{
	if (path->n == STEPS_MAX)
		refuse_path(path, psprintf("It has more than %d steps.", STEPS_MAX));
	path->steps[path->n++] = PointerGetDatum(cstring_to_text_with_len(from, (int) length));
}

/* A name in quotes; a backslash takes the next character as it is. */
static void
read_quoted(JsonPathText *path)
{
	char quote = *path->at++;
	StringInfoData name;

	initStringInfo(&name);
	for (; *path->at != quote; path->at++)
	{
		if (*path->at == '\\' && path->at[1] != '\0')
			path->at++;
		if (*path->at == '\0')
			refuse_path(path, "A quote is not closed.");
		appendStringInfoChar(&name, *path->at);
	}
	path->at++;
	add_step(path, name.data, name.len);
}

static void
read_name(JsonPathText *path)
{
	size_t length = strcspn(path->at, ".[]\"'*?@ ()");

	if (*path->at == '"')
	{
		read_quoted(path);
		return;
	}
	if (length == 0)
		refuse_path(path, "A name is missing behind a point.");
	add_step(path, path->at, length);
	path->at += length;
}

static void
read_subscript(JsonPathText *path)
{
	if (*path->at == '\'' || *path->at == '"')
		read_quoted(path);
	else
	{
		size_t sign = *path->at == '-' ? 1 : 0;
		size_t length = sign + strspn(path->at + sign, "0123456789");

		if (length == sign)
			refuse_path(path, "Between brackets stands a number or a name in quotes.");
		add_step(path, path->at, length);
		path->at += length;
	}
	if (*path->at++ != ']')
	{
		path->at--;
		refuse_path(path, "A bracket is not closed.");
	}
}

/* velo._json_path(text) → text[] */
VELO_FUNCTION(velo_json_path)
{
	JsonPathText *path = palloc0(sizeof(JsonPathText));

	path->text = path->at = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (*path->at++ != '$')
		refuse_path(path, "It does not begin with $.");
	while (*path->at != '\0')
	{
		char sign = *path->at++;

		if (sign == '.')
			read_name(path);
		else if (sign == '[')
			read_subscript(path);
		else
			refuse_path(path, "A step begins with a point or a bracket.");
	}
	if (path->n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	PG_RETURN_ARRAYTYPE_P(construct_array(path->steps, path->n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* velo._json_of(text) → json: NULL if it is none */
VELO_FUNCTION(velo_json_of)
{
	text *value = PG_GETARG_TEXT_PP(0);

	/* Escapes are looked at as well: extracting a bad one would raise an error. */
	if (!velo_compat_is_json(VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(value);
}

/* velo._json_container(jsonb) → jsonb: NULL if it is a scalar */
VELO_FUNCTION(velo_json_container)
{
	Jsonb *value = PG_GETARG_JSONB_P(0);

	if (JB_ROOT_IS_SCALAR(value))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(value);
}

/* --- objects ------------------------------------------------------------------------------- */

static int
object_size(Jsonb *object, const char *name)
{
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cannot call %s on a value that is not an object", name)));
	return (int) JB_ROOT_COUNT(object);
}

/* The keys (token WJB_KEY) or the values (WJB_VALUE) of an object as an array. */
static Datum
members(Jsonb *object, int size, JsonbIteratorToken wanted)
{
	Datum *values = palloc(sizeof(Datum) * Max(1, size));
	Oid type = wanted == WJB_KEY ? TEXTOID : JSONBOID;
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue value;
	int n = 0;

	if (size == 0)
		return PointerGetDatum(construct_empty_array(type));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token != wanted || n >= size)
			continue;
		values[n++] = wanted == WJB_KEY
						  ? PointerGetDatum(cstring_to_text_with_len(value.val.string.val,
																	 value.val.string.len))
						  : JsonbPGetDatum(JsonbValueToJsonb(&value));
	}
	return PointerGetDatum(construct_array(values, n, type, -1, false, TYPALIGN_INT));
}

/* velo.map_keys(jsonb) → text[] */
VELO_FUNCTION(velo_map_keys)
{
	Jsonb *object = PG_GETARG_JSONB_P(0);

	PG_RETURN_DATUM(members(object, object_size(object, "map_keys"), WJB_KEY));
}

/* velo.map_values(jsonb) → jsonb[] */
VELO_FUNCTION(velo_map_values)
{
	Jsonb *object = PG_GETARG_JSONB_P(0);

	PG_RETURN_DATUM(members(object, object_size(object, "map_values"), WJB_VALUE));
}

/* A row with columns field0, field1 … of these values. */
static Datum
make_row(int n, Datum *values, Oid *types, bool *nulls)
{
	TupleDesc desc = CreateTemplateTupleDesc(n);

	for (int i = 0; i < n; i++)
		TupleDescInitEntry(desc, i + 1, psprintf("field%d", i), types[i], -1, 0);
	BlessTupleDesc(desc);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* Pairs have string literals, which PostgreSQL leaves untyped, at the keys' places. */
static bool
is_pairs(FunctionCallInfo fcinfo)
{
	if (PG_NARGS() == 0 || PG_NARGS() % 2 != 0 || get_fn_expr_variadic(fcinfo->flinfo))
		return false;
	for (int i = 0; i < PG_NARGS(); i += 2)
		if (get_fn_expr_argtype(fcinfo->flinfo, i) != UNKNOWNOID || PG_ARGISNULL(i))
			return false;
	return true;
}

/* velo.struct(VARIADIC "any") → jsonb */
VELO_FUNCTION(velo_struct)
{
	FmgrInfo function;
	Datum *values;
	Oid *types;
	bool *nulls;
	int n;

	if (is_pairs(fcinfo))
		return jsonb_build_object(fcinfo);
	n = extract_variadic_args(fcinfo, 0, true, &values, &types, &nulls);
	if (n < 0)
		PG_RETURN_NULL();
	if (n == 0)
		return jsonb_build_object_noargs(fcinfo);
	/* to_jsonb looks at the type of its argument, so it must be told one. */
	fmgr_info(F_TO_JSONB, &function);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(makeNullConst(RECORDOID, -1, InvalidOid)),
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &function);
	PG_RETURN_DATUM(FunctionCall1(&function, make_row(n, values, types, nulls)));
}

/* --- arrays ---------------------------------------------------------------------------------- */

/* velo.array(VARIADIC anycompatiblearray) → anycompatiblearray */
VELO_FUNCTION(velo_array)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* velo.array_contains(anycompatiblearray, anycompatible) → boolean */
VELO_FUNCTION(velo_array_contains)
{
	bool found;

	(void) array_position(fcinfo);
	found = !fcinfo->isnull;
	fcinfo->isnull = false;
	PG_RETURN_BOOL(found);
}

/* velo._json_array_contains(jsonb, jsonb) → boolean */
VELO_FUNCTION(velo_json_array_contains)
{
	Jsonb *array = PG_GETARG_JSONB_P(0);
	Jsonb *wanted = PG_GETARG_JSONB_P(1);

	if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cannot call array_contains on a value that is not an array")));
	for (uint32 i = 0; i < JB_ROOT_COUNT(array); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(&array->root, i);

		if (compareJsonbContainers(&JsonbValueToJsonb(value)->root, &wanted->root) == 0)
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}
