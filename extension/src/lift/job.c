/*
 * job.c
 *	  START, STOP, PAUSE, RESUME, DEPLOY, ROLLBACK and RESET of jobs.
 *
 * Two of the verbs are PostgreSQL's too (ROLLBACK, RESET, and START TRANSACTION),
 * hence the look at the word behind the verb, and for RESET one word further.
 */
#include "lift/statements.h"

#include <limits.h>
#include <string.h>

static const struct
{
	const char *word;
	LiftJobVerb verb;
} verbs[] = {
	{"start", LIFT_JOB_START},	 {"stop", LIFT_JOB_STOP},	  {"pause", LIFT_JOB_PAUSE},
	{"resume", LIFT_JOB_RESUME}, {"deploy", LIFT_JOB_DEPLOY}, {"rollback", LIFT_JOB_ROLLBACK},
	{"reset", LIFT_JOB_RESET},
};

static const char *const strategies[] = {"blue_green", "canary", "rolling", "replace", NULL};
static const char *const strategy_names[] = {"BLUE_GREEN", "CANARY", "ROLLING", "REPLACE"};

/* VERSION 'v' at *at; false after an error. */
static bool
read_version(LiftReader *reader, LiftStatement *statement, int *at)
{
	if (!lift_is_string(reader, *at + 1))
	{
		velo_lift_syntax_error(reader, *at + 1)->hint = "Write VERSION 'version'.";
		return false;
	}
	statement->version = velo_lift_value(reader, *at + 1);
	*at += 2;
	return statement->version != NULL;
}

/* A plain decimal number, without the C library's locale. */
static bool
read_percent(LiftReader *reader, int at, double *percent)
{
	const LiftToken *token = lift_token(reader, at);
	double scale = 1;
	bool in_fraction = false;

	*percent = 0;
	if (token->kind != LIFT_TOKEN_NUMBER)
		return false;
	for (int i = token->from; i < token->to; i++)
	{
		char c = reader->text[i];

		if (c == '.')
			in_fraction = true;
		else if (!lift_is_digit((unsigned char) c))
			return false;
		else
		{
			*percent = *percent * 10 + (c - '0');
			scale *= in_fraction ? 10 : 1;
		}
		if (*percent > 1e15 || scale > 1e15)
			return false;
	}
	*percent /= scale;
	return true;
}

static bool
read_strategy(LiftReader *reader, LiftStatement *statement, int *at)
{
	int strategy = velo_lift_word_of(reader, *at + 1, strategies);

	if (strategy < 0)
	{
		velo_lift_syntax_error(reader, *at + 1)
			->hint = "Use BLUE_GREEN, CANARY(percent), ROLLING or REPLACE.";
		return false;
	}
	statement->strategy = strategy_names[strategy];
	*at += 2;
	if (strategy == 1)
	{
		if (!velo_lift_is(reader, *at, "(") || !velo_lift_is(reader, *at + 2, ")") ||
			!read_percent(reader, *at + 1, &statement->percent))
		{
			velo_lift_syntax_error(reader, *at)->hint = "Write CANARY(10) for ten percent.";
			return false;
		}
		if (statement->percent <= 0 || statement->percent > 100)
		{
			lift_error(reader, "22023", lift_span(reader, *at + 1, *at + 1),
					   "percentage of CANARY must be greater than 0 and at most 100");
			return false;
		}
		*at += 3;
	}
	return true;
}

/* STRATEGY ends the body of a DEPLOY. */
static int
find_strategy(const LiftReader *reader, int at)
{
	while (at < reader->end && !(velo_lift_is_word(reader, at, "strategy") &&
								 velo_lift_word_of(reader, at + 1, strategies) >= 0))
		at = lift_after(reader, at);
	return at;
}

/* AS body; "end" is where the statement goes on behind it. */
static bool
read_body(LiftReader *reader, LiftStatement *statement, int first, int end)
{
	int statement_end = reader->end;

	reader->end = end;
	statement->body = velo_lift_body(reader, first);
	if (statement->body == NULL && !statement->broken)
		velo_lift_syntax_error(reader, first)
			->hint = "A SELECT, CREATE or INSERT is expected behind AS.";
	reader->end = statement_end;
	return !statement->broken;
}

