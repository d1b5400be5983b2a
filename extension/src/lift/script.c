/*
 * script.c
 *	  A whole text: tokens, statements, and which family reads each.
 *
 * The text is tokenised once and split at its semicolons first, so that an error
 * in one statement ends with that statement and the next are still read: the
 * user sees everything that is wrong at once.
 */
#include "lift/annotations.h"
#include "lift/statements.h"

#include <limits.h>
#include <string.h>

enum
{
	LIFT_STATEMENTS_MAX = 100000
};

static const char *const job_words[] = {"job", "query", NULL};
static const char *const object_words[] = {"stream", "table", NULL};
static const char *const create_words[] = {"stream", "table", "or", NULL};
static const char *const into_words[] = {"into", NULL};

/* Which family a statement belongs to, by its first two words. */
static const struct
{
	const char *word;
	const char *const *second; /* or NULL: any */
	LiftFamily family;
	bool is_body; /* may stand in START JOB … AS and EXPLAIN */
} families[] = {
	{"select", NULL, velo_lift_select, true},
	{"with", NULL, velo_lift_select, true},
	{"create", create_words, velo_lift_create, true},
	{"insert", into_words, velo_lift_insert, true},
	{"drop", object_words, velo_lift_drop, false},
	{"alter", object_words, velo_lift_alter, false},
	{"show", NULL, velo_lift_show, false},
	{"list", NULL, velo_lift_show, false},
	{"describe", NULL, velo_lift_describe, false},
	{"explain", NULL, velo_lift_explain, false},
	{"start", job_words, velo_lift_job, false},
	{"stop", job_words, velo_lift_job, false},
	{"pause", job_words, velo_lift_job, false},
	{"resume", job_words, velo_lift_job, false},
	{"deploy", job_words, velo_lift_job, false},
	{"rollback", job_words, velo_lift_job, false},
	{"reset", job_words, velo_lift_job, false},
};

static LiftFamily
find_family(const LiftReader *reader, int first, bool for_body)
{
	if (velo_lift_is(reader, first, "("))
		return velo_lift_select;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
	{
		if (velo_lift_is_word(reader, first, families[i].word) &&
			(families[i].second == NULL ||
			 velo_lift_word_of(reader, first + 1, families[i].second) >= 0) &&
			(families[i].is_body || !for_body))
			return families[i].family;
	}
	return NULL;
}

LiftStatement *
velo_lift_body(LiftReader *reader, int first)
{
	LiftStatement *outer = reader->present;
	LiftFamily family = first < reader->end ? find_family(reader, first, true) : NULL;
	LiftStatement *body;
	bool is_ours;

	if (family == NULL)
		return NULL;
	body = velo_lift_alloc(reader, sizeof(LiftStatement));
	body->span = lift_span(reader, first, reader->end - 1);
	reader->present = body;
	is_ours = family(reader, body, first);
	reader->present = outer;
	if (!is_ours)
		return NULL;
	outer->broken |= body->broken;
	return body;
}

/* Reads all tokens; they are counted first, so that the array fits. */
static void
read_tokens(LiftReader *reader)
{
	for (int pass = 0; pass < 2; pass++)
	{
		LiftToken token = {.kind = LIFT_TOKEN_OTHER};
		int at = 0;

		reader->ntokens = 0;
		reader->ncomments = 0;
		while (token.kind != LIFT_TOKEN_END)
		{
			velo_lift_token_read(reader->text, reader->length, at, &token);
			at = token.to;
			if (token.kind == LIFT_TOKEN_COMMENT)
			{
				if (pass == 1)
					reader->comments[reader->ncomments] = token;
				reader->ncomments++;
			}
			else
			{
				if (pass == 1)
					reader->tokens[reader->ntokens] = token;
				reader->ntokens++;
			}
		}
		if (pass == 0)
		{
			reader->tokens = velo_lift_alloc(reader, sizeof(LiftToken) * (size_t) reader->ntokens);
			reader->comments = velo_lift_alloc(reader, sizeof(LiftToken) *
														   ((size_t) reader->ncomments + 1));
		}
	}
}

/* Is it CREATE [OR REPLACE] followed by one of the words? */
static bool
is_create(const LiftReader *reader, int first, const char *const *words)
{
	if (!velo_lift_is_word(reader, first, "create"))
		return false;
	first++;
	if (velo_lift_is_word(reader, first, "or"))
		first += 2;
	return velo_lift_word_of(reader, first, words) >= 0;
}

