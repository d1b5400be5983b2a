/*
 * kafka_pushdown.h
 *	  Which part of a topic a WHERE clause asks for.
 *
 * Conditions on _partition, _offset and _timestamp choose partitions and offsets; they
 * are all checked again on the rows, so what is chosen may be too much, never too little.
 */
#pragma once

#include <datatype/timestamp.h>
#include <nodes/execnodes.h>
#include <nodes/pathnodes.h>

typedef enum VeloKafkaColumn
{
	VELO_KAFKA_PARTITION,
	VELO_KAFKA_OFFSET,
	VELO_KAFKA_TIMESTAMP,
	VELO_KAFKA_COLUMNS
} VeloKafkaColumn;

/* One condition: column, B-tree strategy, and whether the value is an array (= ANY). */
typedef struct VeloKafkaCondition
{
	VeloKafkaColumn column;
	int strategy;
	bool is_array;
} VeloKafkaCondition;

/*
 * Finds conditions among restriction clauses (RestrictInfo) of a foreign table: returns
 * the expressions of their values, *conditions a List of Lists of int that travels with
 * the plan, one for each expression.
 */
extern List *velo_source_kafka_conditions(PlannerInfo *root, RelOptInfo *relation, Oid table,
										  List *clauses, List **conditions);

extern VeloKafkaCondition velo_source_kafka_condition(List *encoded);
extern const char *velo_source_kafka_column_name(VeloKafkaColumn column);

/* Values that satisfy all conditions of a column lie between these, inclusive. */
typedef struct VeloKafkaBounds
{
	bool is_empty; /* nothing can satisfy the conditions */
	int64 low[VELO_KAFKA_COLUMNS];
	int64 high[VELO_KAFKA_COLUMNS];
	int npartitions; /* of IN lists; -1: there is none */
	int64 *partitions;
} VeloKafkaBounds;

/* Evaluates the expressions (ExprState), as many as conditions, in the current context. */
extern VeloKafkaBounds velo_source_kafka_bounds(List *conditions, List *states, List *exprs,
												ExprContext *econtext);

/* Is the partition asked for? */
extern bool velo_source_kafka_is_asked(const VeloKafkaBounds *bounds, int partition);
