/*
 * statement.h
 *	  Private to api/: carrying out lifted statements.
 *
 * A statement ends in one of three things, and the door it came through (execute,
 * DO LANGUAGE velo, validate) says what to do with each:
 *
 *	query		PostgreSQL runs it and it may give rows (plain SQL, SHOW …)
 *	command		done; there is a small report
 *	pipeline	a continuous or windowed query whose rows the caller gets
 */
#pragma once

#include "job/job.h"
#include "plan/plan.h"

typedef struct VeloReport
{
	const char *command; /* "CREATE STREAM" */
	const char *object;	 /* qualified name, or NULL */
	const char *job;	 /* or NULL */
} VeloReport;

typedef struct VeloDoor VeloDoor;

struct VeloDoor
{
	void (*query)(VeloDoor *door, const char *sql, const LiftText *core);
	void (*command)(VeloDoor *door, const VeloReport *report);
	void (*pipeline)(VeloDoor *door, VeloPlan *plan, const LiftStatement *statement);
	const char *text; /* what the user typed */
	bool is_last;	  /* only the last statement's rows are wanted */
};

/* Carries out one statement for a door. */
extern void velo_api_run(VeloDoor *door, const LiftStatement *statement);
/* All statements of a text, in order. */
extern void velo_api_run_script(VeloDoor *door, const char *text, Jsonb *params);

/* --- one function a kind of statement; each in a file of its own ----------------- */

extern VeloReport velo_api_declare(const char *text, const LiftStatement *statement);
extern VeloReport velo_api_create_as(const char *text, const LiftStatement *statement,
									 const char *job_name, const char *sql);
/* Makes the native stream that SELECT … INTO names, if there is nothing of that name. */
extern void velo_api_create_into(const char *text, const LiftStatement *statement,
								 const LiftStatement *insert);
extern VeloReport velo_api_insert_job(const char *text, const LiftStatement *statement,
									  const char *job_name, const char *sql);
extern VeloReport velo_api_drop(const char *text, const LiftStatement *statement);
extern VeloReport velo_api_job(const char *text, const LiftStatement *statement);
/* The SELECT that answers a SHOW or DESCRIBE. */
extern char *velo_api_show(const char *text, const LiftStatement *statement,
						   const VeloDeclared *declared);
extern char *velo_api_explain(const char *text, const LiftStatement *statement,
							  const VeloDeclared *declared);

/* What a CREATE would make, without making it; errors as if it did (for validate). */
extern VeloObject *velo_api_declared_object(const char *text, const LiftStatement *statement);
extern VeloObject *velo_api_created_object(const char *text, const LiftStatement *statement,
										   const VeloPlan *plan);

/*
 * Checks of statements, without doing anything: velo.validate makes the same as the
 * statements themselves.  "declared" are objects of earlier statements, or NULL.
 */
/*
 * The schema of what a CREATE makes; checks that the name is free and the right to
 * create there.  InvalidOid if it is taken and IF NOT EXISTS was said.
 */
extern Oid velo_api_creation_schema(const char *text, const LiftStatement *statement);
extern VeloPlan *velo_api_check_insert(const char *text, const LiftStatement *statement,
									   const VeloDeclared *declared, VeloObject **target);
/* NULL: there is none, and IF EXISTS was said. */
extern VeloObject *velo_api_check_drop(const char *text, const LiftStatement *statement,
									   const VeloDeclared *declared);
/* Raises 42704 at the name if there is no such job. */
extern VeloJob *velo_api_find_job(const char *text, const LiftName *name);
extern void velo_api_check_job(const char *text, const LiftStatement *statement);
/* Raises 42710 at the annotation or the name that gives a statement's job its name. */
extern void velo_api_check_job_name(const char *text, const LiftStatement *statement,
									const char *name);
extern void velo_api_check_alter(const char *text, const LiftStatement *statement);
/* A SHOW that the lifter left to PostgreSQL: is there such a setting? */
extern void velo_api_check_setting(const char *text, const LiftStatement *statement);
/* The statement that START JOB name AS … carries out. */
extern LiftStatement velo_api_job_body(const char *text, const LiftStatement *statement);

/* The plan of a statement's query. */
extern VeloPlan *velo_api_plan(const char *text, const LiftStatement *statement,
							   const VeloDeclared *declared);

/* The statement's own text, for the catalog. */
extern char *velo_api_statement_text(const char *text, const LiftStatement *statement);
extern char *velo_api_object_name(Oid relation);
/* The value of an annotation before the statement, or NULL. */
extern const char *velo_api_annotation(const LiftStatement *statement, const char *key);

/* Raises 42501 unless the current role may control the job. */
extern void velo_api_require_control(const VeloJob *job);
