/*
 * key.h
 *	  Keys of records: the key columns of a row as bytes, and back.
 *
 * As the dialect has it, key.format "string" gives the text of a single key column, or of
 * several ones joined with "|", where "|" and "\" inside a part are preceded by "\" and
 * NULL is null.  Texts are those of JSON without quotes: times in ISO 8601, bytea in
 * base64.  "json" gives an object of the key columns, "bytes" the bytes of a single bytea
 * or text.  The text null and NULL look the same in a string key: where both may occur,
 * "json" tells them apart.
 */
#pragma once

#include "format/format.h"

typedef struct VeloKeyWriter VeloKeyWriter;
typedef struct VeloKeyReader VeloKeyReader;

/*
 * Prepares writing keys of columns keys[0..nkeys) (attribute numbers, from 1) of desc, in the
 * current memory context.  format: value of "key.format".  Raises 0A000 for a format that is
 * not supported, 42P16 for columns that it cannot write.
 */
extern VeloKeyWriter *velo_format_key_writer(TupleDesc desc, int nkeys, const AttrNumber *keys,
											 const char *format);

/* Appends the key of a row of desc, in UTF-8 (as it is for "bytes"). */
extern void velo_format_key_write(VeloKeyWriter *writer, const Datum *values, const bool *nulls,
								  StringInfo out);

/* Prepares reading keys; as above. */
extern VeloKeyReader *velo_format_key_reader(TupleDesc desc, int nkeys, const AttrNumber *keys,
											 const char *format);

/*
 * Sets the key columns among values and nulls, which have room for desc; by-reference values
 * are in the current memory context.  False: *error says why.  Raises what a type's input
 * function raises.
 */
extern bool velo_format_key_read(VeloKeyReader *reader, const char *data, int length, Datum *values,
								 bool *nulls, VeloDecodeError *error);
