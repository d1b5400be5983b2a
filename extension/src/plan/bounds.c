/*
 * bounds.c
 *	  TUMBLE_START(), HOP_END() and their like: a window's bounds by function.
 *
 * They are other spellings of _window_start and _window_end, so they are turned into
 * those before the analysis; as functions their arguments would have to be grouped.  The
 * arguments only repeat what the window says: a size that differs is an error, and
 * another time a warning.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <parser/parse_type.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/timestamp.h>

typedef enum Bound
{
	BOUND_START,
	BOUND_END,
	BOUND_DURATION
} Bound;

typedef struct BoundFunction
{
	const char *name;
	LiftWindowKind kind;
	Bound bound;
} BoundFunction;

static const BoundFunction functions[] = {
	{"tumble_start", LIFT_WINDOW_TUMBLING, BOUND_START},
	{"tumble_end", LIFT_WINDOW_TUMBLING, BOUND_END},
	{"hop_start", LIFT_WINDOW_SLIDING, BOUND_START},
	{"hop_end", LIFT_WINDOW_SLIDING, BOUND_END},
	{"session_start", LIFT_WINDOW_SESSION, BOUND_START},
	{"session_end", LIFT_WINDOW_SESSION, BOUND_END},
	{"session_duration", LIFT_WINDOW_SESSION, BOUND_DURATION},
};

static const char *const kind_names[] = {
	[LIFT_WINDOW_TUMBLING] = "TUMBLING",
	[LIFT_WINDOW_SLIDING] = "SLIDING",
	[LIFT_WINDOW_SESSION] = "SESSION",
};

/* The function that a call names, velo's or without a schema; or NULL. */
static const BoundFunction *
bound_function(const FuncCall *call)
{
	int n = list_length(call->funcname);

	if (n > 2 || (n == 2 && strcmp(strVal(linitial(call->funcname)), "velo") != 0))
		return NULL;
	for (int i = 0; i < lengthof(functions); i++)
		if (strcmp(functions[i].name, strVal(llast(call->funcname))) == 0)
			return &functions[i];
	return NULL;
}

/* --- arguments ------------------------------------------------------------------------ */

/* Microseconds of a constant duration (INTERVAL '…', or milliseconds); false: no constant. */
static bool
constant_duration(Node *node, int64 *micros, int *months)
{
	Interval *interval;
	Node *arg = IsA(node, TypeCast) ? ((TypeCast *) node)->arg : node;
	A_Const *constant = (A_Const *) arg;
	Oid type = INTERVALOID;
	int32 typmod = -1;

	if (!IsA(arg, A_Const) || constant->isnull)
		return false;
	if (arg == node && IsA(&constant->val, Integer))
	{
		*micros = (int64) intVal(&constant->val) * 1000;
		*months = 0;
		return true;
	}
	if (!IsA(&constant->val, String))
		return false;
	/* INTERVAL '5' MINUTE has its unit in the type. */
	if (arg != node)
		typenameTypeIdAndMod(NULL, ((TypeCast *) node)->typeName, &type, &typmod);
	if (type != INTERVALOID)
		return false;
	interval = DatumGetIntervalP(DirectFunctionCall3(interval_in,
													 CStringGetDatum(strVal(&constant->val)),
													 ObjectIdGetDatum(InvalidOid),
													 Int32GetDatum(typmod)));
	*micros = interval->time + interval->day * USECS_PER_DAY;
	*months = interval->month;
	return true;
}

static const LiftWindowArg *
time_of_window(const LiftWindow *window)
{
	for (const LiftWindowArg *arg = window->args; arg; arg = arg->next)
		if (!arg->is_duration)
			return arg;
	return NULL;
}

/* Does the column name the time that the window goes by? */
static bool
is_time_of_window(const VeloAnalysis *a, const char *column)
{
	const LiftWindowArg *time = time_of_window(a->request->statement->window);
	const char *name = time ? time->expr->text
							: velo_base_option_text(a->source->options, "event.time.field");

	if (strcmp(column, time == NULL && name == NULL ? "_timestamp" : "_event_time") == 0)
		return time == NULL;
	/* What is not a plain column is not looked into. */
	return name == NULL || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) ||
		   strcmp(name, column) == 0;
}

