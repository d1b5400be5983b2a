/*
 * reader.h
 *	  What the parts of the lifter share: the text being lifted as tokens, the
 *	  diagnostics, and small questions about tokens.
 *
 * A reader works on one statement at a time: tokens [first, end).  Token numbers
 * are int; a question about a token outside that range is answered as for the
 * end of the text, so look-ahead needs no bounds checks.
 */
#pragma once

#include "lift/lift.h"
#include "lift/tokens.h"

enum
{
	LIFT_TEXT_BYTES_MAX = 16 * 1024 * 1024,
	LIFT_DEPTH_MAX = 64, /* of types in types; nothing else recurses */
	LIFT_DIAGNOSTICS_MAX = 200,
	LIFT_NAME_BYTES_MAX = 63 /* of an identifier, as in PostgreSQL */
};

typedef struct LiftReader
{
	const char *text;
	int length;
	const LiftAllocator *allocator;
	LiftLookup lookup;
	void *lookup_context;

	LiftToken *tokens; /* of the whole text, without comments; END is the last */
	int ntokens;
	LiftToken *comments; /* the "--" ones */
	int ncomments;
	int next_comment; /* the first not yet looked at for annotations */

	int end;				/* the present statement ends before this token */
	LiftStatement *present; /* what errors make broken */

	LiftProperty **properties; /* the list added to last, and its end */
	LiftProperty **properties_tail;

	LiftScript *script;
	LiftDiagnostic *last_diagnostic;
	int ndiagnostics;
	int nerrors;
	LiftDiagnostic unlisted; /* takes the hints of those past the limit */
} LiftReader;

/* Memory. */
extern void *velo_lift_alloc(LiftReader *reader, size_t size); /* zeroed */
extern char *velo_lift_copy(LiftReader *reader, const char *bytes, int length);

/*
 * Diagnostics.  Each returns what it added, so that the caller can give it a hint
 * or a detail.  An error makes the present statement broken.
 */
extern LiftDiagnostic *velo_lift_report(LiftReader *reader, LiftSeverity severity,
										const char *sqlstate, LiftSpan span, const char *format,
										...) __attribute__((format(printf, 5, 6)));

#define lift_error(reader, sqlstate, span, ...)                                                    \
	velo_lift_report(reader, LIFT_ERROR, sqlstate, span, __VA_ARGS__)

/* PostgreSQL's "syntax error at or near", at a token. */
extern LiftDiagnostic *velo_lift_syntax_error(LiftReader *reader, int at);

/* A token's text for a message: cut if long. */
extern const char *velo_lift_token_text(LiftReader *reader, int at);

/* The same for any part of the text. */
extern const char *velo_lift_span_text(LiftReader *reader, LiftSpan span);

/* The contents of a literal or a quoted name; reports bad escapes and gives NULL then. */
extern const char *velo_lift_value(LiftReader *reader, int at);

/* An identifier as PostgreSQL stores it; NULL if the token is none. */
extern const char *velo_lift_identifier(LiftReader *reader, int at);

/* Would PostgreSQL refuse this word as a name, unless quoted? */
extern bool velo_lift_is_reserved(const LiftReader *reader, int at);

/* Is the token a name: quoted, or a word that is not reserved? */
extern bool velo_lift_is_name(const LiftReader *reader, int at);

/* Reads name or schema.name at *at and goes behind it; NULL after an error. */
extern LiftName *velo_lift_name(LiftReader *reader, int *at);

extern bool velo_lift_is_word(const LiftReader *reader, int at, const char *word);
extern bool velo_lift_is(const LiftReader *reader, int at, const char *symbol);

/* Is the word one of a NULL-terminated list?  Returns its place, or -1. */
extern int velo_lift_word_of(const LiftReader *reader, int at, const char *const *words);

/* Reports a syntax error unless the statement ends at token "at". */
extern bool velo_lift_expect_end(LiftReader *reader, int at);

static inline const LiftToken *
lift_token(const LiftReader *reader, int at)
{
	return at >= 0 && at < reader->end ? &reader->tokens[at] : &reader->tokens[reader->ntokens - 1];
}

static inline LiftTokenKind
lift_kind(const LiftReader *reader, int at)
{
	return lift_token(reader, at)->kind;
}

static inline bool
lift_is_string(const LiftReader *reader, int at)
{
	LiftTokenKind kind = lift_kind(reader, at);

	return kind == LIFT_TOKEN_STRING || kind == LIFT_TOKEN_ESTRING || kind == LIFT_TOKEN_USTRING ||
		   kind == LIFT_TOKEN_DOLLAR;
}

static inline bool
lift_is_any_word(const LiftReader *reader, int at)
{
	return lift_kind(reader, at) == LIFT_TOKEN_WORD;
}

/* The next token on the same level: a bracket takes its contents with it. */
static inline int
lift_after(const LiftReader *reader, int at)
{
	int match = lift_token(reader, at)->match;

	return (match > at ? match : at) + 1;
}

/* From the first byte of one token to the last of another. */
static inline LiftSpan
lift_span(const LiftReader *reader, int first, int last)
{
	return (LiftSpan) {lift_token(reader, first)->from, lift_token(reader, last)->to};
}
