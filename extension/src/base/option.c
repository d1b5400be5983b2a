/*
 * option.c
 *	  Looking up registered options and the values given to them.
 */
#include "postgres.h"

#include "base/option.h"

#include <utils/builtins.h>

VELO_REGISTRY(option, VeloOption);

/* Is the word one of a blank-separated list? */
static bool
is_listed(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (list && *list)
	{
		size_t n = strcspn(list, " ");

		if (n == length && pg_strncasecmp(list, word, n) == 0)
			return true;
		list += n;
		list += strspn(list, " ");
	}
	return false;
}

/* "data.*" stands for every name that begins with "data.". */
static bool
is_family_member(const char *family, const char *name)
{
	size_t length = strlen(family);

	return length > 0 && family[length - 1] == '*' && pg_strncasecmp(family, name, length - 1) == 0;
}

/* Exact names before families, the type's own before those of all and of others. */
static int
rank(const VeloOption *option, const char *name, const char *type)
{
	int points = 0;

	if (pg_strcasecmp(option->name, name) == 0 || is_listed(option->aliases, name))
		points = 4;
	else if (is_family_member(option->name, name))
		points = 1;
	else
		return 0;
	if (type && is_listed(option->types, type))
		points += 2;
	else if (option->types == NULL)
		points += 1;
	return points;
}

const VeloOption *
velo_base_option_find(const char *name, int scopes, const char *type)
{
	const VeloOption *best = NULL;
	int most = 0;

	VELO_FOREACH(option, VeloOption, option)
	{
		int points = (option->scopes & scopes) ? rank(option, name, type) : 0;

		if (points > most)
		{
			best = option;
			most = points;
		}
	}
	return best;
}

static VeloOptionValue *
find_value(List *options, const char *name)
{
	ListCell *cell;

	foreach(cell, options)
	{
		VeloOptionValue *value = lfirst(cell);

		if (strcmp(value->name, name) == 0)
			return value;
	}
	return NULL;
}

const char *
velo_base_option_text(List *options, const char *name)
{
	VeloOptionValue *value = find_value(options, name);
	VeloOptionValue *type;
	const VeloOption *option;

	if (value)
		return value->value;
	type = find_value(options, "type");
	option = velo_base_option_find(name, ~0, type ? type->value : "native");
	return option ? option->standard : NULL;
}

bool
velo_base_option_bool(List *options, const char *name)
{
	const char *text = velo_base_option_text(options, name);

	return text && strcmp(text, "true") == 0;
}

int64
velo_base_option_int(List *options, const char *name)
{
	const char *text = velo_base_option_text(options, name);

	return text ? strtoll(text, NULL, 10) : 0;
}

double
velo_base_option_float(List *options, const char *name)
{
	const char *text = velo_base_option_text(options, name);

	return text ? strtod(text, NULL) : 0;
}

bool
velo_base_option_is_set(List *options, const char *name)
{
	return find_value(options, name) != NULL;
}

List *
velo_base_option_set(List *options, const char *name, const char *value)
{
	VeloOptionValue *entry = find_value(options, name);

	if (entry == NULL)
	{
		entry = palloc(sizeof(VeloOptionValue));
		entry->name = pstrdup(name);
		options = lappend(options, entry);
	}
	entry->value = pstrdup(value);
	return options;
}

static void
push_text(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	pushJsonbValue(state, token, &value);
}

Jsonb *
velo_base_options_to_jsonb(List *options)
{
	JsonbParseState *state = NULL;
	ListCell *cell;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(cell, options)
	{
		VeloOptionValue *entry = lfirst(cell);

		push_text(&state, WJB_KEY, entry->name);
		push_text(&state, WJB_VALUE, entry->value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

List *
velo_base_options_from_jsonb(Jsonb *jsonb)
{
	List *options = NIL;
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue value;
	char *name = NULL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && value.type == jbvString)
			options = velo_base_option_set(options, name,
										   pnstrdup(value.val.string.val, value.val.string.len));
	}
	return options;
}
