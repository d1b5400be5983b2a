/*
 * meta.h
 *	  The extension's catalog as C sees it.
 *
 * Catalog rows are read and written by SQL with column names (SPI), never by
 * attribute number: the catalog may grow without recompiling every reader, and
 * the statements can be tried in psql.  All of it runs as the extension's owner,
 * with search_path pg_catalog; who may do what is checked by the caller.
 */
#pragma once

#include <utils/jsonb.h>

#include "base/option.h"

/* --- acting as the extension's owner ------------------------------------- */

typedef struct VeloMetaScope
{
	Oid user;
	int security;
	int guc_level;
	MemoryContext caller; /* where results are copied to */
} VeloMetaScope;

/* Oid of the role that owns the extension; error 55000 if it is not installed. */
extern Oid velo_meta_owner(void);
extern Oid velo_meta_extension(void); /* InvalidOid if not installed here */

/* Between these two calls SPI is connected and runs as the extension's owner.
 * After an error the (sub)transaction's abort restores everything. */
extern void velo_meta_begin(VeloMetaScope *scope);
extern void velo_meta_end(VeloMetaScope *scope);

/*
 * Runs one statement inside a scope; sql is a literal (its plan is kept by its
 * address); args are text (NULL: SQL NULL) and cast in the statement ($1::int).  Returns the number of rows; they stand in
 * SPI_tuptable until the next call.
 */
extern uint64 velo_meta_run(const char *sql, int nargs, const char *const *args);
/* The same for a statement that is built at run time; its plan is not kept. */
extern uint64 velo_meta_run_once(const char *sql);

/*
 * Columns (1-based) of a result row, copied to the context that was current when
 * the scope began.
 */
extern char *velo_meta_value(uint64 row, int column); /* as text, or NULL */
extern Datum velo_meta_datum(uint64 row, int column, bool *is_null);
extern List *velo_meta_text_list(uint64 row, int column); /* text[] */
extern List *velo_meta_oid_list(uint64 row, int column);  /* oid[] */
extern List *velo_meta_options(uint64 row, int column);	  /* jsonb */

/* Arguments for velo_meta_run. */
extern char *velo_meta_oid_text(Oid oid);	  /* NULL for InvalidOid */
extern char *velo_meta_oid_array(List *oids); /* "{1,2}" */
extern char *velo_meta_text_array(List *texts);
extern char *velo_meta_options_text(List *options);

/* --- streams -------------------------------------------------------------- */

typedef struct VeloStream
{
	Oid relation;
	bool is_table;
	bool is_derived;
	bool is_restored;
	char *type;
	Oid storage;
	List *key_columns; /* of char * */
	List *options;	   /* VeloOptionValue */
} VeloStream;

/* The stream of that relation in the current context, or NULL. */
extern VeloStream *velo_meta_stream(Oid relation);

/* Kinds of relations that statements outside the dialect must respect. */
typedef enum VeloGuard
{
	VELO_GUARD_NONE,
	VELO_GUARD_STREAM,		   /* append only */
	VELO_GUARD_DERIVED_STREAM, /* written by its job only */
	VELO_GUARD_DERIVED_TABLE
} VeloGuard;

/* Cheap (cached, invalidated by catalog changes); never throws if the extension is missing. */
extern VeloGuard velo_meta_guard(Oid relation);
/* To be called after every change of velo.stream, inside the transaction. */
extern void velo_meta_streams_changed(void);
