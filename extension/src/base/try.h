/*
 * try.h
 *	  Running a function so that its failure can be survived.
 */
#pragma once

#include <utils/elog.h>

/*
 * Runs a function in a subtransaction.  Returns NULL if it came to its end.  After an
 * error for which is_survivable says yes everything it did in the database is rolled
 * back and the error is returned, in the memory context of the caller; any other error
 * is raised.  Memory that the function allocated elsewhere stays.
 */
extern ErrorData *velo_base_try(void (*function)(void *), void *arg,
								bool (*is_survivable)(int sqlstate));

/* Does the error belong to a record (class 22, 23, 21, P0, 38, 39, 2F)? */
extern bool velo_base_is_data_error(int sqlstate);
