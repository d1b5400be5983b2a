/*
 * dump.c
 *	  A lifted script as text.
 *
 * The form is for people and for diffs: one line a fact, nothing that is zero, and
 * runs of blanks written as ~12~ so that blanked clauses can be counted.
 */
#include "dump.h"

#include <stdlib.h>
#include <string.h>

struct Arena
{
	struct Block
	{
		struct Block *next;
	} *blocks;
};

static void *
arena_alloc(void *context, size_t size)
{
	Arena *arena = context;
	struct Block *block = malloc(sizeof(struct Block) + size);

	if (block == NULL)
		abort();
	block->next = arena->blocks;
	arena->blocks = block;
	memset(block + 1, 0x7F, size); /* who relies on zeroes, shall fail */
	return block + 1;
}

Arena *
arena_create(void)
{
	return calloc(1, sizeof(Arena));
}

void
arena_destroy(Arena *arena)
{
	while (arena->blocks != NULL)
	{
		struct Block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	free(arena);
}

LiftAllocator
arena_allocator(Arena *arena)
{
	return (LiftAllocator) {arena_alloc, arena};
}

const char *
test_lookup(void *context, const char *name)
{
	static const struct
	{
		const char *name;
		const char *value;
	} values[] = {{"BROKERS", "k1:9092,k2:9092"},
				  {"EMPTY", ""},
				  {"QUOTE", "it's"},
				  {"REGION", "eu"}};

	(void) context;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		if (strcmp(values[i].name, name) == 0)
			return values[i].value;
	}
	return NULL;
}

static void
dump_bytes(FILE *out, const char *bytes, int length)
{
	putc('\'', out);
	for (int i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) bytes[i];
		int blanks = 0;

		while (i + blanks < length && bytes[i + blanks] == ' ')
			blanks++;
		if (blanks > 3)
		{
			fprintf(out, "~%d~", blanks);
			i += blanks - 1;
		}
		else if (c == '\n')
			fputs("\\n", out);
		else if (c < 0x20 || c == 0x7F)
			fprintf(out, "\\x%02X", c);
		else
			putc(c, out);
	}
	putc('\'', out);
}

static void
dump_string(FILE *out, const char *string)
{
	dump_bytes(out, string, (int) strlen(string));
}

static void
dump_span(FILE *out, LiftSpan span)
{
	fprintf(out, "[%d,%d)", span.from, span.to);
}

static void
dump_text(FILE *out, int indent, const char *label, const LiftText *text)
{
	bool is_moved = false;

	if (text == NULL)
		return;
	fprintf(out, "%*s%s: ", indent, "", label);
	dump_bytes(out, text->text, text->length);
	putc('\n', out);

	/* The map, where it says more than the first offset does. */
	for (int i = 0; i < text->nsegments; i++)
		is_moved |= text->segments[i].origin.from - text->segments[i].at != text->span.from;
	if (text->length != text->span.to - text->span.from)
		is_moved = true;
	if (!is_moved)
		return;
	fprintf(out, "%*s  map:", indent, "");
	for (int i = 0; i < text->nsegments; i++)
	{
		fprintf(out, " %d%s", text->segments[i].at, text->segments[i].copied ? "=" : "<");
		dump_span(out, text->segments[i].origin);
	}
	putc('\n', out);
}

static void
dump_name(FILE *out, const char *label, const LiftName *name)
{
	if (name == NULL)
		return;
	fprintf(out, " %s=", label);
	if (name->schema != NULL)
		fprintf(out, "%s.", name->schema);
	fprintf(out, "%s", name->name);
	dump_span(out, name->span);
}

static void
dump_annotations(FILE *out, int indent, const char *label, const LiftAnnotation *annotation)
{
	for (; annotation != NULL; annotation = annotation->next)
	{
		fprintf(out, "%*s%s: @%s ", indent, "", label, annotation->key);
		dump_string(out, annotation->value);
		putc(' ', out);
		dump_span(out, annotation->value_span);
		putc('\n', out);
	}
}

static void
dump_window_arg(FILE *out, int indent, const char *label, const LiftWindowArg *arg)
{
	if (arg->is_duration && arg->months != 0)
		fprintf(out, "%*s%s: %d months ", indent, "", label, arg->months);
	else if (arg->is_duration)
		fprintf(out, "%*s%s: %lld us ", indent, "", label, arg->micros);
	else
	{
		dump_text(out, indent, label, arg->expr);
		return;
	}
	dump_span(out, arg->span);
	putc('\n', out);
}

static void
dump_window(FILE *out, int indent, const LiftWindow *window)
{
	static const char *const kinds[] = {"TUMBLING", "SLIDING", "SESSION"};

	fprintf(out, "%*swindow: %s ", indent, "", kinds[window->kind]);
	dump_span(out, window->span);
	if (window->offset_zone != NULL)
		fprintf(out, " zone=%s", window->offset_zone);
	putc('\n', out);
	for (const LiftWindowArg *arg = window->args; arg != NULL; arg = arg->next)
		dump_window_arg(out, indent + 2, "arg", arg);
	if (window->offset != NULL)
		dump_window_arg(out, indent + 2, "offset", window->offset);
}

static void
dump_flag(FILE *out, bool is_set, const char *name)
{
	if (is_set)
		fprintf(out, " %s", name);
}

