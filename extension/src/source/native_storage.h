/*
 * native_storage.h
 *	  Where native streams keep their rows: making, widening and thinning out.
 *
 * A stream is a view of its user columns; behind it stands a table in schema
 * velo_storage, partitioned by append time, that nobody reaches by name.  Both
 * belong to the stream's owner.
 */
#pragma once

#include <lib/stringinfo.h>
#include <nodes/pg_list.h>
#include <utils/relcache.h>

typedef struct VeloColumn
{
	const char *name;
	Oid type;
	int32 typmod;
	Oid collation; /* InvalidOid or the type's own: none is written */
	bool not_null;
	bool is_key;			  /* known to the catalog only; not unique */
	const char *default_text; /* as deparsed under an empty search_path, or NULL */
} VeloColumn;

/*
 * Makes storage and view of a stream and returns the view; columns is a List of
 * VeloColumn *, options of VeloOptionValue *.  The storage of a derived stream
 * also keeps what its job knows of a row: _event_time and _tombstone, which the
 * view does not show.  To be called inside a velo_meta scope; the caller has
 * checked that "owner" may create in that schema, and enters the stream into
 * velo.stream.
 */
extern Oid velo_source_native_create(Oid schema, const char *name, List *columns, List *options,
									 bool is_derived, Oid owner, Oid *storage);

/*
 * Appends a column's name, type and collation as in a column definition list;
 * raises 42701 for the names of system columns.
 */
extern void velo_source_append_column(StringInfo sql, const VeloColumn *column);

/* Adds a column at the end; inside a velo_meta scope. */
extern void velo_source_native_add_column(Oid relation, Oid storage, const VeloColumn *column);

/* True while the view of a stream is replaced by us, which nobody else may do. */
extern bool velo_source_native_is_altering;

typedef struct VeloNativeMaintained
{
	int created;	 /* partitions */
	int dropped;	 /* partitions */
	int64 deleted;	 /* rows of the default partition */
	bool is_waiting; /* something is left to do: a lock was taken, or more
								 * rows are to be deleted */
} VeloNativeMaintained;

/*
 * Makes the partitions of the near future and removes what is older than the
 * stream's retention and read by every job; a bounded piece of it.  To be called
 * every few minutes, in a transaction of its own, by whoever has checked rights.
 */
extern VeloNativeMaintained velo_source_native_maintain(Oid relation);

/*
 * Gives restored rows the current transaction's id: theirs belong to another
 * cluster and mean nothing to this one's snapshots.  Does nothing if somebody
 * else has done it.
 */
extern void velo_source_native_renew(Oid relation);

/* The storage column behind a column of the stream's view; error 42703. */
extern const char *velo_source_native_column(Relation view, Oid storage, const char *name);

/* Greatest row number given out, 0 if none. */
extern int64 velo_source_native_last_seq(Oid storage);

/* Names in the option key.field. */
extern List *velo_source_native_key_fields(const char *text);

/* Is it the name of a column that every stream has, or that its storage has? */
extern bool velo_source_native_is_reserved(const char *name);
