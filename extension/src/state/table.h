/*
 * table.h
 *	  Tables of tasks in schema velo_state: made, found, dropped, emptied.
 *
 * They are owned by the extension's owner and members of the extension: pg_dump leaves
 * members out, and state that came back without the positions it belongs to would be
 * wrong; DROP EXTENSION takes them along.
 */
#pragma once

/* The table of that name, or InvalidOid. */
extern Oid velo_state_table_find(const char *name);

/*
 * Makes a table of these columns and a last one "data bytea" that is never compressed
 * or moved out of line; settings: text for WITH (…).  Called inside a velo_meta scope.
 */
extern Oid velo_state_table_create(const char *name, const char *columns, const char *settings);

/* Drops it, if it exists. */
extern void velo_state_table_drop(const char *name);

/*
 * Empties a table in a way that an abort undoes.  Returns false, having done
 * nothing, if it is not to wait and somebody holds a lock (pg_dump, vacuum).
 */
extern bool velo_state_truncate(Oid table, bool wait);