/*
 * The ";" that ends the statement at "first", or the text's end.  Semicolons do
 * not end a statement in the body of a function written in SQL (BEGIN ATOMIC … END)
 * or in the actions of a rule, which stand in parentheses.  In other parentheses
 * they do: there they are a missing ")", and the next statement is worth reading.
 */
static int
find_statement_end(const LiftReader *reader, int first)
{
	static const char *const routines[] = {"function", "procedure", NULL};
	static const char *const rules[] = {"rule", NULL};
	bool is_routine = is_create(reader, first, routines);
	bool is_rule = is_create(reader, first, rules);
	int depth = 0;
	int at = first;

	for (; reader->tokens[at].kind != LIFT_TOKEN_END; at++)
	{
		bool is_label = velo_lift_is(reader, at - 1, ".") ||
						velo_lift_is_word(reader, at - 1, "as");

		if (velo_lift_is(reader, at, ";") && depth <= 0)
			return at;
		if (is_rule)
			depth += velo_lift_is(reader, at, "(") ? 1 : velo_lift_is(reader, at, ")") ? -1 : 0;
		else if (is_routine && !is_label)
		{
			if (depth == 0 && velo_lift_is_word(reader, at, "begin") &&
				velo_lift_is_word(reader, at + 1, "atomic"))
				depth = 1;
			else if (depth > 0 && velo_lift_is_word(reader, at, "case"))
				depth++;
			else if (depth > 0 && velo_lift_is_word(reader, at, "end"))
				depth--;
		}
	}
	return at;
}

/* Pairs the brackets of a statement; reports what is left over. */
static bool
match_brackets(LiftReader *reader, int first, bool reports)
{
	int open = -1;

	for (int at = first; at < reader->end; at++)
	{
		bool closes = velo_lift_is(reader, at, ")") || velo_lift_is(reader, at, "]");

		if (closes)
		{
			if (open < 0 || velo_lift_is(reader, open, "(") != velo_lift_is(reader, at, ")"))
			{
				if (reports)
					velo_lift_syntax_error(reader, at)
						->hint = open < 0 ? "There is no opening bracket for it."
										  : "The bracket opened last is of the other kind.";
				return false;
			}
			reader->tokens[open].match = at;
			reader->tokens[at].match = open;
			open = reader->tokens[open].parent;
		}
		reader->tokens[at].parent = open;
		if (velo_lift_is(reader, at, "(") || velo_lift_is(reader, at, "["))
			open = at;
	}
	if (open >= 0 && reports)
		lift_error(reader, "42601", lift_span(reader, open, open), "%s is not closed",
				   velo_lift_is(reader, open, "(") ? "parenthesis" : "bracket")
			->hint = velo_lift_is(reader, open, "(") ? "Add the missing \")\"."
													 : "Add the missing \"]\".";
	return open < 0;
}

/* Reports tokens that could not be read. */
static void
report_faults(LiftReader *reader, int first)
{
	static const char *const messages[] =
		{[LIFT_FAULT_STRING] = "unterminated quoted string",
		 [LIFT_FAULT_BIT_STRING] = "unterminated bit string literal",
		 [LIFT_FAULT_HEX_STRING] = "unterminated hexadecimal string literal",
		 [LIFT_FAULT_DOLLAR] = "unterminated dollar-quoted string",
		 [LIFT_FAULT_QUOTED] = "unterminated quoted identifier",
		 [LIFT_FAULT_COMMENT] = "unterminated /* comment",
		 [LIFT_FAULT_EMPTY_NAME] = "zero-length delimited identifier",
		 [LIFT_FAULT_NUMBER] = "trailing junk after numeric literal",
		 [LIFT_FAULT_PARAMETER] = "trailing junk after parameter"};

	for (int at = first; at < reader->end; at++)
	{
		const LiftToken *token = &reader->tokens[at];
		LiftSpan span = {token->from, token->to};
		LiftDiagnostic *error;

		if (token->fault == LIFT_FAULT_NONE)
			continue;
		if (token->fault <= LIFT_FAULT_COMMENT)
			span.to = span.from + 1; /* where it starts; the rest is all there is */
		error = lift_error(reader, "42601", span, "%s", messages[token->fault]);
		if (token->fault == LIFT_FAULT_NUMBER)
			error->hint = "The units of a duration such as 5m are ns, us, ms, s, m, h, d and w.";
		else if (token->fault <= LIFT_FAULT_COMMENT)
			error->hint = token->fault == LIFT_FAULT_COMMENT ? "The closing */ is missing."
															 : "The closing quote is missing.";
	}
}

