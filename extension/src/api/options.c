/*
 * options.c
 *	  velo.options(): the properties that statements may have, as they are
 *	  registered.
 *
 * docs/properties.md is checked against it, and editors complete from it.
 */
#include "postgres.h"

#include <catalog/pg_type.h>
#include <funcapi.h>
#include <lib/stringinfo.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/tuplestore.h>

#include "base/function.h"
#include "base/option.h"

VELO_REGISTRY(option, VeloOption);

static const char *
type_name(VeloOptionType type)
{
	switch (type)
	{
		case VELO_OPTION_TEXT:
			return "text";
		case VELO_OPTION_BOOL:
			return "boolean";
		case VELO_OPTION_INT:
			return "integer";
		case VELO_OPTION_FLOAT:
			return "number";
		case VELO_OPTION_MS:
			return "duration";
		case VELO_OPTION_CHOICE:
			return "choice";
	}
	pg_unreachable();
}

/* Words between blanks as text[]. */
static Datum
word_array(const char *words)
{
	ArrayBuildState *state = NULL;

	while (words && *words)
	{
		size_t n = strcspn(words, " ");

		state = accumArrayResult(state, PointerGetDatum(cstring_to_text_with_len(words, n)), false,
								 TEXTOID, CurrentMemoryContext);
		words += n;
		words += strspn(words, " ");
	}
	if (state == NULL)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	return makeArrayResult(state, CurrentMemoryContext);
}

static Datum
scope_array(const VeloOption *option)
{
	StringInfoData words;

	initStringInfo(&words);
	if (option->scopes & VELO_OPTION_SOURCE)
		appendStringInfoString(&words, "source ");
	if (option->scopes & VELO_OPTION_SINK)
		appendStringInfoString(&words, "sink ");
	if (option->scopes & VELO_OPTION_JOB)
		appendStringInfoString(&words, "job ");
	return word_array(words.data);
}

/* velo.options() → one row for each registered property */
VELO_FUNCTION(velo_options)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	VELO_FOREACH(option, VeloOption, option)
	{
		Datum values[9];
		bool nulls[9] = {0};

		values[0] = CStringGetTextDatum(option->name);
		values[1] = word_array(option->aliases);
		values[2] = scope_array(option);
		values[3] = word_array(option->types);
		values[4] = CStringGetTextDatum(type_name(option->type));
		values[5] = word_array(option->choices);
		nulls[6] = option->standard == NULL;
		values[6] = nulls[6] ? (Datum) 0 : CStringGetTextDatum(option->standard);
		values[7] = BoolGetDatum(option->alterable);
		values[8] = CStringGetTextDatum(option->refused
											? psprintf("%s Not yet supported: %s",
													   option->description, option->refused)
											: option->description);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
