/*
 * kafka_pushdown.c
 *	  Which part of a topic a WHERE clause asks for.
 *
 * A condition is "column operator value" or "column = ANY (array)" with a value that
 * does not depend on the row; it is evaluated when the scan begins, so parameters and
 * now() - interval '1 hour' work as constants do.  Operators are known by their B-tree
 * strategy, which covers all integer types.
 */
#include "postgres.h"

#include "source/kafka_pushdown.h"

#include <access/stratnum.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <nodes/value.h>
#include <optimizer/clauses.h>
#include <optimizer/optimizer.h>
#include <optimizer/restrictinfo.h>
#include <utils/array.h>
#include <utils/lsyscache.h>
#include <utils/typcache.h>

static const struct
{
	const char *name;
	Oid type;
} columns[VELO_KAFKA_COLUMNS] = {
	[VELO_KAFKA_PARTITION] = {"_partition", INT4OID},
	[VELO_KAFKA_OFFSET] = {"_offset", INT8OID},
	[VELO_KAFKA_TIMESTAMP] = {"_timestamp", TIMESTAMPTZOID},
};

const char *
velo_source_kafka_column_name(VeloKafkaColumn column)
{
	return columns[column].name;
}

/* --- planning ---------------------------------------------------------------------- */

static bool
is_column(Node *node, RelOptInfo *relation, Oid table, VeloKafkaColumn *column)
{
	Var *var = (Var *) strip_implicit_coercions(node);
	char *name;

	if (!IsA(var, Var) || var->varno != relation->relid || var->varlevelsup != 0 ||
		var->varattno <= 0)
		return false;
	name = get_attname(table, var->varattno, false);
	for (int i = 0; i < VELO_KAFKA_COLUMNS; i++)
		if (strcmp(name, columns[i].name) == 0 && var->vartype == columns[i].type)
		{
			*column = i;
			return true;
		}
	return false;
}

static bool
is_value(PlannerInfo *root, Node *node, VeloKafkaColumn column, Oid type)
{
	bool fits = column == VELO_KAFKA_TIMESTAMP
					? type == TIMESTAMPTZOID
					: type == INT2OID || type == INT4OID || type == INT8OID;

	return fits && bms_is_empty(pull_varnos(root, node)) && !contain_volatile_functions(node) &&
		   !contain_subplans(node);
}

static int
strategy_of(Oid operator, VeloKafkaColumn column)
{
	TypeCacheEntry *type = lookup_type_cache(columns[column].type, TYPECACHE_BTREE_OPFAMILY);

	return get_op_opfamily_strategy(operator, type->btree_opf);
}

static Node *
match_operator(PlannerInfo *root, RelOptInfo *relation, Oid table, OpExpr *clause,
			   VeloKafkaCondition *condition)
{
	Node *left;
	Node *right;
	Oid operator= clause->opno;

	if (list_length(clause->args) != 2)
		return NULL;
	left = linitial(clause->args);
	right = lsecond(clause->args);
	if (!is_column(left, relation, table, &condition->column))
	{
		Node *swap = left;

		left = right;
		right = swap;
		operator= get_commutator(operator);
		if (!OidIsValid(operator) || !is_column(left, relation, table, &condition->column))
			return NULL;
	}
	condition->strategy = strategy_of(operator, condition->column);
	condition->is_array = false;
	if (condition->strategy == InvalidStrategy ||
		!is_value(root, right, condition->column, exprType(right)))
		return NULL;
	return right;
}

static Node *
match_array(PlannerInfo *root, RelOptInfo *relation, Oid table, ScalarArrayOpExpr *clause,
			VeloKafkaCondition *condition)
{
	Node *array = lsecond(clause->args);

	if (!clause->useOr || !is_column(linitial(clause->args), relation, table, &condition->column) ||
		strategy_of(clause->opno, condition->column) != BTEqualStrategyNumber ||
		!is_value(root, array, condition->column, get_element_type(exprType(array))))
		return NULL;
	condition->strategy = BTEqualStrategyNumber;
	condition->is_array = true;
	return array;
}

