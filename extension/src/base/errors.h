/*
 * errors.h
 *	  SQLSTATE class VE: facts of streaming that no standard code names.
 *
 * Everything else uses PostgreSQL's codes.  "could not" may work next time,
 * "cannot" never will.
 */
#pragma once

#define ERRCODE_VELO_BREAKER_OPEN MAKE_SQLSTATE('V', 'E', '0', '0', '1')
#define ERRCODE_VELO_LATE_RECORD MAKE_SQLSTATE('V', 'E', '0', '0', '2')
#define ERRCODE_VELO_DEAD_LETTERS_FULL MAKE_SQLSTATE('V', 'E', '0', '0', '3')
#define ERRCODE_VELO_WORKER_FENCED MAKE_SQLSTATE('V', 'E', '0', '0', '4')
#define ERRCODE_VELO_STATE_INCOMPATIBLE MAKE_SQLSTATE('V', 'E', '0', '0', '7')
#define ERRCODE_VELO_POSITION_LOST MAKE_SQLSTATE('V', 'E', '0', '0', '8')
#define ERRCODE_VELO_SINK_AHEAD MAKE_SQLSTATE('V', 'E', '0', '0', '9')
/* No error: what velo.progress_interval sends. */
#define ERRCODE_VELO_PROGRESS MAKE_SQLSTATE('V', 'E', '9', '0', '0')
