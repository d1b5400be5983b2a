/*
 * source.h
 *	  Contract of a source: where rows come from.
 *
 * A source reads rows in position order and can say where it stands.  It knows
 * nothing of jobs: positions are kept by whoever drives it, committed together
 * with what was made of the rows, and given back at the next start.
 *
 *	create		may be NULL: streams of this type cannot be declared.  Makes the relation
 *				of a new stream (a view of its user columns) and what stands behind it, and
 *				returns it; see VeloStreamSpec.
 *	open		once; may look at catalogs.  Everything is allocated in the
 *				current memory context, which lives as long as the source.
 *	seek		once per partition before the first batch: a text from tell(), or
 *				NULL with a start rule.
 *	before_batch	may be NULL.  Called before the snapshot of a batch is taken, inside
 *				or outside a transaction: what it learns of running transactions
 *				makes watermark_limit valid for that snapshot.  Not called: limits
 *				are right, but one batch old.
 *	begin_batch	at the start of each batch, inside a transaction with an active
 *				snapshot: fixes what this batch can see.  Returns false when there
 *				is nothing to read, so that an idle job costs next to nothing.
 *	poll		appends rows to the chunk until it is full, the batch's input is
 *				drained, or "limit" rows are in it; returns how many.  Only columns
 *				in "needed" must be set; _timestamp, _event_time (= _timestamp
 *				until the watermark operator sets it), _partition and _offset
 *				always.  By-reference values go to chunk->context.
 *	tell		the position behind the last polled row, as text for seek().
 *				Texts are small (they are written at every commit).
 *	is_ended	a bounded source has given all its rows.
 *	next_due	when there may be new input without a wake-up; DT_NOEND: unknown,
 *				the driver polls at its own pace.  Called outside transactions.
 *	watermark_limit
 *				the time the watermark may not pass now because input with earlier
 *				times may still appear (a native stream's oldest open writer);
 *				DT_NOEND: none.  Valid for the batch begun last.
 *	lag			rows known to be waiting, or -1; called inside a transaction.
 *	wake_fd		may be NULL: a file descriptor that becomes readable when there is new
 *				input (begin_batch reads it empty); the driver waits for it as well.
 *	is_stale	may be NULL.  Between batches, outside transactions: true if the source has
 *				changed so that it must be opened anew (partitions were added).
 *	raw			may be NULL.  The record behind row "row" of the chunk polled last, as it
 *				came; false if it is not kept.  Only asked for if spec->keeps_raw.
 *	committed	may be NULL.  After each commit, outside transactions: tells other systems
 *				how far has been read, for show.  Must not raise and must not wait.
 *	trouble		may be NULL.  Why there can be no input at present (the broker is away), for
 *				show; NULL if all is well.
 *	close		releases what memory contexts do not.
 *
 * A record that cannot be decoded is no row: poll gives it to on_failure, which the
 * driver sets after open, and goes on behind it; what is raised in there fails the batch.
 *
 * A transaction may abort at any time between begin_batch and the next one; the
 * driver then throws the source away and opens it anew at the committed position.
 */
#pragma once

#include <datatype/timestamp.h>
#include <utils/jsonb.h>

#include "base/option.h"
#include "row/row.h"

typedef enum VeloStartFrom
{
	VELO_START_EARLIEST,
	VELO_START_LATEST,
	VELO_START_TIMESTAMP
} VeloStartFrom;

/* A record of an outside system as it came; not kept longer than the call. */
typedef struct VeloRawRecord
{
	const char *topic;
	int partition;
	int64 offset;
	TimestampTz timestamp;
	const char *key; /* NULL: none */
	int key_length;
	const char *value; /* NULL: a tombstone */
	int value_length;
	Jsonb *headers; /* or NULL */
} VeloRawRecord;

typedef struct VeloSourceSpec
{
	const char *name; /* for messages */
	const char *type; /* "native", "generator" */
	Oid relation;	  /* the stream's relation, or InvalidOid */
	TupleDesc desc;	  /* user columns, then system columns */
	int user_natts;
	Bitmapset *needed; /* 0-based numbers of the columns the plan uses */
	List *options;	   /* VeloOptionValue */
	Oid role;		   /* whose connections are used; InvalidOid: the current user's */
	bool bounded;	   /* stop at the end found at the start */
	bool keeps_raw;	   /* raw() will be asked */
	const void *given; /* rows supplied by a bounded run (given.c), or NULL */
} VeloSourceSpec;

/* A stream to be made.  Called inside a velo_meta scope; the caller has checked that
 * "owner" may create in that schema, and enters the stream into velo.stream. */
typedef struct VeloStreamSpec
{
	Oid schema;
	const char *name;
	List *columns;	 /* VeloColumn * (native_storage.h) */
	List *options;	 /* VeloOptionValue */
	bool is_derived; /* a job writes it */
	Oid owner;
} VeloStreamSpec;

typedef struct VeloSource VeloSource;

typedef struct VeloSourceOps
{
	const char *type;
	bool has_times; /* _timestamp comes with the records, in any order, not from our clock */
	Oid (*create)(const VeloStreamSpec *stream, Oid *storage);
	VeloSource *(*open)(const VeloSourceSpec *spec);
	int (*partitions)(VeloSource *source); /* how many, known after open */
	void (*seek)(VeloSource *source, int partition, const char *position, VeloStartFrom from,
				 TimestampTz from_time);
	void (*before_batch)(VeloSource *source);
	bool (*begin_batch)(VeloSource *source);
	int (*poll)(VeloSource *source, VeloChunk *chunk, int limit);
	const char *(*tell)(VeloSource *source, int partition);
	bool (*is_ended)(VeloSource *source);
	TimestampTz (*next_due)(VeloSource *source);
	TimestampTz (*watermark_limit)(VeloSource *source);
	int64 (*lag)(VeloSource *source);
	int (*wake_fd)(VeloSource *source);
	bool (*is_stale)(VeloSource *source);
	bool (*raw)(VeloSource *source, int row, VeloRawRecord *record);
	void (*committed)(VeloSource *source);
	const char *(*trouble)(VeloSource *source);
	void (*close)(VeloSource *source);
} VeloSourceOps;

/* First member of every source. */
struct VeloSource
{
	const VeloSourceOps *ops;
	const VeloSourceSpec *spec;
	void (*on_failure)(void *driver, const VeloRawRecord *record, const ErrorData *error);
	void *driver;
};

#define VELO_SOURCE(instance) VELO_REGISTER(source, VeloSourceOps, instance)

/* The source type of that name, or NULL. */
extern const VeloSourceOps *velo_source_find(const char *type);
