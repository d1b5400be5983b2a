/*
 * workers.h
 *	  What the background workers have in common.
 */
#pragma once

#include <postmaster/bgworker.h>
#include <utils/guc.h>

/* Entry points, found by name. */
extern PGDLLEXPORT void velo_launcher_main(Datum arg) pg_attribute_noreturn();
extern PGDLLEXPORT void velo_database_main(Datum arg) pg_attribute_noreturn();
extern PGDLLEXPORT void velo_job_main(Datum arg) pg_attribute_noreturn();

/* Signals and settings of a worker; before connecting. */
extern void velo_worker_setup(void);

/* Reads the configuration again if SIGHUP has come. */
extern void velo_worker_reload(void);

/* Waits for the latch or the time-out; ends the process with the postmaster. */
extern void velo_worker_wait(long timeout_ms);
/* The same, and until the file descriptor (-1: none) is readable. */
extern void velo_worker_wait_for(int fd, long timeout_ms);
