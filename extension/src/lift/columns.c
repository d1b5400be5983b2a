/*
 * columns.c
 *	  Column definitions: name type [NOT NULL] [PRIMARY KEY] [DEFAULT expression].
 *
 * The type is everything up to the first of these constraints, so that every type
 * PostgreSQL has can be written; whether it exists is asked later.
 */
#include "lift/statements.h"

#include "lift/expressions.h"

typedef enum Constraint
{
	CONSTRAINT_NONE,
	CONSTRAINT_NOT_NULL,
	CONSTRAINT_NULL,
	CONSTRAINT_PRIMARY_KEY,
	CONSTRAINT_DEFAULT,
	CONSTRAINT_OTHER /* one that PostgreSQL has and we have not */
} Constraint;

static Constraint
constraint_at(const LiftReader *reader, int at)
{
	static const char *const others[] = {"check",	  "unique",	 "references", "constraint",
										 "generated", "collate", NULL};

	if (velo_lift_is_word(reader, at, "not") && velo_lift_is_word(reader, at + 1, "null"))
		return CONSTRAINT_NOT_NULL;
	if (velo_lift_is_word(reader, at, "null"))
		return CONSTRAINT_NULL;
	if (velo_lift_is_word(reader, at, "primary") && velo_lift_is_word(reader, at + 1, "key"))
		return CONSTRAINT_PRIMARY_KEY;
	if (velo_lift_is_word(reader, at, "default"))
		return CONSTRAINT_DEFAULT;
	return velo_lift_word_of(reader, at, others) >= 0 ? CONSTRAINT_OTHER : CONSTRAINT_NONE;
}

/* Where the constraints start, or the next one behind "at". */
static int
constraint_next(const LiftReader *reader, int at, int end)
{
	while (at < end && constraint_at(reader, at) == CONSTRAINT_NONE)
		at = lift_after(reader, at);
	return at;
}

static void
refuse_column(LiftReader *reader, int at)
{
	static const char *const constraints[] = {"primary",	"unique",  "check", "constraint",
											  "references", "foreign", NULL};
	LiftDiagnostic *error = velo_lift_syntax_error(reader, at);

	if (velo_lift_word_of(reader, at, constraints) >= 0)
		error->hint = "The only constraints are NOT NULL and PRIMARY KEY, behind a column's type.";
	else
		error->hint =
			"A column is written: name type [NOT NULL] [PRIMARY KEY] [DEFAULT expression].";
}

/* The constraints [at, end) of a column; false after an error. */
static bool
read_constraints(LiftReader *reader, LiftColumn *column, int at, int end)
{
	while (at < end)
	{
		Constraint constraint = constraint_at(reader, at);

		if (constraint == CONSTRAINT_NOT_NULL)
		{
			column->not_null = true;
			at += 2;
		}
		else if (constraint == CONSTRAINT_PRIMARY_KEY)
		{
			column->primary_key = true;
			at += 2;
		}
		else if (constraint == CONSTRAINT_NULL)
			at++;
		else if (constraint == CONSTRAINT_DEFAULT && column->default_value == NULL && at + 1 < end)
		{
			/* The expression's first token may be NULL. */
			int next = constraint_next(reader, lift_after(reader, at + 1), end);

			velo_lift_expressions(reader, at + 1, next);
			column->default_value = velo_lift_text(reader, at + 1, next);
			at = next;
		}
		else
		{
			refuse_column(reader, constraint == CONSTRAINT_DEFAULT && at + 1 >= end ? end : at);
			return false;
		}
	}
	return true;
}

LiftColumn *
velo_lift_column(LiftReader *reader, int first, int end, bool before_as)
{
	LiftColumn *column = velo_lift_alloc(reader, sizeof(LiftColumn));
	int type_end;

	if (first >= end || !velo_lift_is_name(reader, first))
	{
		refuse_column(reader, first);
		return NULL;
	}
	column->name = velo_lift_identifier(reader, first);
	if (column->name == NULL)
		return NULL;
	column->span = lift_span(reader, first, end - 1);

	type_end = constraint_next(reader, first + 1, end);
	if (type_end > first + 1)
	{
		velo_lift_type(reader, first + 1, type_end);
		column->type = velo_lift_text(reader, first + 1, type_end);
	}
	else if (!before_as || type_end < end)
	{
		if (type_end < end)
			refuse_column(reader, type_end);
		else
			lift_error(reader, "42601", column->span, "column \"%s\" has no type", column->name)
				->hint = "Write its type behind its name.";
		return NULL;
	}
	if (before_as && type_end < end)
	{
		velo_lift_syntax_error(reader, type_end)
			->hint = "Before AS a column has a name and possibly a type.";
		return NULL;
	}
	return read_constraints(reader, column, type_end, end) ? column : NULL;
}

LiftColumn *
velo_lift_columns(LiftReader *reader, int open, bool before_as)
{
	int close = lift_token(reader, open)->match;
	int at = open + 1;
	LiftColumn *first = NULL;
	LiftColumn **tail = &first;

	for (;;)
	{
		int end = at;
		LiftColumn *column;

		while (end < close && !velo_lift_is(reader, end, ","))
			end = lift_after(reader, end);
		column = velo_lift_column(reader, at, end, before_as);
		if (column != NULL)
		{
			*tail = column;
			tail = &column->next;
		}
		if (end >= close)
			return first;
		at = end + 1;
	}
}
