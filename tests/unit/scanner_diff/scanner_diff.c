/*
 * scanner_diff.c
 *	  A text's tokens as PostgreSQL's scanner sees them, and as ours does.
 *
 * Both functions return one string a token, "class from-to", in bytes.  The last
 * one is "error", and PostgreSQL's with its message, if the text cannot be read
 * to its end.  Test only: never install this.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "parser/gramparse.h"
#include "parser/scanner.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "lift/tokens.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(tokens_pg);
PG_FUNCTION_INFO_V1(tokens_lift);

typedef struct Tokens
{
	Datum *items;
	int count;
	int capacity;
} Tokens;

static void
add(Tokens *tokens, const char *item)
{
	if (tokens->count == tokens->capacity)
	{
		int capacity = tokens->capacity == 0 ? 64 : tokens->capacity * 2;

		tokens->items = tokens->items == NULL ? palloc(sizeof(Datum) * capacity)
											  : repalloc(tokens->items, sizeof(Datum) * capacity);
		tokens->capacity = capacity;
	}
	tokens->items[tokens->count++] = CStringGetTextDatum(item);
}

static ArrayType *
as_array(const Tokens *tokens)
{
	return construct_array(tokens->items, tokens->count, TEXTOID, -1, false, TYPALIGN_INT);
}

static const char *
pg_class_of(int token, const char *text)
{
	switch (token)
	{
		case UIDENT:
			return "uquoted";
		case SCONST:
			return "string";
		case USCONST:
			return "ustring";
		case BCONST:
		case XCONST:
			return "bits";
		case ICONST:
		case FCONST:
			return "number";
		case PARAM:
			return "parameter";
		case Op:
		case EQUALS_GREATER:
		case LESS_EQUALS:
		case GREATER_EQUALS:
		case NOT_EQUALS:
			return "operator";
		case TYPECAST:
		case DOT_DOT:
		case COLON_EQUALS:
			return "other";
	}
	if (token < 256)
		return strchr("+-*/%^<>=", token) != NULL ? "operator" : "other";
	return text[0] == '"' ? "quoted" : "word";
}

Datum
tokens_pg(PG_FUNCTION_ARGS)
{
	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	volatile Tokens tokens = {0};
	MemoryContext context = CurrentMemoryContext;
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(sql, &extra, &ScanKeywords, ScanKeywordTokens);

	PG_TRY();
	{
		for (;;)
		{
			core_YYSTYPE value;
			YYLTYPE from;
			int token = core_yylex(&value, &from, scanner);

			if (token == 0)
				break;
			/* The scanner ends the token in its buffer with a NUL until the next call. */
			add((Tokens *) &tokens, psprintf("%s %d-%d", pg_class_of(token, extra.scanbuf + from),
											 from, from + (int) strlen(extra.scanbuf + from)));
		}
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		add((Tokens *) &tokens, psprintf("error %s", error->message));
	}
	PG_END_TRY();
	PG_RETURN_ARRAYTYPE_P(as_array((Tokens *) &tokens));
}

/* Would PostgreSQL 15 refuse this number, which later versions take? */
static bool
is_new_number(const char *text, int length)
{
	if (memchr(text, '_', length) != NULL)
		return true;
	return length > 1 && text[0] == '0' && strchr("xXoObB", text[1]) != NULL;
}

Datum
tokens_lift(PG_FUNCTION_ARGS)
{
	static const char *const classes[] = {
		[LIFT_TOKEN_WORD] = "word",			[LIFT_TOKEN_QUOTED] = "quoted",
		[LIFT_TOKEN_UQUOTED] = "uquoted",	[LIFT_TOKEN_STRING] = "string",
		[LIFT_TOKEN_ESTRING] = "string",	[LIFT_TOKEN_USTRING] = "ustring",
		[LIFT_TOKEN_DOLLAR] = "string",		[LIFT_TOKEN_BITS] = "bits",
		[LIFT_TOKEN_NUMBER] = "number",		[LIFT_TOKEN_PARAMETER] = "parameter",
		[LIFT_TOKEN_OPERATOR] = "operator", [LIFT_TOKEN_OTHER] = "other",
	};
	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int length = strlen(sql);
	Tokens tokens = {0};
	LiftToken token = {0};

	for (;;)
	{
		velo_lift_token_read(sql, length, token.to, &token);
		if (token.kind == LIFT_TOKEN_END)
			break;
		if (token.kind == LIFT_TOKEN_COMMENT)
			continue;
		if (token.kind == LIFT_TOKEN_BROKEN || token.kind == LIFT_TOKEN_DURATION ||
			(token.kind == LIFT_TOKEN_NUMBER &&
			 is_new_number(sql + token.from, token.to - token.from)))
		{
			add(&tokens, "error");
			break;
		}
		add(&tokens, psprintf("%s %d-%d", classes[token.kind], token.from, token.to));
	}
	PG_RETURN_ARRAYTYPE_P(as_array(&tokens));
}
