/*
 * sql.h
 *	  The backend that asks PostgreSQL.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/mcp/backend.h"

/*
 * One connection, idle and outside of a transaction, with client_encoding UTF8.  The
 * caller fills it, owns all of it, and uses it from one thread.
 */
typedef struct VcMcpSql
{
	PGconn *conn;
	int timeout_ms;		 /* of a function called; 0: none of ours */
	const char *context; /* value of velo.request for the transaction; NULL: none */
	/*
	 * Waits until the connection's socket can be read, or something else the caller wants to
	 * look at; false: cancel what runs.  NULL: wait for the connection alone.
	 */
	bool (*wait)(void *arg, PGconn *conn);
	void *wait_arg;

	/* Set by the backend: the caller's own SQL ran, so the session may have been changed. */
	bool is_dirty;
	/* Set when wait said so, and by the caller before each message to false. */
	bool is_cancelled;
} VcMcpSql;

enum
{
	/* Milliseconds between two reports of progress. */
	VC_MCP_PROGRESS_MS = 500
};

/* The backend of a connection; sql must outlive it. */
extern VcMcpBackend vc_mcp_sql_backend(VcMcpSql *sql);

/* If it is dirty: makes the session as new (DISCARD ALL).  False: the connection is broken. */
extern bool vc_mcp_sql_clean(VcMcpSql *sql);
