/*
 * json_write.h
 *	  A value of a type becomes JSON.
 */
#pragma once

#include <lib/stringinfo.h>
#include <nodes/pg_list.h>

/* What the options say about the form of values. */
typedef struct VeloJsonForm
{
	bool decimal_is_string; /* "json.decimal" */
	bool time_is_epoch_ms;	/* "json.timestamp" */
	bool is_bare;			/* the outermost value is not put in quotes: a text key */
} VeloJsonForm;

/* From a stream's options. */
extern VeloJsonForm velo_format_json_form(List *options);

typedef struct VeloJsonWriter VeloJsonWriter;

/* Prepares writing values of a type, in the current memory context. */
extern VeloJsonWriter *velo_format_json_writer(Oid type, const VeloJsonForm *form);

/* Appends a value that is not NULL, in the database's encoding.  Leaks into the current context. */
extern void velo_format_json_write(VeloJsonWriter *writer, Datum value, StringInfo out);

/* Appends a text of "length" bytes in quotes. */
extern void velo_format_json_write_string(StringInfo out, const char *text, int length);