/* Lifts the statement whose tokens are [first, reader->end). */
static void
lift_one(LiftReader *reader, LiftStatement *statement, int first)
{
	LiftFamily family = find_family(reader, first, false);

	report_faults(reader, first);
	if (!statement->broken && match_brackets(reader, first, family != NULL) && family != NULL &&
		family(reader, statement, first))
		return;
	if (!statement->broken || statement->kind == LIFT_PG)
	{
		/* Whatever a family may have left in it before it saw that it is not its own. */
		LiftStatement plain = {.kind = LIFT_PG,
							   .span = statement->span,
							   .broken = statement->broken,
							   .annotations = statement->annotations};

		*statement = plain;
		statement->core = velo_lift_text_exact(reader, first, reader->end);
	}
}

static void
lift_statements(LiftReader *reader)
{
	LiftStatement **tail = &reader->script->statements;
	int first = 0;
	int count = 0;

	for (;;)
	{
		LiftStatement *statement;
		bool has_good_annotations;

		reader->end = reader->ntokens; /* while looking for the statement's end */
		while (velo_lift_is(reader, first, ";"))
			first++;
		if (lift_kind(reader, first) == LIFT_TOKEN_END)
			break;
		if (++count > LIFT_STATEMENTS_MAX)
		{
			lift_error(reader, "54000", lift_span(reader, first, first),
					   "text has more than %d statements", LIFT_STATEMENTS_MAX);
			break;
		}

		reader->end = find_statement_end(reader, first);
		statement = velo_lift_alloc(reader, sizeof(LiftStatement));
		statement->span = lift_span(reader, first, reader->end - 1);
		*tail = statement;
		tail = &statement->next;

		/* A wrong annotation breaks the statement, but not its reading. */
		has_good_annotations = velo_lift_annotations(reader, statement, statement->span.from);
		reader->present = statement;
		lift_one(reader, statement, first);
		reader->present = NULL;
		statement->broken |= !has_good_annotations;
		velo_lift_annotations_skip(reader, statement->span.to);
		first = reader->end;
	}
	velo_lift_annotations(reader, NULL, reader->length + 1);
}

/* Sorts a list of diagnostics by their places, keeping the order of equals. */
static LiftDiagnostic *
sort_diagnostics(LiftDiagnostic *list)
{
	LiftDiagnostic *half = list;
	LiftDiagnostic *other;
	LiftDiagnostic *sorted = NULL;
	LiftDiagnostic **tail = &sorted;

	if (list == NULL || list->next == NULL)
		return list;
	for (LiftDiagnostic *fast = list->next; fast != NULL && fast->next != NULL;
		 fast = fast->next->next)
		half = half->next;
	other = half->next;
	half->next = NULL;

	list = sort_diagnostics(list);
	other = sort_diagnostics(other);
	while (list != NULL || other != NULL)
	{
		LiftDiagnostic **from = other == NULL ||
										(list != NULL && list->span.from <= other->span.from)
									? &list
									: &other;

		*tail = *from;
		*from = (*from)->next;
		tail = &(*tail)->next;
	}
	*tail = NULL;
	return sorted;
}

LiftScript *
velo_lift_script(const char *text, size_t length, const LiftAllocator *allocator, LiftLookup lookup,
				 void *lookup_context)
{
	LiftReader reader = {.text = text,
						 .allocator = allocator,
						 .lookup = lookup,
						 .lookup_context = lookup_context};
	const char *zero;

	reader.script = velo_lift_alloc(&reader, sizeof(LiftScript));
	if (length > LIFT_TEXT_BYTES_MAX)
	{
		lift_error(&reader, "54000", ((LiftSpan) {0, 0}), "text is longer than %d bytes",
				   LIFT_TEXT_BYTES_MAX);
		return reader.script;
	}
	zero = length == 0 ? NULL : memchr(text, '\0', length);
	if (zero != NULL)
	{
		int at = (int) (zero - text);

		lift_error(&reader, "22021", ((LiftSpan) {at, at + 1}), "invalid byte 0x00 in the text");
		return reader.script;
	}
	reader.length = (int) length;
	read_tokens(&reader);
	lift_statements(&reader);
	reader.script->diagnostics = sort_diagnostics(reader.script->diagnostics);
	return reader.script;
}
