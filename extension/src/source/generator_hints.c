/*
 * generator_hints.c
 *	  Reading hints for generated columns.
 */
#include "postgres.h"

#include "source/generator_hints.h"

#include <lib/stringinfo.h>
#include <math.h>

#include "base/option.h"

#define PREFIX "data."

typedef struct HintContext
{
	const char *column; /* for messages */
	VeloHints *hints;
} HintContext;

static void
refuse(const HintContext *context, const char *hint, const char *value, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for \"data.%s.%s\": \"%s\"", context->column, hint, value),
			 errhint("%s", wanted)));
}

/* Cuts blanks and one pair of quotes off; the text is changed. */
static char *
trim(char *text)
{
	char *end;

	text += strspn(text, " \t\n");
	end = text + strlen(text);
	while (end > text && strchr(" \t\n", end[-1]))
		end--;
	if (end - text >= 2 && (*text == '"' || *text == '\'') && end[-1] == *text)
	{
		text++;
		end--;
	}
	*end = '\0';
	return text;
}

/* Parts between commas that stand outside of quotes and brackets. */
static List *
split(const char *text)
{
	List *parts = NIL;
	StringInfoData part;
	char quote = '\0';
	int depth = 0;

	initStringInfo(&part);
	for (const char *c = text;; c++)
	{
		if (*c == '\0' || (*c == ',' && quote == '\0' && depth == 0))
		{
			parts = lappend(parts, pstrdup(part.data));
			resetStringInfo(&part);
			if (*c == '\0')
				return parts;
			continue;
		}
		if (quote != '\0')
			quote = *c == quote ? '\0' : quote;
		else if (*c == '"' || *c == '\'')
			quote = *c;
		else if (*c == '[')
			depth++;
		else if (*c == ']')
			depth--;
		appendStringInfoChar(&part, *c);
	}
}

/* "[a, "b"]", or the same without brackets. */
static List *
read_list(const char *value)
{
	char *text = trim(pstrdup(value));
	size_t length = strlen(text);
	List *parts;
	ListCell *cell;

	if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
	{
		text[length - 1] = '\0';
		text++;
	}
	parts = split(text);
	foreach(cell, parts)
		lfirst(cell) = trim(lfirst(cell));
	return parts;
}

static double
read_number(const HintContext *context, const char *hint, const char *value)
{
	char *end;
	double number = strtod(value, &end);

	if (end == value || *end != '\0' || !isfinite(number))
		refuse(context, hint, value, "Give a number.");
	return number;
}

static void
read_distribution(const HintContext *context, const char *value)
{
	static const struct
	{
		const char *name;
		VeloDistribution distribution;
	} names[] = {
		{"uniform", VELO_UNIFORM},
		{"normal", VELO_NORMAL},
		{"zipf", VELO_ZIPF},
		{"random_walk", VELO_RANDOM_WALK},
	};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (pg_strcasecmp(value, names[i].name) == 0)
		{
			context->hints->distribution = names[i].distribution;
			return;
		}
	}
	refuse(context, "distribution", value, "Choose one of uniform, normal, zipf, random_walk.");
}

static bool
read_bool(const char *value)
{
	return pg_strcasecmp(value, "true") == 0 || pg_strcasecmp(value, "yes") == 0 ||
		   strcmp(value, "1") == 0;
}

