/*
 * format.h
 *	  Contract of a format: how a record's bytes become a row and back.
 *
 * A format knows neither where bytes come from nor where they go.  It is opened once for a
 * stream and then called per record, so everything that can be decided beforehand (which
 * field is which column, by which type function) is decided by decoder() and encoder().
 *
 *	decoder		in the current memory context, which lives as long as the decoder.  Raises
 *				for columns that the format cannot fill.
 *	decode		sets values and nulls of the needed columns, and of no other; by-reference
 *				values are in the current memory context.  A record that does not fit the
 *				columns is no exception: it returns false, *error says why, values and nulls
 *				are undefined, and nothing was raised or locked.  What PostgreSQL's own input
 *				functions do not accept is raised by them: callers that want to survive it
 *				have a subtransaction (base/try.h).
 *	encoder		as decoder.
 *	encode		appends the record of a row to "out", of its natts payload columns; raises.
 *
 * spec, its desc and its options must live as long as what was made of them.
 */
#pragma once

#include <access/tupdesc.h>
#include <lib/stringinfo.h>
#include <nodes/bitmapset.h>
#include <nodes/pg_list.h>

#include "base/option.h"

typedef struct VeloFormatSpec
{
	const char *name;  /* of the stream, for messages */
	TupleDesc desc;	   /* the columns, by number */
	int natts;		   /* how many of desc are payload columns; system columns may follow */
	Bitmapset *needed; /* decoder: 0-based numbers of the columns to be set; NULL: all */
	List *options;	   /* VeloOptionValue of the stream */
} VeloFormatSpec;

#define VELO_DECODE_MESSAGE_MAX 256

/* Why a record could not be decoded. */
typedef struct VeloDecodeError
{
	int sqlstate; /* as made by MAKE_SQLSTATE */
	char message[VELO_DECODE_MESSAGE_MAX];
	int at; /* byte offset in the record, or -1 */
} VeloDecodeError;

typedef struct VeloDecoder VeloDecoder;
typedef struct VeloEncoder VeloEncoder;

typedef struct VeloFormatOps
{
	const char *name; /* "json", "string", "bytes" */
	VeloDecoder *(*decoder)(const VeloFormatSpec *spec);
	bool (*decode)(VeloDecoder *decoder, const char *data, int length, Datum *values, bool *nulls,
				   VeloDecodeError *error);
	VeloEncoder *(*encoder)(const VeloFormatSpec *spec);
	void (*encode)(VeloEncoder *encoder, const Datum *values, const bool *nulls, StringInfo out);
} VeloFormatOps;

/* First members of every decoder and encoder. */
struct VeloDecoder
{
	const VeloFormatOps *ops;
	const VeloFormatSpec *spec;
};

struct VeloEncoder
{
	const VeloFormatOps *ops;
	const VeloFormatSpec *spec;
};

#define VELO_FORMAT(instance) VELO_REGISTER(format, VeloFormatOps, instance)

/* The format of that name, or NULL. */
extern const VeloFormatOps *velo_format_find(const char *name);

/* The format that a stream's options choose; raises 0A000 if there is none of that name. */
extern const VeloFormatOps *velo_format_of(List *options, const char *stream);

/* Fills *error; returns false, so that decoders can return it.  at: byte offset or -1. */
extern bool velo_format_fail(VeloDecodeError *error, int sqlstate, int at, const char *message, ...)
	pg_attribute_printf(4, 5);

/* What was appended from "start" on goes from the database's encoding to UTF-8. */
extern void velo_format_to_utf8(StringInfo out, int start);

/* Is that 0-based column to be set by the decoder? */
static inline bool
velo_format_is_needed(const VeloFormatSpec *spec, int column)
{
	return column < spec->natts && (spec->needed == NULL || bms_is_member(column, spec->needed));
}
