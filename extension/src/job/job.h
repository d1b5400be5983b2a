/*
 * job.h
 *	  Jobs: continuous statements that background workers run.
 */
#pragma once

#include <datatype/timestamp.h>

#include "base/option.h"
#include "job/pipeline.h"

typedef struct VeloJob
{
	int job_id;
	char *name;
	char *kind;	  /* "stream", "table", "insert" */
	Oid relation; /* the derived object; InvalidOid for an INSERT job */
	Oid owner;	  /* of the relation, or of the INSERT job */
	Oid target;	  /* where rows go */
	char *version;
	char *application;
	char *sql;
	List *sources;	/* of Oid, as named in the statement */
	List *settings; /* VeloOptionValue: frozen settings */
	List *options;	/* VeloOptionValue */
	char *desired;
	char *status;
	char *start_from; /* "default", "earliest", "latest", or an ISO timestamp */
	bool needs_position;
} VeloJob;

/* The job in the current context, or NULL. */
extern VeloJob *velo_job_load(int job_id);
extern VeloJob *velo_job_find(const char *name);

/* --- definition (inside the statement's transaction) --------------------------- */

typedef struct VeloJobDefinition
{
	const char *name;
	const char *kind;
	const char *sql; /* the statement as the user wrote it */
	Oid relation;
	Oid target;
	const VeloPlan *plan;
	const char *application;
	const char *start_from; /* NULL: default */
} VeloJobDefinition;

/* Raises 42710 if there is a job of that name. */
extern void velo_job_require_free(const char *name);

/* Writes the job, its version and its column edges; returns the job's number. */
extern int velo_job_define(const VeloJobDefinition *definition);

/* The columns of the target that an INSERT writes, in the order in which it writes them. */
extern TupleDesc velo_job_insert_target(const char *text, const LiftStatement *statement,
										Oid target);
/* The same for a target of these columns. */
extern TupleDesc velo_job_insert_columns(const char *text, const LiftStatement *statement,
										 const char *target, TupleDesc columns);

/* The plan of a stored job: its statement analysed again, by the current role. */
extern VeloPlan *velo_job_plan(const VeloJob *job);

/* The job starts after a restore: its table is its own again. */
extern void velo_job_end_restore(const VeloJob *job);

/* Makes "latest" mean now, in the statement's transaction, not when the worker starts. */
extern void velo_job_fix_latest(int job_id, const VeloPlan *plan);

/* What its rows go to. */
extern VeloSinkSpec *velo_job_sink_spec(const VeloJob *job, const VeloPlan *plan);

/* --- the commit ------------------------------------------------------------------ */

typedef struct VeloTask
{
	int job_id;
	int task;
	int64 epoch;		   /* the lease this worker holds */
	int64 generation;	   /* counts RESET JOB */
	TimestampTz watermark; /* as of the last commit; DT_NOBEGIN: none */
	int64 records_in;	   /* committed totals */
	int64 records_out;
	int64 records_failed;
	int64 records_late;
	int nwritten;
	char **written; /* positions as they stand in the catalog, by partition; NULL: unknown */
} VeloTask;

/* Takes the lease: from now on whoever held it cannot commit.  NULL: the job is gone. */
extern VeloTask *velo_job_task_take(int job_id, int task);

/* Saved position of a source's partition, or NULL, and its watermark. */
extern char *velo_job_position(const VeloTask *task, int source, int partition,
							   TimestampTz *watermark);

/*
 * Positions of all partitions in one text, for sinks that lead; and back: the position of
 * one, or NULL if it has none there.
 */
extern char *velo_job_positions_text(VeloSource *source);
extern char *velo_job_positions_find(const char *text, int partition);

/*
 * Writes positions, counters and usage of what the pipeline did since the last
 * commit, and checks the lease (VE004 if it is lost).  The transaction's commit
 * makes all of it true at once.
 */
extern void velo_job_commit(VeloTask *task, const VeloJob *job, VeloPipeline *pipeline);

/* --- status ------------------------------------------------------------------------ */

extern void velo_job_set_status(int job_id, const char *status);
extern void velo_job_set_error(int job_id, const char *status, const char *sqlstate,
							   const char *message);

/* What becomes of a job whose worker ended with an error, the failures-th time in a row. */
typedef struct VeloRestart
{
	bool is_final; /* not begun again: the job has failed */
	int64 delay_us;
} VeloRestart;

extern VeloRestart velo_job_restart(const VeloJob *job, int sqlstate, int failures);

/* The error as the job's status shows it; what a broker refuses is said in the detail only. */
extern char *velo_job_error_text(const ErrorData *error);

/* --- failures ------------------------------------------------------------------------ */

extern bool velo_job_keeps_dead_letters(const VeloJob *job);

/* Sets the pipeline's callbacks to the job's failure strategy. */
extern void velo_job_failures(VeloPipeline *pipeline, const VeloJob *job);