/* DEPLOY JOB n VERSION 'v' [AS body] [WITH ( … )] [STRATEGY s] */
static void
read_deploy(LiftReader *reader, LiftStatement *statement, int at)
{
	int strategy;

	if (!velo_lift_is_word(reader, at, "version"))
	{
		velo_lift_syntax_error(reader, at)->hint = "Write DEPLOY JOB name VERSION 'version'.";
		return;
	}
	if (!read_version(reader, statement, &at))
		return;
	strategy = find_strategy(reader, at);
	if (velo_lift_is_word(reader, at, "as"))
	{
		if (!read_body(reader, statement, at + 1, strategy))
			return;
		at = strategy;
	}
	else if (velo_lift_is_word(reader, at, "with"))
		velo_lift_with(reader, statement, &at);
	if (velo_lift_is_word(reader, at, "strategy") && !read_strategy(reader, statement, &at))
		return;
	velo_lift_expect_end(reader, at);
}

/* START JOB n [AS body] [WITH ( … )]; a body's WITH is read as the body's. */
static void
read_start(LiftReader *reader, LiftStatement *statement, int at)
{
	if (velo_lift_is_word(reader, at, "as"))
		read_body(reader, statement, at + 1, reader->end);
	else
	{
		if (velo_lift_is_word(reader, at, "with"))
			velo_lift_with(reader, statement, &at);
		velo_lift_expect_end(reader, at);
	}
}

/* RESET JOB n TO … */
static void
read_reset(LiftReader *reader, LiftStatement *statement, int at)
{
	static const char *const places[] = {"earliest", "latest", "timestamp", "offsets", NULL};
	int place = velo_lift_word_of(reader, at + 1, places);

	if (!velo_lift_is_word(reader, at, "to") || place < 0)
	{
		velo_lift_syntax_error(reader, velo_lift_is_word(reader, at, "to") ? at + 1 : at)
			->hint = "Use TO EARLIEST, TO LATEST, TO TIMESTAMP '...' or TO OFFSETS '{...}'.";
		return;
	}
	statement->reset_to = (LiftResetTo) place;
	statement->reset_span = lift_span(reader, at + 1, at + 1);
	at += 2;
	if (place >= LIFT_RESET_TIMESTAMP)
	{
		if (!lift_is_string(reader, at))
		{
			velo_lift_syntax_error(reader, at)
				->hint = place == LIFT_RESET_TIMESTAMP ? "Write TO TIMESTAMP '2026-01-31 00:00+00'."
													   : "Write TO OFFSETS '{\"0\": 1000}'.";
			return;
		}
		if (place == LIFT_RESET_TIMESTAMP)
			statement->reset_span = lift_span(reader, at, at);
		statement->reset_value = velo_lift_value(reader, at++);
	}
	velo_lift_expect_end(reader, at);
}

static void
read_verb(LiftReader *reader, LiftStatement *statement, int first, int at)
{
	switch (statement->verb)
	{
		case LIFT_JOB_START:
			read_start(reader, statement, at);
			break;
		case LIFT_JOB_STOP:
			if (velo_lift_is_word(reader, at, "force"))
			{
				statement->force = true;
				at++;
			}
			velo_lift_expect_end(reader, at);
			break;
		case LIFT_JOB_PAUSE:
		case LIFT_JOB_RESUME:
			velo_lift_expect_end(reader, at);
			break;
		case LIFT_JOB_DEPLOY:
			read_deploy(reader, statement, at);
			if (!statement->broken)
				lift_error(reader, "0A000", lift_span(reader, first, first + 1),
						   "DEPLOY JOB is not supported yet");
			break;
		case LIFT_JOB_ROLLBACK:
			if (!velo_lift_is_word(reader, at, "version") || read_version(reader, statement, &at))
				velo_lift_expect_end(reader, at);
			if (!statement->broken)
				lift_error(reader, "0A000", lift_span(reader, first, first + 1),
						   "ROLLBACK JOB is not supported yet");
			break;
		case LIFT_JOB_RESET:
			read_reset(reader, statement, at);
			break;
	}
}

bool
velo_lift_job(LiftReader *reader, LiftStatement *statement, int first)
{
	int at = first + 2;

	/* RESET job is a setting's name. */
	if (velo_lift_is_word(reader, first, "reset") && at >= reader->end)
		return false;

	statement->kind = LIFT_JOB;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
	{
		if (velo_lift_is_word(reader, first, verbs[i].word))
			statement->verb = verbs[i].verb;
	}
	statement->name = velo_lift_name(reader, &at);
	if (statement->name != NULL)
		read_verb(reader, statement, first, at);
	return true;
}
