/*
 * sink.h
 *	  Contract of a sink: where result rows go.
 *
 *	open		once, inside a transaction; everything in the current memory
 *				context, which lives as long as the sink.
 *	write		takes a chunk of result rows (columns of spec->desc, no system
 *				columns; a row flagged VELO_ROW_TOMBSTONE deletes its key and has
 *				only key columns set).  Called inside a transaction with an active
 *				snapshot; the chunk is the caller's and is reset after the call.
 *				Several rows of one key may come in one chunk: the last one wins.
 *	flush		before the transaction commits: everything written must be part
 *				of it when this returns.
 *	committed	after the commit, outside a transaction; for sinks that send to
 *				other systems.
 *	close		releases what memory contexts do not.
 *
 * Errors: a row that cannot be stored raises; the caller has a subtransaction
 * around write() and flush() and, if one fails, writes the same rows again one by
 * one.  So a sink keeps no row back over a failed write: at the start of write()
 * it must be as if the failed call had never been.  Output is written with the
 * rights of the current role.
 *
 * Commit leader: PostgreSQL.  The transaction around write() and flush() also
 * carries positions and state.  (A Kafka-led commit will be a second leader
 * behind this contract; see docs/ARCHITECTURE.md.)
 */
#pragma once

#include <datatype/timestamp.h>

#include "base/option.h"
#include "row/row.h"

typedef struct VeloSinkSpec
{
	const char *name; /* for messages */
	const char *type; /* "table", "native", "discard", "client" */
	Oid relation;	  /* the table, or the stream's view */
	TupleDesc desc;	  /* result columns, by position the relation's columns named in
								 * desc */
	int nkeys;		  /* key columns; 0: append only */
	AttrNumber *keys; /* 1-based in desc */
	List *options;	  /* VeloOptionValue */
} VeloSinkSpec;

typedef struct VeloSink VeloSink;

typedef struct VeloSinkOps
{
	const char *type;
	VeloSink *(*open)(const VeloSinkSpec *spec);
	void (*write)(VeloSink *sink, VeloChunk *chunk);
	void (*flush)(VeloSink *sink);
	void (*committed)(VeloSink *sink); /* may be NULL */
	void (*close)(VeloSink *sink);	   /* may be NULL */
} VeloSinkOps;

/* First member of every sink. */
struct VeloSink
{
	const VeloSinkOps *ops;
	const VeloSinkSpec *spec;
};

#define VELO_SINK(instance) VELO_REGISTER(sink, VeloSinkOps, instance)

extern const VeloSinkOps *velo_sink_find(const char *type);

/*
 * True while a job's own sink writes, so that the guard against foreign writes to
 * derived objects lets it pass.  Set around write() and flush() by the caller.
 */
extern bool velo_sink_is_writing;