static void
dump_job(FILE *out, const LiftStatement *s)
{
	static const char *const verbs[] = {"START",  "STOP",	  "PAUSE", "RESUME",
										"DEPLOY", "ROLLBACK", "RESET"};
	static const char *const places[] = {"EARLIEST", "LATEST", "TIMESTAMP", "OFFSETS"};

	fprintf(out, " %s", verbs[s->verb]);
	dump_flag(out, s->force, "force");
	if (s->version != NULL)
		fprintf(out, " version=%s", s->version);
	if (s->strategy != NULL)
		fprintf(out, " strategy=%s", s->strategy);
	if (s->percent != 0)
		fprintf(out, " percent=%g", s->percent);
	if (s->verb == LIFT_JOB_RESET)
		fprintf(out, " to=%s", places[s->reset_to]);
	if (s->reset_value != NULL)
		fprintf(out, " value=%s", s->reset_value);
}

static void
dump_statement(FILE *out, int indent, const LiftStatement *s)
{
	static const char *const kinds[] = {"PG",		"QUERY",   "CREATE_AS", "CREATE_DECLARE",
										"INSERT",	"DROP",	   "ALTER",		"SHOW",
										"DESCRIBE", "EXPLAIN", "JOB"};
	static const char *const shows[] = {"STREAMS", "TABLES",	 "TOPICS",	  "FUNCTIONS",
										"JOBS",	   "STATUS",	 "VERSIONS",  "METRICS",
										"SCHEMA",  "PROPERTIES", "PARTITIONS"};
	static const char *const emits[] = {"", "CHANGES", "FINAL"};

	fprintf(out, "%*s%s ", indent, "", kinds[s->kind]);
	dump_span(out, s->span);
	dump_flag(out, s->broken, "broken");
	dump_flag(out, s->is_dialect, "dialect");
	dump_flag(out, s->is_table, "table");
	dump_flag(out, s->is_job, "job");
	dump_flag(out, s->if_not_exists, s->kind == LIFT_DROP ? "if_exists" : "if_not_exists");
	dump_flag(out, s->cascade, "cascade");
	dump_flag(out, s->format_json, "json");
	dump_flag(out, s->explain_job, "explain_job");
	if (s->kind == LIFT_SHOW)
		fprintf(out, " %s", shows[s->show]);
	if (s->kind == LIFT_JOB)
		dump_job(out, s);
	dump_name(out, "name", s->name);
	if (s->like != NULL)
		fprintf(out, " like=%s", s->like);
	putc('\n', out);

	indent += 2;
	dump_annotations(out, indent, "annotation", s->annotations);
	for (const LiftColumn *column = s->columns; column != NULL; column = column->next)
	{
		fprintf(out, "%*scolumn: %s ", indent, "", column->name);
		dump_span(out, column->span);
		dump_flag(out, column->not_null, "not_null");
		dump_flag(out, column->primary_key, "primary_key");
		putc('\n', out);
		dump_text(out, indent + 2, "type", column->type);
		dump_text(out, indent + 2, "default", column->default_value);
	}
	dump_text(out, indent, "core", s->core);
	dump_text(out, indent, "query", s->query);
	dump_text(out, indent, "targets", s->insert_targets);
	if (s->window != NULL)
		dump_window(out, indent, s->window);
	if (s->emit != LIFT_EMIT_DEFAULT)
	{
		fprintf(out, "%*semit: %s ", indent, "", emits[s->emit]);
		dump_span(out, s->emit_span);
		putc('\n', out);
	}
	for (const LiftKeyItem *key = s->key_items; key != NULL; key = key->next)
	{
		fprintf(out, "%*skey: item %d ", indent, "", key->item);
		dump_span(out, key->span);
		putc('\n', out);
	}
	if (s->into != NULL)
	{
		fprintf(out, "%*s", indent - 1, "");
		dump_name(out, "into", s->into);
		putc('\n', out);
	}
	for (const LiftProperty *property = s->properties; property != NULL; property = property->next)
	{
		fprintf(out, "%*sproperty: ", indent, "");
		if (property->source != NULL)
			fprintf(out, "(%s) ", property->source);
		fprintf(out, "%s", property->key);
		dump_span(out, property->key_span);
		fputs(" = ", out);
		dump_string(out, property->value);
		dump_span(out, property->value_span);
		putc('\n', out);
	}
	if (s->body != NULL)
		dump_statement(out, indent, s->body);
}

void
dump_script(FILE *out, const char *text, const LiftScript *script)
{
	static const char *const severities[] = {"INFO", "WARNING", "ERROR"};

	dump_annotations(out, 0, "header", script->header);
	for (const LiftStatement *s = script->statements; s != NULL; s = s->next)
		dump_statement(out, 0, s);
	for (const LiftDiagnostic *d = script->diagnostics; d != NULL; d = d->next)
	{
		fprintf(out, "%s %s ", severities[d->severity], d->sqlstate);
		dump_span(out, d->span);
		fprintf(out, " %s: ", d->message);
		dump_bytes(out, text + d->span.from, d->span.to - d->span.from);
		putc('\n', out);
		if (d->detail != NULL)
			fprintf(out, "  detail: %s\n", d->detail);
		if (d->hint != NULL)
			fprintf(out, "  hint: %s\n", d->hint);
	}
}