static void
set_hint(HintContext *context, const char *hint, const char *value)
{
	VeloHints *hints = context->hints;

	if (strcmp(hint, "range") == 0)
	{
		List *ends = read_list(value);

		if (list_length(ends) != 2)
			refuse(context, hint, value, "Give the least and the greatest value: [1,100].");
		hints->low = linitial(ends);
		hints->high = lsecond(ends);
	}
	else if (strcmp(hint, "enum") == 0)
		hints->choices = read_list(value);
	else if (strcmp(hint, "weights") == 0)
		hints->weights = read_list(value);
	else if (strcmp(hint, "distribution") == 0)
		read_distribution(context, value);
	else if (strcmp(hint, "null_probability") == 0)
	{
		hints->null_probability = read_number(context, hint, value);
		if (hints->null_probability < 0 || hints->null_probability > 1)
			refuse(context, hint, value, "Give a number from 0 to 1.");
	}
	else if (strcmp(hint, "volatility") == 0)
	{
		hints->volatility = read_number(context, hint, value);
		if (hints->volatility <= 0 || hints->volatility > 1)
			refuse(context, hint, value, "Give a number above 0 and up to 1.");
	}
	else if (strcmp(hint, "sequential") == 0)
		hints->is_sequential = read_bool(value);
	else if (strcmp(hint, "pattern") == 0)
		hints->pattern = pstrdup(value);
	else if (strcmp(hint, "cardinality") == 0)
	{
		double n = read_number(context, hint, value);

		if (n < 1 || n > 1e15)
			refuse(context, hint, value, "Give a whole number from 1.");
		hints->cardinality = (int64) n;
	}
	else if (strcmp(hint, "start") == 0)
		hints->low = pstrdup(value);
	else if (strcmp(hint, "end") == 0)
		hints->high = pstrdup(value);
	else if (strcmp(hint, "type") == 0)
		/* the column has a type already */;
	else
		ereport(WARNING, (errcode(ERRCODE_WARNING),
						  errmsg("hint \"data.%s.%s\" is unknown and has no effect",
								 context->column, hint)));
}

/* "range [1,100], distribution: normal", "enum ["A","B"], weights: [0.7,0.3]", "uuid" */
static void
set_hints(HintContext *context, const char *value)
{
	List *parts = split(value);
	ListCell *cell;

	foreach(cell, parts)
	{
		char *part = trim(lfirst(cell));
		size_t word = strspn(part,
							 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
		char *name = pnstrdup(part, word);
		char *rest = part + word;

		rest += strspn(rest, " \t");
		if (*rest == ':')
			set_hint(context, name, trim(rest + 1));
		else if (*rest == '[')
			set_hint(context, name, rest);
		else if (strcmp(name, "sequential") == 0)
			set_hint(context, name, "true");
		else if (foreach_current_index(cell) > 0 || word == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("invalid hint for column \"%s\": \"%s\"", context->column, part),
							errhint("Write hints as \"range [1,100], distribution: normal\".")));
		/* A first word alone names the type, which the column has already. */
	}
}

static void
check(const HintContext *context)
{
	const VeloHints *hints = context->hints;
	double sum = 0;
	ListCell *cell;

	if (hints->weights == NIL)
		return;
	foreach(cell, hints->weights)
	{
		double weight = read_number(context, "weights", lfirst(cell));

		if (weight < 0)
			refuse(context, "weights", lfirst(cell), "Weights cannot be negative.");
		sum += weight;
	}
	if (list_length(hints->weights) != list_length(hints->choices) || fabs(sum - 1) > 0.001)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid weights for column \"%s\"", context->column),
						errdetail("There are %d weights for %d values, and they sum up to %g.",
								  list_length(hints->weights), list_length(hints->choices), sum),
						errhint("Give one weight for each value of enum; they sum up to 1.")));
}

VeloHints *
velo_source_generator_hints(List *options, const char *column)
{
	HintContext context = {column, palloc0(sizeof(VeloHints))};
	size_t length = strlen(column);
	ListCell *cell;

	context.hints->volatility = 0.02;
	foreach(cell, options)
	{
		VeloOptionValue *option = lfirst(cell);
		const char *name = option->name + strlen(PREFIX);

		if (pg_strncasecmp(option->name, PREFIX, strlen(PREFIX)) != 0 ||
			pg_strncasecmp(name, column, length) != 0)
			continue;
		if (name[length] == '\0')
			set_hints(&context, option->value);
		else if (name[length] == '.')
			set_hint(&context, name + length + 1, option->value);
	}
	check(&context);
	return context.hints;
}
