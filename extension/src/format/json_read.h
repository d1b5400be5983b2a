/*
 * json_read.h
 *	  A JSON value becomes a value of a column.
 */
#pragma once

#include <catalog/pg_attribute.h>
#include <fmgr.h>

#include "format/format.h"
#include "format/json_scan.h"

/* How values of a type are read and written; the rest goes through PostgreSQL. */
typedef enum VeloJsonKind
{
	VELO_JSON_KIND_SCALAR, /* by the type's own input and output functions */
	VELO_JSON_KIND_NESTED, /* arrays and composites */
	VELO_JSON_KIND_BOOL,
	VELO_JSON_KIND_INT2,
	VELO_JSON_KIND_INT4,
	VELO_JSON_KIND_INT8,
	VELO_JSON_KIND_FLOAT4,
	VELO_JSON_KIND_FLOAT8,
	VELO_JSON_KIND_NUMERIC,
	VELO_JSON_KIND_TEXT, /* text and varchar */
	VELO_JSON_KIND_TIMESTAMP,
	VELO_JSON_KIND_TIMESTAMPTZ,
	VELO_JSON_KIND_DATE,
	VELO_JSON_KIND_INTERVAL,
	VELO_JSON_KIND_UUID,
	VELO_JSON_KIND_BYTEA,
	VELO_JSON_KIND_JSON,
	VELO_JSON_KIND_JSONB
} VeloJsonKind;

/* The kind of a type; a domain is SCALAR or NESTED, because it has checks of its own. */
extern VeloJsonKind velo_format_json_kind(Oid type);

typedef struct VeloJsonColumn
{
	const char *name;
	Oid type;
	int32 typmod;
	VeloJsonKind kind;
	bool is_domain;
	bool not_null;
	bool converts; /* the database's encoding is not UTF-8 */

	/* SCALAR, and any other kind for what its fast path leaves to PostgreSQL */
	FmgrInfo input;
	Oid input_parameter;

	/* NESTED: json_populate_record into a row of just this column */
	FmgrInfo populate;
	TupleDesc row;
	Datum empty_row;
} VeloJsonColumn;

/* Prepares reading a column, in the current memory context. */
extern void velo_format_json_column_init(VeloJsonColumn *column, Form_pg_attribute attribute);

/*
 * Sets *result and *is_null from a scanned value; by-reference results are in the current
 * memory context or, if room is given, at *room, which is then moved on: that needs
 * velo_format_json_text_room bytes.  record: start of the record, for the error's place.
 * False: *error says why.  Raises what the type's input function raises.
 */
extern bool velo_format_json_read(VeloJsonColumn *column, const VeloJsonValue *value,
								  const char *record, char **room, Datum *result, bool *is_null,
								  VeloDecodeError *error);

/* Bytes that reading the value takes from room, at most; 0: it is not read into there. */
static inline Size
velo_format_json_text_room(const VeloJsonColumn *column, const VeloJsonValue *value)
{
	if (column->kind != VELO_JSON_KIND_TEXT || value->type <= VELO_JSON_NULL)
		return 0;
	return MAXALIGN(VARHDRSZ + value->length);
}
