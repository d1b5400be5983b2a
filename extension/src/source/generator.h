/*
 * generator.h
 *	  Records made up by rule: the n-th is a function of seed, n and column.
 *
 * Nothing is remembered from record to record, so a job can go on at any number,
 * two readers see the same data, and the same seed gives the same records for
 * ever.  docs/sources/generator.md describes the options.
 */
#pragma once

#include <access/tupdesc.h>
#include <datatype/timestamp.h>
#include <nodes/bitmapset.h>
#include <nodes/pg_list.h>

typedef struct VeloGenerator VeloGenerator;

/* Setting velo.generator_read_max: most records of an endless stream that SQL shows. */
extern int velo_source_generator_read_max;

/*
 * A generator of the first "natts" columns of desc, or of those of them in
 * "needed" if that is not NULL, in the current context.  base: when record 0 is
 * due.  Raises 22023 for hints that make no sense.
 */
extern VeloGenerator *velo_source_generator_make(TupleDesc desc, int natts, const Bitmapset *needed,
												 List *options, TimestampTz base);

/* Values of record n, allocated in the current context; all columns are set. */
extern void velo_source_generator_fill(VeloGenerator *generator, int64 n, Datum *values,
									   bool *nulls);

/* The record's own time, and when it is delivered. */
extern TimestampTz velo_source_generator_time(const VeloGenerator *generator, int64 n);
extern TimestampTz velo_source_generator_due(const VeloGenerator *generator, int64 n);

/* The first record whose time is not before that. */
extern int64 velo_source_generator_first_at(const VeloGenerator *generator, TimestampTz time);

/* How many records there are at a time: those due and not beyond record_count. */
extern int64 velo_source_generator_count(const VeloGenerator *generator, TimestampTz now);
extern int64 velo_source_generator_record_count(const VeloGenerator *generator); /* -1: endless */
extern double velo_source_generator_rate(const VeloGenerator *generator); /* 0: unthrottled */
extern void velo_source_generator_set_base(VeloGenerator *generator, TimestampTz base);

/*
 * Makes the view of a declared generator stream and returns it; columns is a List
 * of VeloColumn * (native_storage.h).  Inside a velo_meta scope, like
 * velo_source_native_create.
 */
extern Oid velo_source_generator_create(Oid schema, const char *name, List *columns, List *options,
										Oid owner);

/* Gives the view the options as they are now; inside a velo_meta scope. */
extern void velo_source_generator_alter(Oid relation, List *options);