List *
velo_source_kafka_conditions(PlannerInfo *root, RelOptInfo *relation, Oid table, List *clauses,
							 List **conditions)
{
	List *values = NIL;
	ListCell *cell;

	*conditions = NIL;
	foreach(cell, clauses)
	{
		Node *clause = (Node *) lfirst_node(RestrictInfo, cell)->clause;
		VeloKafkaCondition condition;
		Node *value = NULL;

		if (IsA(clause, OpExpr))
			value = match_operator(root, relation, table, (OpExpr *) clause, &condition);
		else if (IsA(clause, ScalarArrayOpExpr))
			value = match_array(root, relation, table, (ScalarArrayOpExpr *) clause, &condition);
		if (value == NULL)
			continue;
		values = lappend(values, value);
		*conditions = lappend(*conditions, list_make3_int(condition.column, condition.strategy,
														  condition.is_array));
	}
	return values;
}

VeloKafkaCondition
velo_source_kafka_condition(List *encoded)
{
	return (VeloKafkaCondition) {linitial_int(encoded), lsecond_int(encoded),
								 lthird_int(encoded) != 0};
}

/* --- beginning a scan ---------------------------------------------------------------- */

static int64
to_integer(Datum value, Oid type)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default: /* bigint and timestamptz */
			return DatumGetInt64(value);
	}
}

static void
apply(VeloKafkaBounds *bounds, VeloKafkaColumn column, int strategy, int64 value)
{
	int64 *low = &bounds->low[column];
	int64 *high = &bounds->high[column];

	switch (strategy)
	{
		case BTLessStrategyNumber:
			if (value == PG_INT64_MIN)
				bounds->is_empty = true;
			else
				*high = Min(*high, value - 1);
			break;
		case BTLessEqualStrategyNumber:
			*high = Min(*high, value);
			break;
		case BTEqualStrategyNumber:
			*low = Max(*low, value);
			*high = Min(*high, value);
			break;
		case BTGreaterEqualStrategyNumber:
			*low = Max(*low, value);
			break;
		case BTGreaterStrategyNumber:
			if (value == PG_INT64_MAX)
				bounds->is_empty = true;
			else
				*low = Max(*low, value + 1);
			break;
	}
}

/* column = ANY (array): at least and at most one of its elements. */
static void
apply_array(VeloKafkaBounds *bounds, VeloKafkaColumn column, Datum value)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	Oid type = ARR_ELEMTYPE(array);
	Datum *elements;
	bool *nulls;
	int n;
	int used = 0;
	int64 *values;
	int64 low = PG_INT64_MAX;
	int64 high = PG_INT64_MIN;
	int16 length;
	bool by_value;
	char align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(array, type, length, by_value, align, &elements, &nulls, &n);
	values = palloc(sizeof(int64) * Max(1, n));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			continue;
		values[used] = to_integer(elements[i], type);
		low = Min(low, values[used]);
		high = Max(high, values[used]);
		used++;
	}
	if (used == 0)
	{
		bounds->is_empty = true;
		return;
	}
	apply(bounds, column, BTGreaterEqualStrategyNumber, low);
	apply(bounds, column, BTLessEqualStrategyNumber, high);
	/* Of several lists the first decides; the rows are checked anyway. */
	if (column == VELO_KAFKA_PARTITION && bounds->npartitions < 0)
	{
		bounds->npartitions = used;
		bounds->partitions = values;
	}
}

VeloKafkaBounds
velo_source_kafka_bounds(List *conditions, List *states, List *exprs, ExprContext *econtext)
{
	VeloKafkaBounds bounds = {.npartitions = -1};
	ListCell *condition_cell;
	ListCell *state_cell;
	ListCell *expr_cell;

	for (int i = 0; i < VELO_KAFKA_COLUMNS; i++)
	{
		bounds.low[i] = PG_INT64_MIN;
		bounds.high[i] = PG_INT64_MAX;
	}
	forthree(condition_cell, conditions, state_cell, states, expr_cell, exprs)
	{
		VeloKafkaCondition condition = velo_source_kafka_condition(lfirst(condition_cell));
		bool is_null;
		Datum value = ExecEvalExpr((ExprState *) lfirst(state_cell), econtext, &is_null);

		if (is_null)
			bounds.is_empty = true;
		else if (condition.is_array)
			apply_array(&bounds, condition.column, value);
		else
			apply(&bounds, condition.column, condition.strategy,
				  to_integer(value, exprType(lfirst(expr_cell))));
	}
	return bounds;
}

bool
velo_source_kafka_is_asked(const VeloKafkaBounds *bounds, int partition)
{
	if (bounds->is_empty || partition < bounds->low[VELO_KAFKA_PARTITION] ||
		partition > bounds->high[VELO_KAFKA_PARTITION])
		return false;
	for (int i = 0; i < bounds->npartitions; i++)
		if (bounds->partitions[i] == partition)
			return true;
	return bounds->npartitions < 0;
}
