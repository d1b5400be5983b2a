/*
 * listagg.c
 *	  velo.listagg and its other names: values of any type as a text, by arrival.
 *
 * string_agg of the values cast to text.  PostgreSQL's own can save its state from
 * version 16 on only; until then a job keeps all its arguments.
 *
 * The text begins with the first value's separator, which the result leaves out: so two
 * states can be joined with the separator of the second one's first value.
 */
#include "postgres.h"

#include "function/state.h"

#include <catalog/pg_type.h>
#include <catalog/pg_collation.h>
#include <parser/parse_coerce.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "base/compat.h"
#include "base/function.h"

#define KIND_LIST 'l'
#define SEPARATOR_DEFAULT ","

typedef struct ListState
{
	int32 leading; /* bytes of the first separator */
	StringInfoData text;
} ListState;

/* How values of one call become text: by the cast, or by the type's output function. */
typedef struct ToText
{
	FmgrInfo function;
	bool is_output;
	bool is_text; /* neither is needed */
} ToText;

static ToText *
to_text_of(FunctionCallInfo fcinfo)
{
	ToText *to_text = fcinfo->flinfo->fn_extra;
	VeloValueType type;
	Oid function = InvalidOid;

	if (to_text)
		return to_text;
	velo_function_argument_type(fcinfo, 1, &type);
	to_text = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(ToText));
	switch (find_coercion_pathway(TEXTOID, getBaseType(type.type), COERCION_EXPLICIT, &function))
	{
		case COERCION_PATH_RELABELTYPE:
			to_text->is_text = true;
			break;
		case COERCION_PATH_FUNC:
			fmgr_info_cxt(function, &to_text->function, fcinfo->flinfo->fn_mcxt);
			break;
		default:
		{
			bool is_varlena;

			to_text->is_output = true;
			getTypeOutputInfo(type.type, &function, &is_varlena);
			fmgr_info_cxt(function, &to_text->function, fcinfo->flinfo->fn_mcxt);
		}
	}
	fcinfo->flinfo->fn_extra = to_text;
	return to_text;
}

static void
append_text(StringInfo buffer, text *value)
{
	appendBinaryStringInfo(buffer, VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value));
}

static void
append_value(StringInfo buffer, ToText *to_text, Datum value)
{
	if (to_text->is_text)
		append_text(buffer, DatumGetTextPP(value));
	else if (to_text->is_output)
		appendStringInfoString(buffer, OutputFunctionCall(&to_text->function, value));
	else
		append_text(buffer, DatumGetTextPP(FunctionCall1Coll(&to_text->function,
															 DEFAULT_COLLATION_OID, value)));
}

static ListState *
make_state(FunctionCallInfo fcinfo)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	ListState *self = palloc(sizeof(ListState));

	self->leading = -1;
	initStringInfo(&self->text);
	MemoryContextSwitchTo(old);
	return self;
}

/* velo._listagg_add(internal, anyelement [, text]) → internal */
VELO_FUNCTION(velo_listagg_add)
{
	ListState *self = PG_ARGISNULL(0) ? NULL : (ListState *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		if (self == NULL)
			self = make_state(fcinfo);
		if (PG_NARGS() < 3)
			appendStringInfoString(&self->text, SEPARATOR_DEFAULT);
		else if (!PG_ARGISNULL(2))
			append_text(&self->text, PG_GETARG_TEXT_PP(2));
		if (self->leading < 0)
			self->leading = self->text.len;
		append_value(&self->text, to_text_of(fcinfo), PG_GETARG_DATUM(1));
	}
	if (self == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(self);
}

/* velo._listagg_merge(internal, internal) → internal */
VELO_FUNCTION(velo_listagg_merge)
{
	ListState *into = PG_ARGISNULL(0) ? NULL : (ListState *) PG_GETARG_POINTER(0);
	ListState *from = PG_ARGISNULL(1) ? NULL : (ListState *) PG_GETARG_POINTER(1);

	if (from)
	{
		if (into == NULL)
		{
			into = make_state(fcinfo);
			into->leading = from->leading;
		}
		appendBinaryStringInfo(&into->text, from->text.data, from->text.len);
	}
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

/* velo._listagg_save(internal) → bytea */
VELO_FUNCTION(velo_listagg_save)
{
	ListState *self = (ListState *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) velo_function_state_context(fcinfo);
	velo_function_save_begin(&buffer, KIND_LIST);
	appendBinaryStringInfo(&buffer, (char *) &self->leading, sizeof(self->leading));
	velo_function_save_reserve(&buffer, self->text.len);
	appendBinaryStringInfo(&buffer, self->text.data, self->text.len);
	PG_RETURN_BYTEA_P(velo_function_save_end(&buffer));
}

/* velo._listagg_load(bytea, internal) → internal */
VELO_FUNCTION(velo_listagg_load)
{
	StringInfoData buffer;
	/* In the current context: whoever restores a state says where it lives. */
	ListState *self = palloc(sizeof(ListState));

	(void) velo_function_state_context(fcinfo);
	velo_function_load_begin(&buffer, PG_GETARG_BYTEA_PP(0), KIND_LIST);
	velo_function_load_take(&buffer, &self->leading, sizeof(self->leading));
	initStringInfo(&self->text);
	appendBinaryStringInfo(&self->text, buffer.data + buffer.cursor, buffer.len - buffer.cursor);
	PG_RETURN_POINTER(self);
}

/* velo._listagg_final(internal) → text */
VELO_FUNCTION(velo_listagg_final)
{
	ListState *self = PG_ARGISNULL(0) ? NULL : (ListState *) PG_GETARG_POINTER(0);

	if (self == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(self->text.data + self->leading,
											  self->text.len - self->leading));
}