static void
check_time(const VeloAnalysis *a, const FuncCall *call, Node *node)
{
	const char *column = IsA(node, ColumnRef) ? velo_plan_last_field((ColumnRef *) node) : NULL;

	if (column && !is_time_of_window(a, column))
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("%s() gives the bounds of the query's window, which does not go by \"%s\"",
						strVal(llast(call->funcname)), column),
				 velo_plan_error_in_core(a, exprLocation(node))));
}

static void
check_size(const VeloAnalysis *a, const FuncCall *call, Node *node)
{
	const LiftWindowArg *size = a->request->statement->window->args;
	int64 micros;
	int months;

	while (size && !size->is_duration)
		size = size->next;
	if (size == NULL || !constant_duration(node, &micros, &months) ||
		(micros == size->micros && months == size->months))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WINDOWING_ERROR),
			 errmsg("the size given to %s() is not the window's", strVal(llast(call->funcname))),
			 errhint("Leave its arguments out: there is one window only."),
			 velo_plan_error_in_core(a, exprLocation(node))));
}

static void
check_call(const VeloAnalysis *a, const FuncCall *call, const BoundFunction *function)
{
	const LiftWindow *window = a->request->statement->window;
	int n = list_length(call->args);

	if (window == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WINDOWING_ERROR), errmsg("%s() needs a window", function->name),
				 errhint("Add WINDOW %s(...).", kind_names[function->kind]),
				 velo_plan_error_in_core(a, call->location)));
	if (window->kind != function->kind)
		ereport(ERROR, (errcode(ERRCODE_WINDOWING_ERROR),
						errmsg("%s() is for %s windows, and this one is %s", function->name,
							   kind_names[function->kind], kind_names[window->kind]),
						errhint("Use _window_start and _window_end, which every window has."),
						velo_plan_error_in_core(a, call->location)));
	if (n != 0 && (n != 2 || function->bound == BOUND_DURATION))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("wrong number of arguments for %s()", function->name),
						errhint(function->bound == BOUND_DURATION
									? "Write %s()."
									: "Write %s(), or the window's time and size in it.",
								function->name),
						velo_plan_error_in_core(a, call->location)));
	if (n == 2)
	{
		check_time(a, call, linitial(call->args));
		check_size(a, call, lsecond(call->args));
	}
}

/* --- replacing -------------------------------------------------------------------------- */

static ColumnRef *
reference(VeloSystemColumn column, int location)
{
	ColumnRef *made = makeNode(ColumnRef);

	made->fields = list_make1(makeString(pstrdup(velo_system_columns[column].name)));
	made->location = location;
	return made;
}

/* There is no mutator for raw trees; a call has room for what stands in its place. */
StaticAssertDecl(sizeof(ColumnRef) <= sizeof(FuncCall), "a reference fits in a call's place");

static bool
replace_bounds(Node *node, void *context)
{
	VeloAnalysis *a = context;
	const BoundFunction *function;
	FuncCall *call = (FuncCall *) node;

	if (node == NULL || IsA(node, SubLink) || IsA(node, SelectStmt))
		return false;
	function = IsA(node, FuncCall) ? bound_function(call) : NULL;
	if (function == NULL)
		return raw_expression_tree_walker(node, replace_bounds, context);
	check_call(a, call, function);
	if (function->bound == BOUND_DURATION)
	{
		call->funcname = list_make2(makeString("pg_catalog"), makeString("timestamptz_mi"));
		call->args = list_make2(reference(VELO_WINDOW_END, call->location),
								reference(VELO_WINDOW_START, call->location));
	}
	else
		memcpy(node,
			   reference(function->bound == BOUND_START ? VELO_WINDOW_START : VELO_WINDOW_END,
						 call->location),
			   sizeof(ColumnRef));
	return false;
}

void
velo_plan_replace_bounds(VeloAnalysis *a)
{
	ListCell *cell;

	/* An item is called after its function, as the user sees it. */
	foreach(cell, a->select->targetList)
	{
		ResTarget *item = lfirst_node(ResTarget, cell);
		const BoundFunction *function = IsA(item->val, FuncCall)
											? bound_function((FuncCall *) item->val)
											: NULL;

		if (function && item->name == NULL)
			item->name = pstrdup(function->name);
	}
	replace_bounds((Node *) a->select->targetList, a);
	replace_bounds(a->select->havingClause, a);
	replace_bounds((Node *) a->select->groupClause, a);
}
