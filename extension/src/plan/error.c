/*
 * error.c
 *	  Positions in the user's own text, whatever stage reports them.
 *
 * PostgreSQL's parser and analyser report character positions in the text they
 * were given, which is a rewritten one.  The map on the error context stack turns
 * those into positions of the user's text while the error is being raised.
 */
#include "postgres.h"

#include "plan/plan.h"

#include <mb/pg_wchar.h>
#include <utils/elog.h>
#include <utils/guc.h>
#include <utils/memutils.h>

int
velo_plan_error_at(const char *user_text, int byte)
{
	int length = strlen(user_text);

	internalerrposition(pg_mbstrlen_with_len(user_text, Min(byte, length)) + 1);
	return internalerrquery(user_text);
}

int
velo_plan_error_at_place(const char *user_text, LiftSpan place)
{
	return place.to > 0 ? velo_plan_error_at(user_text, place.from) : 0;
}

int
velo_plan_error_at_property(const char *user_text, const LiftStatement *statement,
							const char *property)
{
	LiftSpan place = {0, 0};
	size_t length = strlen(property);

	for (LiftProperty *p = statement->properties; p; p = p->next)
	{
		size_t prefix = strlen(p->key);

		if (prefix < length || pg_strcasecmp(p->key + prefix - length, property) != 0)
			continue;
		/* "event.time.field", and with the source's name before it. */
		if (prefix == length || p->key[prefix - length - 1] == '.')
			place = p->value_span;
	}
	return velo_plan_error_at_place(user_text, place);
}

static int
byte_of_character(const char *text, int character)
{
	const char *at = text;

	while (character-- > 1 && *at)
		at += pg_mblen(at);
	return at - text;
}

/* What is being raised, so far. */
static ErrorData *
copy_present_error(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	ErrorData *error = CopyErrorData();

	MemoryContextSwitchTo(old);
	return error;
}

/* Mistakes that newcomers to the dialect make. */
static void
add_hint(const char *user_text, int byte)
{
	ErrorData *error = copy_present_error();
	const char *end = user_text[byte] == '"' ? strchr(user_text + byte + 1, '"') : NULL;

	if (error->hint)
		/* PostgreSQL's own knows more. */;
	else if (error->sqlerrcode == ERRCODE_UNDEFINED_COLUMN && end && end[1] != '.')
		errhint("Use single quotes for a string: '%.*s'.", (int) (end - user_text) - byte - 1,
				user_text + byte + 1);
	else if (error->sqlerrcode == ERRCODE_GROUPING_ERROR && error->message_id &&
			 strstr(error->message_id, "must appear in the GROUP BY clause"))
		errhint("Add the column to GROUP BY, or use velo.last(...) for the latest record's value.");
	else if (error->sqlerrcode == ERRCODE_GROUPING_ERROR && error->message &&
			 strstr(error->message, "WHERE"))
		errhint("Use HAVING for a condition on aggregates.");
	FreeErrorData(error);
}

/*
 * A statement that was handed to SPI has its position moved to the "internal" one
 * already; it is ours if the text it points into is.
 */
static int
position_of_spi(const VeloErrorMap *map)
{
	int position = getinternalerrposition();
	ErrorData *error;

	if (position <= 0)
		return 0;
	error = copy_present_error();
	if (error->internalquery == NULL || strcmp(error->internalquery, map->core->text) != 0)
		position = 0;
	FreeErrorData(error);
	return position;
}

static void
translate_position(void *arg)
{
	VeloErrorMap *map = arg;
	int position = geterrposition();
	int byte;

	if (position <= 0)
		position = position_of_spi(map);
	if (position <= 0)
		return;
	byte = velo_lift_origin(map->core, byte_of_character(map->core->text, position - map->skip));
	errposition(0);
	velo_plan_error_at(map->user_text, byte);
	add_hint(map->user_text, byte);
}

void
velo_plan_error_map_push(VeloErrorMap *map, const char *user_text, const LiftText *core)
{
	map->user_text = user_text;
	map->core = core;
	map->skip = 0;
	map->callback.callback = translate_position;
	map->callback.arg = map;
	map->callback.previous = error_context_stack;
	error_context_stack = &map->callback;
}

void
velo_plan_error_map_pop(VeloErrorMap *map)
{
	Assert(error_context_stack == &map->callback);
	error_context_stack = map->callback.previous;
}

static void
add_place(void *arg)
{
	VeloErrorPlace *place = arg;

	if (geterrposition() <= 0 && getinternalerrposition() <= 0)
		velo_plan_error_at_place(place->user_text, place->place);
}

void
velo_plan_error_place_push(VeloErrorPlace *place, const char *user_text, LiftSpan span)
{
	place->user_text = user_text;
	place->place = span;
	place->callback.callback = add_place;
	place->callback.arg = place;
	place->callback.previous = error_context_stack;
	error_context_stack = &place->callback;
}

void
velo_plan_error_place_pop(VeloErrorPlace *place)
{
	Assert(error_context_stack == &place->callback);
	error_context_stack = place->callback.previous;
}

static void *
allocate(void *context, size_t size)
{
	return palloc0(size);
}

const LiftAllocator velo_plan_allocator = {allocate, NULL};

void
velo_plan_report(const char *user_text, const LiftDiagnostic *diagnostic, int elevel)
{
	const char *s = diagnostic->sqlstate;

	ereport(elevel, (errcode(MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4])),
					 errmsg_internal("%s", diagnostic->message),
					 diagnostic->detail ? errdetail_internal("%s", diagnostic->detail) : 0,
					 diagnostic->hint ? errhint("%s", diagnostic->hint) : 0,
					 velo_plan_error_at(user_text, diagnostic->span.from)));
}

/* ${NAME}: the params argument, then the setting velo.var.<name>. */
static const char *
lookup_variable(void *context, const char *name)
{
	Jsonb *params = context;

	if (params && JB_ROOT_IS_OBJECT(params))
	{
		JsonbValue buffer;
		JsonbValue *value = getKeyJsonValueFromContainer(&params->root, name, strlen(name),
														 &buffer);

		if (value && value->type == jbvString)
			return pnstrdup(value->val.string.val, value->val.string.len);
	}
	return GetConfigOption(psprintf("velo.var.%s", name), true, false);
}

/* The planner finds the SELECT in one place, whatever kind of statement it came in. */
static void
set_query(LiftStatement *statement)
{
	if (statement->query == NULL &&
		(statement->kind == LIFT_QUERY || statement->kind == LIFT_CREATE_AS))
		statement->query = statement->core;
	if (statement->body)
		set_query(statement->body);
}

LiftScript *
velo_plan_lift(const char *text, Jsonb *params, bool raise)
{
	LiftScript *script = velo_lift_script(text, strlen(text), &velo_plan_allocator, lookup_variable,
										  params);

	for (LiftStatement *statement = script->statements; statement; statement = statement->next)
		set_query(statement);
	if (raise)
	{
		for (LiftDiagnostic *d = script->diagnostics; d; d = d->next)
			if (d->severity == LIFT_ERROR)
				velo_plan_report(text, d, ERROR);
		for (LiftDiagnostic *d = script->diagnostics; d; d = d->next)
			velo_plan_report(text, d, d->severity == LIFT_WARNING ? WARNING : NOTICE);
	}
	return script;
}
