/*
 * tokens.h
 *	  A scanner with PostgreSQL's lexical rules, and the dialect's two additions:
 *	  duration tokens (5m) and comments that are kept, for annotations.
 */
#pragma once

#include <stdbool.h>

typedef enum LiftTokenKind
{
	LIFT_TOKEN_END,
	LIFT_TOKEN_WORD,	  /* identifier or keyword without quotes */
	LIFT_TOKEN_QUOTED,	  /* "…" */
	LIFT_TOKEN_UQUOTED,	  /* U&"…" */
	LIFT_TOKEN_STRING,	  /* '…', with its continuations over line ends */
	LIFT_TOKEN_ESTRING,	  /* E'…' */
	LIFT_TOKEN_USTRING,	  /* U&'…' */
	LIFT_TOKEN_DOLLAR,	  /* $tag$…$tag$ */
	LIFT_TOKEN_BITS,	  /* B'…', X'…' */
	LIFT_TOKEN_NUMBER,	  /* integer or not, in the spellings of PostgreSQL 17 */
	LIFT_TOKEN_DURATION,  /* 500ms */
	LIFT_TOKEN_PARAMETER, /* $1 */
	LIFT_TOKEN_OPERATOR,  /* made of operator characters, "=" and "=>" among them */
	LIFT_TOKEN_OTHER,	  /* ( ) [ ] , ; . : :: := .. and stray bytes */
	LIFT_TOKEN_COMMENT,	  /* -- to the end of the line; never in LiftReader.tokens */
	LIFT_TOKEN_BROKEN	  /* see LiftToken.fault */
} LiftTokenKind;

typedef enum LiftTokenFault
{
	LIFT_FAULT_NONE,
	LIFT_FAULT_STRING, /* the first seven: unterminated, reaching to the end */
	LIFT_FAULT_BIT_STRING,
	LIFT_FAULT_HEX_STRING,
	LIFT_FAULT_DOLLAR,
	LIFT_FAULT_QUOTED,
	LIFT_FAULT_COMMENT,
	LIFT_FAULT_EMPTY_NAME,
	LIFT_FAULT_NUMBER,
	LIFT_FAULT_PARAMETER
} LiftTokenFault;

typedef struct LiftToken
{
	LiftTokenKind kind;
	LiftTokenFault fault;
	int from; /* bytes of the user's text: [from, to) */
	int to;

	/* Set by the reader, for the tokens of one statement at a time. */
	int match;	/* the bracket that closes or opens this one, or -1 */
	int parent; /* the opening bracket around this token, or -1 */

	/* Set by lifting; see edits.c. */
	int edit_last;		   /* the edit takes the tokens up to this one; -1: no edit */
	const char *edit_text; /* what replaces them, or NULL for blanks */
} LiftToken;

/* Reads the token that starts at or after "at"; its "to" is where to go on. */
extern void velo_lift_token_read(const char *text, int length, int at, LiftToken *token);

/*
 * Where a string literal goes on after its closing quote at "at" (the byte
 * behind the quote): the byte behind the next opening quote, or -1 if it ends
 * there.  SQL lets a literal go on in a later line.
 */
extern int velo_lift_string_continue(const char *text, int length, int at);

static inline bool
lift_is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static inline bool
lift_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
lift_is_name_start(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static inline bool
lift_is_name_part(unsigned char c)
{
	return lift_is_name_start(c) || lift_is_digit(c) || c == '$';
}

static inline unsigned char
lift_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}
