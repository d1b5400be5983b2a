/*
 * sqlstate.h
 *	  What an SQLSTATE means outside of SQL.
 *
 * The one table that maps it: to an HTTP status, to an error code of JSON-RPC (for the
 * Model Context Protocol) and to the exit code of a command.  Nobody else invents one.
 */
#pragma once

/* Exit codes of `velo`; documented in docs/cli. */
typedef enum VcExit
{
	VC_EXIT_OK = 0,
	VC_EXIT_ERROR = 1,
	VC_EXIT_USAGE = 2,
	VC_EXIT_NOT_FOUND = 3,
	VC_EXIT_CONFLICT = 4,
	VC_EXIT_DENIED = 5,
	VC_EXIT_TIMEOUT = 6,
	VC_EXIT_UNAVAILABLE = 7,
	VC_EXIT_INVALID = 8,
	VC_EXIT_INTERRUPTED = 130
} VcExit;

typedef struct VcMeaning
{
	const char *sqlstate; /* five characters, or a class of two */
	int http_status;
	int rpc_code; /* JSON-RPC 2.0 */
	VcExit exit_code;
} VcMeaning;

/*
 * The meaning of a code: that of the code itself, else of its class, else of an internal
 * error.  Never NULL; sqlstate may be NULL (an error without a code).
 */
extern const VcMeaning *vc_sqlstate_meaning(const char *sqlstate);
