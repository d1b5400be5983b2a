/*
 * live_rows.h
 *	  Rows of PostgreSQL's text protocol as JSON.
 */
#pragma once

#include "gateway/src/memory.h"

#include <libpq-fe.h>

/* How a column's text becomes JSON; of its type alone. */
typedef enum VgEncoding
{
	VG_ENCODE_STRING,
	VG_ENCODE_BOOLEAN,
	VG_ENCODE_SMALL_INTEGER, /* always a number of JavaScript's */
	VG_ENCODE_INTEGER,		 /* a string beyond 2^53 - 1 */
	VG_ENCODE_FLOAT,		 /* a string when not finite */
	VG_ENCODE_NUMERIC,		 /* a string beyond 15 significant digits */
	VG_ENCODE_JSON
} VgEncoding;

extern VgEncoding vg_live_encoding(Oid type);

/* Appends text as a JSON string; what is no UTF-8 becomes U+FFFD. */
extern void vg_live_append_string(VgText *out, const char *text, size_t length);

/* Appends one row of a result as a JSON array; encodings has an entry a column. */
extern void vg_live_append_row(VgText *out, const PGresult *result, int row,
							   const VgEncoding *encodings);
