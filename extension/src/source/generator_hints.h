/*
 * generator_hints.h
 *	  What a statement says about the values of one generated column.
 *
 * Hints are options "data.<column>.<hint>", or several in one as in annotations:
 * "data.<column>" = 'range [1,100], distribution: normal'.
 */
#pragma once

#include <nodes/pg_list.h>

typedef enum VeloDistribution
{
	VELO_UNIFORM,
	VELO_NORMAL,
	VELO_ZIPF,
	VELO_RANDOM_WALK
} VeloDistribution;

typedef struct VeloHints
{
	const char *low; /* of the range, as written; NULL: the type's own */
	const char *high;
	List *choices; /* char *: values to choose from */
	List *weights; /* char *: as many, or NIL */
	VeloDistribution distribution;
	double null_probability;
	double volatility; /* part of the range a random walk covers in a step */
	bool is_sequential;
	const char *pattern; /* of texts, or NULL */
	int64 cardinality;	 /* number of different values; 0: as many as come */
} VeloHints;

/* Hints for a column, in the current context; raises 22023 if one is malformed. */
extern VeloHints *velo_source_generator_hints(List *options, const char *column);
