/*
 * properties.c
 *	  Binding the properties of a statement to its source, its sink and its job.
 *
 * "<s>.key" goes to the source or sink of that name, "source.key" and "sink.key"
 * to the only one there is, "job.key" and a bare key to the job; a bare key that
 * only a source (or only a sink) has goes there.  Values are checked against the
 * option's description and normalised (base/option.h).
 */
#include "postgres.h"

#include "plan/plan.h"

#include <utils/builtins.h>

#include "kafka/kafka.h"

static const VeloOption source_type = {
	.name = "type",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.type = VELO_OPTION_CHOICE,
	.choices = "native generator table discard table_source=table table_sink=table "
			   "kafka kafka_source=kafka kafka_sink=kafka file file_source=file file_sink=file "
			   "file_source_mmap=file",
	.description = "Where rows come from or go to.",
};
VELO_OPTION(source_type);

static const VeloOption group_ungrouped = {
	.name = "group.ungrouped",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_CHOICE,
	.standard = "error",
	.choices = "error last",
	.description =
		"A column neither grouped nor aggregated: an error, or the latest record's value.",
};
VELO_OPTION(group_ungrouped);

typedef struct Binder
{
	const char *user_text;
	const LiftStatement *statement;
	const char *source_name;
	const char *source_alias;
	const char *source_type;
	const char *sink_name;
	const char *sink_type; /* named by the statement, or NULL */
	VeloBound bound;
} Binder;

static void
bad_value(const Binder *binder, const LiftProperty *property, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value \"%s\" for property \"%s\"", property->value, property->key),
			 errdetail_internal("%s", detail),
			 velo_plan_error_at(binder->user_text, property->value_span.from)));
}

/* One of "a b c=a", any case; the first spelling, or NULL. */
static const char *
find_choice(const char *choices, const char *value)
{
	size_t length = strlen(value);

	while (*choices)
	{
		size_t word = strcspn(choices, " ");
		const char *equals = memchr(choices, '=', word);
		size_t name = equals ? equals - choices : word;

		if (name == length && pg_strncasecmp(choices, value, length) == 0)
			return equals ? pnstrdup(equals + 1, word - name - 1) : pnstrdup(choices, name);
		choices += word;
		choices += strspn(choices, " ");
	}
	return NULL;
}

static char *
choice_names(const char *choices)
{
	StringInfoData text;

	initStringInfo(&text);
	while (*choices)
	{
		size_t word = strcspn(choices, " ");

		if (!memchr(choices, '=', word))
			appendStringInfo(&text, "%s%.*s", text.len ? ", " : "", (int) word, choices);
		choices += word;
		choices += strspn(choices, " ");
	}
	return text.data;
}

static void
check_range(const Binder *binder, const LiftProperty *property, const VeloOption *option,
			double number)
{
	if (option->max > option->min && (number < option->min || number > option->max))
		bad_value(binder, property,
				  psprintf("The value must be from %.0f to %.0f.", option->min, option->max));
}

static const char *
normalise(const Binder *binder, const LiftProperty *property, const VeloOption *option)
{
	const char *value = property->value;
	char *end;
	bool flag;
	double number;
	long long micros;
	int months;
	const char *choice;

	switch (option->type)
	{
		case VELO_OPTION_TEXT:
			return value;
		case VELO_OPTION_BOOL:
			if (!parse_bool(value, &flag))
				bad_value(binder, property, "The value must be true or false.");
			return flag ? "true" : "false";
		case VELO_OPTION_INT:
			errno = 0;
			number = (double) strtoll(value, &end, 10);
			if (errno || end == value || *end)
				bad_value(binder, property, "The value must be a whole number.");
			check_range(binder, property, option, number);
			return psprintf("%lld", strtoll(value, NULL, 10));
		case VELO_OPTION_FLOAT:
			errno = 0;
			number = strtod(value, &end);
			if (errno || end == value || *end)
				bad_value(binder, property, "The value must be a number.");
			check_range(binder, property, option, number);
			return value;
		case VELO_OPTION_MS:
			if (!velo_lift_duration(value, strlen(value), 1000, &micros, &months) || months != 0)
				bad_value(
					binder, property,
					"The value must be a duration such as 500ms, 5s or 1m; a bare number counts milliseconds.");
			if (micros < 0)
				bad_value(binder, property, "A duration must not be negative.");
			check_range(binder, property, option, (double) (micros / 1000));
			return psprintf("%lld", micros / 1000);
		case VELO_OPTION_CHOICE:
			choice = find_choice(option->choices, value);
			if (choice == NULL)
				bad_value(binder, property,
						  psprintf("The value must be one of: %s.", choice_names(option->choices)));
			return choice;
	}
	return value;
}

/* The rest of the key behind "name.", or NULL. */
static const char *
strip(const char *key, const char *name)
{
	size_t length = name ? strlen(name) : 0;

	if (length && pg_strncasecmp(key, name, length) == 0 && key[length] == '.')
		return key + length + 1;
	return NULL;
}

