/*
 * check.c
 *	  What must hold for the result of lifting any text at all.
 *
 * Used by the cases and by the fuzzer.  A check returns a message rather than
 * stopping, so that both can say which text it was.
 */
#include "dump.h"

#include <string.h>

static size_t text_length;
static const char *user_text;

static bool
is_inside(LiftSpan span)
{
	return span.from >= 0 && span.from <= span.to && (size_t) span.to <= text_length;
}

static const char *
check_text(const LiftText *text)
{
	if (text == NULL)
		return NULL;
	if (!is_inside(text->span))
		return "text: span outside the user's text";
	if (text->length < 0 || text->text[text->length] != '\0' ||
		strlen(text->text) != (size_t) text->length)
		return "text: not ended by one NUL";
	if (text->length > 0 && (text->nsegments == 0 || text->segments[0].at != 0))
		return "text: start not mapped";
	for (int i = 0; i < text->nsegments; i++)
	{
		const LiftSegment *segment = &text->segments[i];
		int end = i + 1 < text->nsegments ? text->segments[i + 1].at : text->length;

		if (end <= segment->at)
			return "text: segments not in order";
		if (!is_inside(segment->origin))
			return "text: segment from outside the user's text";
		if (segment->copied && (segment->origin.to - segment->origin.from != end - segment->at ||
								memcmp(text->text + segment->at, user_text + segment->origin.from,
									   (size_t) (end - segment->at)) != 0))
			return "text: copied segment is no copy";
	}
	for (int at = -1; at <= text->length + 1; at += 1 + text->length / 97)
	{
		int origin = velo_lift_origin(text, at);

		if (origin < text->span.from || origin > text->span.to)
			return "text: origin outside its span";
	}
	return NULL;
}

static const char *
check_name(const LiftName *name)
{
	if (name == NULL)
		return NULL;
	if (!is_inside(name->span) || name->name == NULL || name->name[0] == '\0' ||
		strlen(name->name) > 63 || (name->schema != NULL && strlen(name->schema) > 63))
		return "bad name";
	return NULL;
}

static const char *
check_window(const LiftWindow *window)
{
	const char *wrong;
	int count = 0;
	int durations = 0;

	if (window == NULL)
		return NULL;
	if (!is_inside(window->span))
		return "window: span";
	for (const LiftWindowArg *arg = window->args; arg != NULL; arg = arg->next)
	{
		count++;
		durations += arg->is_duration;
		if (!is_inside(arg->span))
			return "window: argument's span";
		if (arg->is_duration == (arg->expr != NULL))
			return "window: argument neither duration nor expression";
		if (arg->is_duration && arg->months == 0 && arg->micros <= 0)
			return "window: size not positive";
		if (arg->is_duration && arg->months != 0 && arg->micros != 0)
			return "window: both months and time";
		if ((wrong = check_text(arg->expr)) != NULL)
			return wrong;
	}
	if (count != window->nargs || count < 1 || count > 3)
		return "window: number of arguments";
	if (durations != (window->kind == LIFT_WINDOW_SLIDING ? 2 : 1))
		return "window: number of durations";
	return NULL;
}

static const char *
check_statement(const LiftStatement *s, LiftSpan within)
{
	const char *wrong = NULL;

	if (!is_inside(s->span) || s->span.from < within.from || s->span.to > within.to)
		return "statement: span";
	if (s->span.from == s->span.to)
		return "statement: empty";
	if (s->kind == LIFT_PG && s->core == NULL)
		return "statement: PG without core";
	if (!s->broken)
	{
		if ((s->kind == LIFT_QUERY || s->kind == LIFT_CREATE_AS || s->kind == LIFT_INSERT) &&
			s->core == NULL)
			return "statement: no core";
		if ((s->kind == LIFT_CREATE_AS || s->kind == LIFT_CREATE_DECLARE ||
			 s->kind == LIFT_INSERT || s->kind == LIFT_DROP || s->kind == LIFT_ALTER ||
			 s->kind == LIFT_DESCRIBE || s->kind == LIFT_JOB) &&
			s->name == NULL)
			return "statement: no name";
		if (s->kind == LIFT_EXPLAIN && (s->body == NULL) == (s->name == NULL))
			return "statement: EXPLAIN of nothing";
		if (s->body != NULL && s->body->broken)
			return "statement: broken body in a good statement";
	}
	if ((wrong = check_name(s->name)) != NULL || (wrong = check_name(s->into)) != NULL ||
		(wrong = check_text(s->core)) != NULL || (wrong = check_text(s->query)) != NULL ||
		(wrong = check_text(s->insert_targets)) != NULL ||
		(wrong = check_window(s->window)) != NULL)
		return wrong;
	for (const LiftColumn *column = s->columns; column != NULL; column = column->next)
	{
		if (column->name == NULL || !is_inside(column->span))
			return "column";
		if ((wrong = check_text(column->type)) != NULL ||
			(wrong = check_text(column->default_value)) != NULL)
			return wrong;
	}
	for (const LiftProperty *property = s->properties; property != NULL; property = property->next)
	{
		if (property->key == NULL || property->value == NULL || !is_inside(property->key_span) ||
			!is_inside(property->value_span))
			return "property";
	}
	for (const LiftKeyItem *key = s->key_items; key != NULL; key = key->next)
	{
		if (!is_inside(key->span) || key->item < 0 || (key->next && key->next->item <= key->item))
			return "key item";
	}
	if (s->emit != LIFT_EMIT_DEFAULT && !is_inside(s->emit_span))
		return "emit";
	return s->body == NULL ? NULL : check_statement(s->body, s->span);
}

static const char *
check_annotations(const LiftAnnotation *annotation)
{
	for (; annotation != NULL; annotation = annotation->next)
	{
		if (annotation->key == NULL || annotation->key[0] == '\0' || annotation->value == NULL ||
			!is_inside(annotation->key_span) || !is_inside(annotation->value_span))
			return "annotation";
	}
	return NULL;
}

const char *
check_script(const char *text, size_t length, const LiftScript *script)
{
	const char *wrong;
	int before = 0;
	int from = 0;
	bool has_error = false;
	bool has_broken = false;

	user_text = text;
	text_length = length;
	for (const LiftStatement *s = script->statements; s != NULL; s = s->next)
	{
		LiftSpan rest = {before, (int) length};

		if ((wrong = check_statement(s, rest)) != NULL ||
			(wrong = check_annotations(s->annotations)) != NULL)
			return wrong;
		before = s->span.to;
		has_broken |= s->broken;
	}
	for (const LiftDiagnostic *d = script->diagnostics; d != NULL; d = d->next)
	{
		if (strlen(d->sqlstate) != 5 || d->message == NULL || d->message[0] == '\0')
			return "diagnostic: no message";
		if (!is_inside(d->span) || d->span.from < from)
			return "diagnostic: span";
		from = d->span.from;
		has_error |= d->severity == LIFT_ERROR;
	}
	/* Errors past the limit of the list are counted only. */
	if (has_error && !script->has_error)
		return "error not counted";
	if (has_broken && !script->has_error)
		return "broken statement without error";
	return check_annotations(script->header);
}
