/*
 * reader.c
 *	  Memory, diagnostics and small questions about tokens.
 */
#include "lift/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longest piece of the user's text quoted in a message, in bytes. */
#define QUOTED_BYTES_MAX 64

void *
velo_lift_alloc(LiftReader *reader, size_t size)
{
	void *memory = reader->allocator->alloc(reader->allocator->context, size);

	memset(memory, 0, size);
	return memory;
}

char *
velo_lift_copy(LiftReader *reader, const char *bytes, int length)
{
	char *copy = velo_lift_alloc(reader, (size_t) length + 1);

	memcpy(copy, bytes, (size_t) length);
	return copy;
}

LiftDiagnostic *
velo_lift_report(LiftReader *reader, LiftSeverity severity, const char *sqlstate, LiftSpan span,
				 const char *format, ...)
{
	LiftDiagnostic *diagnostic;
	va_list arguments;
	int length;
	char *message;

	if (severity == LIFT_ERROR)
	{
		reader->script->has_error = true;
		reader->nerrors++;
		if (reader->present != NULL)
			reader->present->broken = true;
	}
	/* Past the limit errors still count, but are not listed. */
	if (reader->ndiagnostics++ >= LIFT_DIAGNOSTICS_MAX)
		return &reader->unlisted;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		length = 0;
	message = velo_lift_alloc(reader, (size_t) length + 1);
	va_start(arguments, format);
	vsnprintf(message, (size_t) length + 1, format, arguments);
	va_end(arguments);

	diagnostic = velo_lift_alloc(reader, sizeof(LiftDiagnostic));
	diagnostic->severity = severity;
	memcpy(diagnostic->sqlstate, sqlstate, sizeof(diagnostic->sqlstate) - 1);
	diagnostic->message = message;
	diagnostic->span = span;

	if (reader->last_diagnostic == NULL)
		reader->script->diagnostics = diagnostic;
	else
		reader->last_diagnostic->next = diagnostic;
	reader->last_diagnostic = diagnostic;
	return diagnostic;
}

/*
 * The length of at most "max" bytes that does not end inside a UTF-8 character.
 * No character is longer than four bytes; what looks so is none.
 */
static int
cut_length(const char *bytes, int length, int max)
{
	int cut = max;

	if (length <= max)
		return length;
	while (max - cut < 3 && ((unsigned char) bytes[cut] & 0xC0) == 0x80)
		cut--;
	return cut;
}

/* Cuts bytes to a message's length. */
static const char *
shortened(LiftReader *reader, const char *bytes, int length)
{
	char *copy;

	if (length <= QUOTED_BYTES_MAX)
		return velo_lift_copy(reader, bytes, length);
	length = cut_length(bytes, length, QUOTED_BYTES_MAX);
	copy = velo_lift_alloc(reader, (size_t) length + 4);
	memcpy(copy, bytes, (size_t) length);
	memcpy(copy + length, "...", 4);
	return copy;
}

const char *
velo_lift_token_text(LiftReader *reader, int at)
{
	const LiftToken *token = lift_token(reader, at);

	return shortened(reader, reader->text + token->from, token->to - token->from);
}

const char *
velo_lift_span_text(LiftReader *reader, LiftSpan span)
{
	return shortened(reader, reader->text + span.from, span.to - span.from);
}

LiftDiagnostic *
velo_lift_syntax_error(LiftReader *reader, int at)
{
	/* At the end of a statement the ";" is what comes unexpectedly, if there is one. */
	const LiftToken *token = at >= reader->end ? &reader->tokens[reader->end]
											   : lift_token(reader, at);

	if (token->kind == LIFT_TOKEN_END)
	{
		int last = reader->end > 0 ? reader->tokens[reader->end - 1].to : 0;

		return lift_error(reader, "42601", ((LiftSpan) {last, last}),
						  "syntax error at end of input");
	}
	return lift_error(reader, "42601", ((LiftSpan) {token->from, token->to}),
					  "syntax error at or near \"%s\"",
					  shortened(reader, reader->text + token->from, token->to - token->from));
}

