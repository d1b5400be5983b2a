/*
 * infer.h
 *	  Columns for JSON records that nobody has described.
 */
#pragma once

#include "format/format.h"

/* Fields that become columns, at most; further ones are left out. */
#define VELO_INFER_COLUMNS_MAX 1000

typedef struct VeloInferredColumn
{
	const char *name;
	Oid type;
	bool is_nullable; /* missing or null in a sample */
	int64 samples;	  /* how many had a value */
} VeloInferredColumn;

typedef struct VeloInference VeloInference;

/* Starts in the current memory context, which must live as long as the inference. */
extern VeloInference *velo_format_infer_begin(void);

/* Adds a record as a sample.  False: it is no JSON object, *error says why; it does not count. */
extern bool velo_format_infer_add(VeloInference *inference, const char *data, int length,
								  VeloDecodeError *error);

/*
 * The columns, in the order in which the fields came, as a List of VeloInferredColumn * in the
 * current memory context.  A field called like a system column, or too long for a column's
 * name, has none.  Names are in lower case, unless two fields then had the same one.
 */
extern List *velo_format_infer_columns(VeloInference *inference);
