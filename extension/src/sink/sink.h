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
 *	committed	may be NULL.  After the commit, outside a transaction: sinks of other
 *				systems send what the transaction has made durable.
 *	recover		may be NULL.  Once after open and before the first batch, outside a
 *				transaction: ends what the last life of the task has begun elsewhere and
 *				sends what it has committed and not sent.
 *
 * A sink that can lead (spec->leads is set by the driver and ops->commit is not NULL)
 * decides alone whether a batch has happened: PostgreSQL's transaction carries none
 * of its rows.
 *
 *	commit		after PostgreSQL's transaction, outside one: makes the rows written and
 *				"positions" (a text of the driver's) durable and visible together.
 *	positions	after recover: the text of the last commit, or NULL if there was none.
 *	close		releases what memory contexts do not.
 *
 * Errors: a row that cannot be stored raises; the caller has a subtransaction
 * around write() and flush() and, if one fails, writes the same rows again one by
 * one.  So a sink keeps no row back over a failed write: at the start of write()
 * it must be as if the failed call had never been.  Output is written with the
 * rights of the current role.
 *
 * Commit leaders.  Usually PostgreSQL: the transaction around write() and flush() also
 * carries positions and state.  If the sink leads, the driver keeps a copy of the
 * positions in PostgreSQL for show, and believes the sink's.
 */
#pragma once

#include <datatype/timestamp.h>

#include "base/option.h"
#include "row/row.h"

typedef struct VeloSinkSpec
{
	const char *name;	   /* for messages */
	const char *type;	   /* "table", "native", "kafka", "discard", "client" */
	Oid relation;		   /* the table, or the stream's view */
	TupleDesc desc;		   /* result columns, by position the relation's columns named in
								 * desc */
	int payload;		   /* how many of them are the row; the others are about it: */
	AttrNumber event_time; /* 1-based in desc, timestamptz, or 0 */
	AttrNumber headers;	   /* 1-based in desc, jsonb, or 0 */
	int nkeys;			   /* key columns; 0: append only */
	AttrNumber *keys;	   /* 1-based in desc */
	bool rows_are_new;	   /* no key has been written before, by this job or anybody else,
								 * unless something extraordinary has happened */
	List *options;		   /* VeloOptionValue */

	/* Of jobs, for sinks that keep something of their own between lives. */
	int job_id; /* 0: not a job's */
	int task;
	Oid role;		  /* whose connections are used */
	int64 generation; /* counts RESET JOB: older positions elsewhere do not count */
	bool leads;
} VeloSinkSpec;

typedef struct VeloSink VeloSink;

typedef struct VeloSinkOps
{
	const char *type;
	VeloSink *(*open)(const VeloSinkSpec *spec);
	void (*write)(VeloSink *sink, VeloChunk *chunk);
	void (*flush)(VeloSink *sink);
	void (*committed)(VeloSink *sink);
	void (*recover)(VeloSink *sink);
	void (*commit)(VeloSink *sink, const char *positions);
	const char *(*positions)(VeloSink *sink);
	void (*close)(VeloSink *sink); /* may be NULL */
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