bool
velo_lift_is_word(const LiftReader *reader, int at, const char *word)
{
	const LiftToken *token = lift_token(reader, at);
	int length = token->to - token->from;

	if (token->kind != LIFT_TOKEN_WORD)
		return false;
	for (int i = 0; i < length; i++)
	{
		/* The word's NUL ends this too. */
		if (lift_lower((unsigned char) reader->text[token->from + i]) != (unsigned char) word[i])
			return false;
	}
	return word[length] == '\0';
}

int
velo_lift_word_of(const LiftReader *reader, int at, const char *const *words)
{
	if (!lift_is_any_word(reader, at))
		return -1;
	for (int i = 0; words[i] != NULL; i++)
	{
		if (velo_lift_is_word(reader, at, words[i]))
			return i;
	}
	return -1;
}

bool
velo_lift_is(const LiftReader *reader, int at, const char *symbol)
{
	const LiftToken *token = lift_token(reader, at);
	size_t length = (size_t) (token->to - token->from);

	return (token->kind == LIFT_TOKEN_OPERATOR || token->kind == LIFT_TOKEN_OTHER) &&
		   length == strlen(symbol) && memcmp(reader->text + token->from, symbol, length) == 0;
}

const char *
velo_lift_identifier(LiftReader *reader, int at)
{
	const LiftToken *token = lift_token(reader, at);
	const char *value;
	char *name;
	int length;

	if (token->kind == LIFT_TOKEN_WORD)
	{
		value = reader->text + token->from;
		length = token->to - token->from;
	}
	else if (token->kind == LIFT_TOKEN_QUOTED || token->kind == LIFT_TOKEN_UQUOTED)
	{
		value = velo_lift_value(reader, at);
		if (value == NULL)
			return NULL;
		length = (int) strlen(value);
	}
	else
		return NULL;

	length = cut_length(value, length, LIFT_NAME_BYTES_MAX); /* as PostgreSQL does */
	name = velo_lift_copy(reader, value, length);
	if (token->kind == LIFT_TOKEN_WORD)
	{
		for (int i = 0; i < length; i++)
			name[i] = (char) lift_lower((unsigned char) name[i]);
	}
	return name;
}

LiftName *
velo_lift_name(LiftReader *reader, int *at)
{
	LiftName *name;
	int first = *at;

	if (!velo_lift_is_name(reader, first))
	{
		LiftDiagnostic *error = velo_lift_syntax_error(reader, first);

		if (lift_is_string(reader, first))
			error->hint = "A name is written without quotes, or in double quotes.";
		else if (velo_lift_is_reserved(reader, first))
			error->hint = "A name is expected here. Put a reserved word in double quotes to use it "
						  "as a name.";
		else
			error->hint = "A name is expected here.";
		return NULL;
	}
	name = velo_lift_alloc(reader, sizeof(LiftName));
	name->name = velo_lift_identifier(reader, first);
	*at = first + 1;
	if (velo_lift_is(reader, *at, "."))
	{
		/* Behind a dot even a reserved word is a name. */
		name->schema = name->name;
		name->name = velo_lift_identifier(reader, *at + 1);
		if (name->name == NULL)
		{
			velo_lift_syntax_error(reader, *at + 1);
			return NULL;
		}
		*at += 2;
	}
	if (velo_lift_is(reader, *at, "."))
	{
		lift_error(reader, "0A000", lift_span(reader, first, *at),
				   "cross-database references are not implemented");
		return NULL;
	}
	name->span = lift_span(reader, first, *at - 1);
	return name->name == NULL ? NULL : name;
}

bool
velo_lift_expect_end(LiftReader *reader, int at)
{
	if (at >= reader->end)
		return true;
	velo_lift_syntax_error(reader, at);
	return false;
}