/* Which scope a property has, and its key there. */
static int
find_scope(const Binder *binder, const LiftProperty *property, const char **key)
{
	const char *rest;
	bool is_declaration = binder->statement->kind == LIFT_CREATE_DECLARE ||
						  binder->statement->kind == LIFT_ALTER;

	*key = property->key;
	if (property->source || is_declaration)
	{
		if ((rest = strip(property->key, binder->source_name)) ||
			(rest = strip(property->key, binder->source_alias)))
			*key = rest;
		return VELO_OPTION_SOURCE;
	}
	if (velo_base_option_find(property->key, VELO_OPTION_JOB, NULL))
		return VELO_OPTION_JOB;
	if ((rest = strip(property->key, binder->sink_name)) || (rest = strip(property->key, "sink")))
	{
		*key = rest;
		return VELO_OPTION_SINK;
	}
	if ((rest = strip(property->key, binder->source_alias)) ||
		(rest = strip(property->key, binder->source_name)) ||
		(rest = strip(property->key, "source")))
	{
		*key = rest;
		return VELO_OPTION_SOURCE;
	}
	if ((rest = strip(property->key, "job")))
	{
		*key = rest;
		return VELO_OPTION_JOB;
	}
	/* What the created stream keeps (retention …) is the sink's, what is read is the source's. */
	if (binder->statement->kind == LIFT_CREATE_AS &&
		velo_base_option_find(property->key, VELO_OPTION_SINK, binder->sink_type))
		return VELO_OPTION_SINK;
	return VELO_OPTION_SOURCE;
}

static bool
is_word_of(const char *list, const char *word)
{
	const char *found = word ? strstr(list, word) : NULL;

	return found && (found == list || found[-1] == ' ') &&
		   (found[strlen(word)] == '\0' || found[strlen(word)] == ' ');
}

static void
bind_one(Binder *binder, const LiftProperty *property)
{
	const char *key;
	int scope = find_scope(binder, property, &key);
	const char *type = scope == VELO_OPTION_SOURCE ? binder->source_type
					   : scope == VELO_OPTION_SINK ? binder->sink_type
												   : NULL;
	const VeloOption *option = velo_base_option_find(key, scope, type);
	const char *name;
	List **target = scope == VELO_OPTION_JOB	? &binder->bound.job
					: scope == VELO_OPTION_SINK ? &binder->bound.sink
												: &binder->bound.source;

	if (option == NULL)
	{
		/* A bare key of a query may belong to anything. */
		bool is_free = key == property->key && property->source == NULL &&
					   binder->statement->kind != LIFT_CREATE_DECLARE &&
					   binder->statement->kind != LIFT_ALTER;
		const char *hint = velo_plan_property_hint(pnstrdup(property->key, key - property->key),
												   key, is_free ? ~0 : scope);

		ereport(WARNING, (errcode(ERRCODE_WARNING),
						  errmsg("property \"%s\" is not known and has no effect", property->key),
						  hint ? errhint("%s", hint)
							   : errhint("velo.options() lists the properties there are."),
						  velo_plan_error_at(binder->user_text, property->key_span.from)));
		return;
	}
	if (option->refused)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("property \"%s\" is not supported yet", property->key),
						errdetail_internal("%s", option->refused),
						velo_plan_error_at(binder->user_text, property->key_span.from)));
	if (scope == VELO_OPTION_SOURCE && velo_kafka_is_secret(key) &&
		binder->statement->kind != LIFT_CREATE_DECLARE && binder->statement->kind != LIFT_ALTER)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("property \"%s\" cannot be set by a query", property->key),
			 errhint(
				 "Make a connection with CREATE SERVER and CREATE USER MAPPING, and name it where the stream is declared."),
			 velo_plan_error_at(binder->user_text, property->key_span.from)));
	if (option->types && type && !is_word_of(option->types, type))
	{
		ereport(WARNING, (errcode(ERRCODE_WARNING),
						  errmsg("property \"%s\" has no effect on a %s of type %s", property->key,
								 scope == VELO_OPTION_SOURCE ? "source" : "sink", type),
						  velo_plan_error_at(binder->user_text, property->key_span.from)));
		return;
	}
	name = option->name[strlen(option->name) - 1] == '*' ? key : option->name;
	if (velo_base_option_is_set(*target, name))
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("property \"%s\" is given twice; the later value is used", property->key),
				 velo_plan_error_at(binder->user_text, property->key_span.from)));
	*target = velo_base_option_set(*target, name, normalise(binder, property, option));
}

/* What the statement says its sink is: "<sink>.type", "sink.type"; the last one counts. */
static const char *
named_sink_type(const Binder *binder)
{
	const char *type = NULL;

	for (LiftProperty *p = binder->statement->properties; p; p = p->next)
	{
		const char *key = strip(p->key, binder->sink_name);

		if (key == NULL)
			key = strip(p->key, "sink");
		if (key == NULL && binder->statement->kind == LIFT_CREATE_AS && p->source == NULL)
			key = p->key;
		if (key && pg_strcasecmp(key, "type") == 0)
			type = find_choice(source_type.choices, p->value);
	}
	return type;
}

VeloBound
velo_plan_bind(const char *user_text, const LiftStatement *statement, const char *source_name,
			   const char *source_alias, const char *source_type, const char *sink_name)
{
	Binder binder = {
		.user_text = user_text,
		.statement = statement,
		.source_name = source_name,
		.source_alias = source_alias,
		.source_type = source_type,
		.sink_name = sink_name,
	};

	binder.sink_type = named_sink_type(&binder);
	for (LiftProperty *property = statement->properties; property; property = property->next)
		bind_one(&binder, property);
	return binder.bound;
}
