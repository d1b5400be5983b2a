/*
 * calls.c
 *	  Function calls of a statement: those that mean the record, and those that are not known.
 *
 * timestamp(), header('k') and their like mean the record that is being read, which no
 * function can know.  Before the analysis they get the system column they are about as
 * one more argument, and so become ordinary functions of it; in a grouped query they
 * mean the group's latest record, as that column does (reference.c).
 *
 * EXTRACT(part FROM t) is PostgreSQL's own syntax for its own function, and becomes a
 * call of ours, which also knows milliseconds since 1970.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <catalog/namespace.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/lsyscache.h>

/* Signatures shown in a hint. */
#define SIGNATURES_MAX 12

static const struct
{
	const char *name;
	int arguments;
	VeloSystemColumn column;
} record_functions[] = {
	{"timestamp", 0, VELO_EVENT_TIME},
	{"header", 1, VELO_HEADERS},
	{"has_header", 1, VELO_HEADERS},
	{"header_keys", 0, VELO_HEADERS},
};

/* The name of a call that can be of schema velo, or NULL. */
static const char *
velo_name(const FuncCall *call)
{
	if (list_length(call->funcname) == 1)
		return strVal(linitial(call->funcname));
	if (list_length(call->funcname) == 2 && strcmp(strVal(linitial(call->funcname)), "velo") == 0)
		return strVal(lsecond(call->funcname));
	return NULL;
}

/* The system column that a call is about, or -1. */
static int
column_of(const FuncCall *call)
{
	const char *name = velo_name(call);

	for (size_t i = 0; name && i < lengthof(record_functions); i++)
		if (strcmp(name, record_functions[i].name) == 0 &&
			list_length(call->args) == record_functions[i].arguments)
			return record_functions[i].column;
	return -1;
}

bool
velo_plan_is_record_call(const FuncCall *call)
{
	return column_of(call) >= 0;
}

static bool
is_extract(const FuncCall *call)
{
	return call->funcformat == COERCE_SQL_SYNTAX && list_length(call->funcname) == 2 &&
		   strcmp(strVal(lsecond(call->funcname)), "extract") == 0;
}

bool
velo_plan_rewrite_calls(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		FuncCall *call = (FuncCall *) node;
		int column = column_of(call);

		if (column >= 0)
		{
			ColumnRef *reference = makeNode(ColumnRef);

			reference->fields = list_make1(makeString(pstrdup(velo_system_columns[column].name)));
			reference->location = call->location;
			call->args = lappend(call->args, reference);
		}
		else if (is_extract(call))
		{
			call->funcname = list_make2(makeString("velo"), makeString("extract"));
			call->funcformat = COERCE_EXPLICIT_CALL;
		}
	}
	return raw_expression_tree_walker(node, velo_plan_rewrite_calls, context);
}

/* --- what a call that failed could have been ------------------------------------------- */

static int
compare_texts(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* The functions of a name, with their arguments, as a hint; NULL if there are none. */
static char *
signatures(List *name)
{
	FuncCandidateList candidate = FuncnameGetCandidates(name, -1, NIL, false, false, false, true);
	List *texts = NIL;
	ListCell *cell;
	StringInfoData hint;

	for (; candidate; candidate = candidate->next)
	{
		Datum arguments = DirectFunctionCall1(pg_get_function_identity_arguments,
											  ObjectIdGetDatum(candidate->oid));

		texts = lappend(texts,
						psprintf("%s(%s)", strVal(llast(name)), TextDatumGetCString(arguments)));
	}
	if (texts == NIL)
		return NULL;
	list_sort(texts, compare_texts);
	initStringInfo(&hint);
	appendStringInfoString(&hint, "There are: ");
	foreach(cell, texts)
	{
		int number = foreach_current_index(cell);

		if (number == SIGNATURES_MAX)
		{
			appendStringInfo(&hint, " and %d more", list_length(texts) - number);
			break;
		}
		appendStringInfo(&hint, "%s%s", number > 0 ? ", " : "", (char *) lfirst(cell));
	}
	appendStringInfoChar(&hint, '.');
	return hint.data;
}

typedef struct Culprit
{
	const char *message;
	const FuncCall *call;
} Culprit;

/* Finds the call whose name stands, with a parenthesis, in a message of any language. */
static bool
find_culprit(Node *node, void *context)
{
	Culprit *culprit = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		const FuncCall *call = (const FuncCall *) node;
		char *name = psprintf(" %s(", NameListToString(call->funcname));

		if (strstr(culprit->message, name))
			culprit->call = call;
	}
	return culprit->call || raw_expression_tree_walker(node, find_culprit, context);
}

void
velo_plan_hint_at_functions(SelectStmt *select, ErrorData *error)
{
	Culprit culprit = {.message = error->message};
	char *hint;

	if (error->message == NULL)
		return;
	(void) raw_expression_tree_walker((Node *) select, find_culprit, &culprit);
	if (culprit.call == NULL)
		return;
	hint = signatures(culprit.call->funcname);
	if (hint)
		error->hint = hint;
}
