/*
 * writer.h
 *	  Rows on stdout, in the format that the user wants.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

#include "line.h"

typedef struct CmdWriterOptions
{
	CmdOutput output;
	bool is_vertical; /* tables: a line for each column, for single rows */
	bool has_no_null; /* tables: an empty cell for NULL, where that is plain enough */
	bool is_live;	  /* tables: the header comes again after a screen of rows */

	/* Called before anything is written, to make room for it on the screen; may be NULL. */
	void (*before_write)(void *arg);
	void *arg;
} CmdWriterOptions;

typedef struct CmdWriter CmdWriter;

/*
 * What a format does; an instance embeds CmdWriter first.  Between begin and end come any
 * number of rows; the result is that of begin only in its columns.
 */
typedef struct CmdFormat
{
	size_t size;		/* of the instance */
	bool holds_nothing; /* a row is written when it comes */
	void (*begin)(CmdWriter *writer, const PGresult *result);
	void (*row)(CmdWriter *writer, const PGresult *result, int row);
	/* Writes what it has held back, because nothing more is waiting; may be NULL. */
	void (*rest)(CmdWriter *writer);
	void (*end)(CmdWriter *writer);
} CmdFormat;

struct CmdWriter
{
	const CmdFormat *format;
	CmdWriterOptions options;
	bool is_open;	/* between begin and end */
	int sets;		/* result sets begun so far */
	long long rows; /* of all sets */
	/* Is anything held back?  Then rest may be called after a short while. */
	bool is_holding;
};

extern const CmdFormat cmd_format_table;
extern const CmdFormat cmd_format_json;
extern const CmdFormat cmd_format_csv;

/* For formats that hold rows back: something is about to be written. */
extern void cmd_writer_before(CmdWriter *writer);

/* The caller ends it with cmd_writer_close. */
extern CmdWriter *cmd_writer_open(const CmdWriterOptions *options);

/* One row of a result; begins a set when none is open. */
extern void cmd_writer_row(CmdWriter *writer, const PGresult *result, int row);

/* The end of a result set, which had no row if none was begun: then only its columns. */
extern void cmd_writer_end(CmdWriter *writer, const PGresult *result);

/* Whatever is held back goes out. */
extern void cmd_writer_flush(CmdWriter *writer);

/* Ends a set that is still open. */
extern void cmd_writer_close(CmdWriter *writer);

/* All rows of a result that is complete. */
extern void cmd_writer_result(CmdWriter *writer, const PGresult *result);
