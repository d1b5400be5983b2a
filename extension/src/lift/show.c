/*
 * show.c
 *	  SHOW, LIST and DESCRIBE.
 *
 * SHOW is also how PostgreSQL's settings are read, so a word that is none of ours
 * is left to PostgreSQL, unless it is so close to one of ours, or the statement so
 * long, that no setting can be meant.
 */
#include "lift/statements.h"

#include <stddef.h>

typedef enum Argument
{
	ARGUMENT_NONE,
	ARGUMENT_OPTIONAL,
	ARGUMENT_NAME,
	ARGUMENT_OBJECT /* [STREAM | TABLE | JOB] name */
} Argument;

static const struct
{
	const char *word;
	const char *mistake; /* what people write for it, and no setting's name */
	LiftShow show;
	Argument argument;
} targets[] = {
	{"streams", "stream", LIFT_SHOW_STREAMS, ARGUMENT_NONE},
	{"tables", "table", LIFT_SHOW_TABLES, ARGUMENT_NONE},
	{"topics", "topic", LIFT_SHOW_TOPICS, ARGUMENT_NONE},
	{"functions", "function", LIFT_SHOW_FUNCTIONS, ARGUMENT_NONE},
	{"jobs", "job", LIFT_SHOW_JOBS, ARGUMENT_NONE},
	{"queries", "query", LIFT_SHOW_JOBS, ARGUMENT_NONE},
	{"status", "state", LIFT_SHOW_STATUS, ARGUMENT_OPTIONAL},
	{"versions", "version", LIFT_SHOW_VERSIONS, ARGUMENT_NAME},
	{"metrics", "metric", LIFT_SHOW_METRICS, ARGUMENT_OPTIONAL},
	{"schema", "schemas", LIFT_SHOW_SCHEMA, ARGUMENT_NAME},
	{"properties", "property", LIFT_SHOW_PROPERTIES, ARGUMENT_OBJECT},
	{"partitions", "partition", LIFT_SHOW_PARTITIONS, ARGUMENT_NAME},
};

enum
{
	NTARGETS = sizeof(targets) / sizeof(targets[0])
};

static const char targets_hint[] =
	"Use STREAMS, TABLES, TOPICS, PARTITIONS, JOBS, QUERIES, STATUS, VERSIONS, SCHEMA, PROPERTIES or "
	"FUNCTIONS.";

static int
find_target(const LiftReader *reader, int at)
{
	for (int i = 0; i < NTARGETS; i++)
	{
		if (velo_lift_is_word(reader, at, targets[i].word))
			return i;
	}
	return -1;
}

static bool
is_mistake(const LiftReader *reader, int at)
{
	for (int i = 0; i < NTARGETS; i++)
	{
		if (velo_lift_is_word(reader, at, targets[i].mistake))
			return true;
	}
	return false;
}

/* The object's kind before its name, unless that word is the name itself. */
static void
read_object_kind(LiftReader *reader, LiftStatement *statement, int *at)
{
	static const char *const kinds[] = {"stream", "table", "job", "query", NULL};
	int kind = velo_lift_word_of(reader, *at, kinds);

	if (kind < 0 || !velo_lift_is_name(reader, *at + 1))
		return;
	statement->is_table = kind == 1;
	statement->is_job = kind >= 2;
	++*at;
}

bool
velo_lift_show(LiftReader *reader, LiftStatement *statement, int first)
{
	bool is_list = velo_lift_is_word(reader, first, "list");
	int at = first + 1;
	int target = find_target(reader, at);

	if (target < 0)
	{
		if (!is_list && !is_mistake(reader, at))
			return false;
		statement->kind = LIFT_SHOW;
		velo_lift_syntax_error(reader, at)->hint = targets_hint;
		return true;
	}

	statement->kind = LIFT_SHOW;
	statement->show = targets[target].show;
	at++;
	if (targets[target].argument == ARGUMENT_OBJECT)
		read_object_kind(reader, statement, &at);
	if (targets[target].argument >= ARGUMENT_NAME ||
		(targets[target].argument == ARGUMENT_OPTIONAL && velo_lift_is_name(reader, at)))
	{
		statement->name = velo_lift_name(reader, &at);
		if (statement->name == NULL)
			return true;
	}
	if (velo_lift_is_word(reader, at, "like"))
	{
		at++;
		if (!lift_is_string(reader, at))
		{
			velo_lift_syntax_error(reader, at)->hint = "Write LIKE 'pattern'.";
			return true;
		}
	}
	if (lift_is_string(reader, at))
		statement->like = velo_lift_value(reader, at++);
	velo_lift_expect_end(reader, at);
	return true;
}

bool
velo_lift_describe(LiftReader *reader, LiftStatement *statement, int first)
{
	int at = first + 1;

	statement->kind = LIFT_DESCRIBE;
	statement->name = velo_lift_name(reader, &at);
	if (statement->name != NULL)
		velo_lift_expect_end(reader, at);
	return true;
}
