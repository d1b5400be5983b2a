/*
 * prepared.c
 *	  Which statements a connection has prepared.
 *
 * The list hangs on the connection itself (libpq's events), so that it goes with it
 * whoever closes it.  A connection is used by one thread at a time, and so is its list.
 */
#include "gateway/src/prepared.h"

#include "gateway/src/memory.h"

#include <libpq-events.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
	STATEMENTS_MAX = 64 /* of a connection; more are sent as text */
};

typedef struct List
{
	int count;
	int names; /* given so far */
	VgPrepared entries[STATEMENTS_MAX];
} List;

static void
clear(List *list)
{
	for (int i = 0; i < list->count; i++)
		free(list->entries[i].sql);
	list->count = 0;
}

static int
on_event(PGEventId event, void *info, void *arg)
{
	if (event == PGEVT_CONNDESTROY)
	{
		PGconn *conn = ((PGEventConnDestroy *) info)->conn;
		List *list = PQinstanceData(conn, on_event);

		if (list)
			clear(list);
		free(list);
	}
	return 1;
}

static List *
list_of(PGconn *conn)
{
	List *list = PQinstanceData(conn, on_event);

	if (list == NULL && PQregisterEventProc(conn, on_event, "velo-gateway", NULL))
	{
		list = vg_alloc(sizeof(List));
		PQsetInstanceData(conn, on_event, list);
	}
	return list;
}

VgPrepared *
vg_prepared_find(PGconn *conn, const char *sql)
{
	List *list = list_of(conn);
	VgPrepared *entry = NULL;

	if (list == NULL)
		return NULL;
	for (int i = 0; i < list->count && entry == NULL; i++)
		if (strcmp(list->entries[i].sql, sql) == 0)
			entry = &list->entries[i];
	if (entry == NULL)
	{
		if (list->count == STATEMENTS_MAX)
			return NULL;
		entry = &list->entries[list->count++];
		memset(entry, 0, sizeof(*entry));
		entry->sql = vg_copy(sql);
		snprintf(entry->name, sizeof(entry->name), "velo_%d", ++list->names);
	}
	entry->uses++;
	return entry;
}

void
vg_prepared_forget(PGconn *conn)
{
	List *list = PQinstanceData(conn, on_event);

	if (list)
		clear(list);
}
