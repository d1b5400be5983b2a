/*
 * prepared.h
 *	  Statements that a connection has seen before, prepared on it.
 *
 * Parsing and planning a call costs more than most calls.  A statement is prepared when a
 * connection sees it the second time: sessions that are cleaned after each request
 * (DISCARD ALL) would pay for nothing.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>

enum
{
	VG_PREPARED_NAME_SIZE = 24
};

typedef struct VgPrepared
{
	char *sql;
	int uses;
	bool is_prepared;
	char name[VG_PREPARED_NAME_SIZE];
} VgPrepared;

/* The connection's entry for this text, one use more; NULL: it has too many others. */
extern VgPrepared *vg_prepared_find(PGconn *conn, const char *sql);

/* Its statements are gone. */
extern void vg_prepared_forget(PGconn *conn);
