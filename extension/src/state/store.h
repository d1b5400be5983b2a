/*
 * store.h
 *	  Durable state of a job's task: a log of records and cells set aside.
 *
 * Operators keep state in memory, divided into cells (a window's slice of keys;
 * the unit of spilling).  A cell has a 64-bit number that its operator chooses.
 * The store makes that state durable inside the job's own transaction:
 *
 *	log			appended at every commit: the serialised groups that changed, in
 *				rows of at most 8 kB.  Records carry their cell; the newest record
 *				of a key wins.  Two segments: when everything live has been
 *				written again into the newer one (rolling snapshot, driven by the
 *				operator through velo_state_wants_snapshot), the older one is
 *				truncated, so recovery reads a bounded amount.
 *	cells		a cell that leaves memory is written whole (velo_state_cell_put)
 *				and read back whole; what the log said about it before is void.
 *
 * Recovery replays through callbacks: for each cell set aside, nothing is read
 * until asked for; for each log record newer than its cell's last put,
 * on_record is called in the order of writing.
 *
 * All calls but open/close happen inside the job's transaction.  After an abort
 * the store is thrown away and opened anew.
 */
#pragma once

typedef struct VeloStore VeloStore;

typedef enum VeloRecordKind
{
	VELO_RECORD_PUT = 1,	   /* key and state of one group */
	VELO_RECORD_DELETE = 2,	   /* the group is gone */
	VELO_RECORD_DROP_CELL = 3, /* the whole cell is gone (window closed) */
	VELO_RECORD_OPERATOR = 4   /* operator's own facts (watermark …); the newest of a cell
								 * number wins, and the store itself writes it again */
} VeloRecordKind;

/* data is maxaligned and dies when the callback returns. */
typedef void (*VeloRecordCallback)(void *arg, VeloRecordKind kind, uint64 cell, const char *data,
								   Size length);

/* Creates the task's tables (in the current transaction, as the extension's owner). */
extern void velo_state_create(int job_id, int task);
/* Drops them, if they exist. */
extern void velo_state_drop(int job_id, int task);
/* Discards the contents: RESET JOB. */
extern void velo_state_discard(int job_id, int task);

/*
 * Opens the store.  layout names format, PostgreSQL major version and the shape
 * of groups; state written under another layout raises VE007.
 */
extern VeloStore *velo_state_open(int job_id, int task, const char *layout);
extern void velo_state_recover(VeloStore *store, VeloRecordCallback on_record, void *arg);
extern void velo_state_close(VeloStore *store);

/* Adds a record to the log; it is written at velo_state_flush at the latest. */
extern void velo_state_append(VeloStore *store, VeloRecordKind kind, uint64 cell, const char *data,
							  Size length);
/* Writes what is buffered; before every commit. */
extern void velo_state_flush(VeloStore *store);

/*
 * Sets a cell aside: begin, any number of records, end.  Replaces an earlier put
 * of the same cell and voids the log's earlier records of it.
 */
extern void velo_state_cell_begin(VeloStore *store, uint64 cell);
extern void velo_state_cell_record(VeloStore *store, const char *data, Size length);
extern void velo_state_cell_end(VeloStore *store);
/* Is there a put of this cell that recovery or a load would start from? */
extern bool velo_state_cell_exists(VeloStore *store, uint64 cell);
/* Reads a cell back; it stays stored as the base of later log records. */
extern void velo_state_cell_load(VeloStore *store, uint64 cell, VeloRecordCallback on_record,
								 void *arg);
/* Forgets a cell: its put and, by a DROP_CELL record, its log records. */
extern void velo_state_cell_drop(VeloStore *store, uint64 cell);
/* Numbers of all cells with a put, into *cells (palloc'd); returns how many. */
extern int velo_state_cells(VeloStore *store, uint64 **cells);

/*
 * Rolling snapshot.  Before each flush the operator asks how many bytes of
 * unchanged groups it should append as PUT records (whole cells, in a round robin
 * of its own; a cell written this way is written completely, after a DROP_CELL
 * record and with its put removed).  When it has written every resident cell
 * since the last call of snapshot_done, it calls snapshot_done: the older segment
 * holds nothing live any more.
 *
 * What is appended between asking (if the answer was not 0) and the next flush
 * counts as the snapshot's, all else as changes; the snapshot's share follows the
 * changes, so ask once a commit and append the changes before asking.  A process
 * that has recovered begins with nothing written.
 */
extern Size velo_state_wants_snapshot(VeloStore *store, Size live_bytes);
extern void velo_state_snapshot_done(VeloStore *store);

extern Size velo_state_log_bytes(VeloStore *store);
