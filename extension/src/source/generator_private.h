/*
 * generator_private.h
 *	  Private to the generator's files:
 *
 *	generator_chance.c	draws: a number for a column and a record, by its distribution
 *	generator_clock.c	which records there are, and their times
 *	generator_value.c	the values, by type
 */
#pragma once

#include <fmgr.h>

#include "source/generator.h"
#include "source/generator_hints.h"

typedef struct Column Column;
typedef Datum (*InventValue)(VeloGenerator *generator, Column *column, int64 n);

struct Column
{
	int place; /* 0-based */
	Oid type;  /* base type */
	int32 typmod;
	Oid domain; /* InvalidOid: none */
	void *domain_cache;
	uint64 hash; /* of seed and name */
	const char *name;
	VeloHints *hints;
	InventValue invent;
	double low; /* range of numbers; of times in microseconds */
	double high;
	int64 low_int;
	uint64 span; /* number of different integers from low_int */
	int scale;	 /* of numeric */
	int nchoices;
	Datum *choices;
	double *cumulative; /* weights summed up, or NULL */
	FmgrInfo input;		/* of types made from text */
	Oid input_param;
};

struct VeloGenerator
{
	MemoryContext context;
	int natts;
	int ncolumns;
	Column *columns;
	double rate;		/* records a second; 0: unthrottled */
	int64 record_count; /* -1: endless */
	TimestampTz base;
	bool has_start;
	TimestampTz start; /* time of record 0 if has_start */
	double step;	   /* microseconds between records' times */
};

/* --- generator_chance.c --- */

/* The finalizer of splitmix64. */
static inline uint64
mix(uint64 x)
{
	x += UINT64CONST(0x9E3779B97F4A7C15);
	x = (x ^ (x >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

/* "salt" tells several draws for one value apart. */
static inline uint64
draw(const Column *column, int64 n, uint32 salt)
{
	return mix(column->hash ^ mix((uint64) n * 8 + salt));
}

static inline double
to_unit(uint64 x)
{
	return (double) (x >> 11) * 0x1.0p-53;
}

static inline uint64
to_index(uint64 x, uint64 n)
{
	return (uint64) (((unsigned __int128) x * n) >> 64);
}

/* A fraction in [0, 1) by the column's distribution over "span" values. */
extern double velo_source_chance_fraction(const Column *column, int64 n, double span);
/* A number in [0, among), or one after the other if the column is sequential. */
extern uint64 velo_source_chance_choose(const Column *column, int64 n, uint64 among);

/* --- generator_clock.c --- */

/* A time as timestamptz's input has it. */
extern TimestampTz velo_source_generator_read_time(const char *text);
/* An integer property, also as an annotation ("data.NAME"). */
extern int64 velo_source_generator_read_count(List *options, const char *name, int64 standard);
/* Fills rate, count and times; base is set. */
extern void velo_source_generator_set_clock(VeloGenerator *generator, List *options);
