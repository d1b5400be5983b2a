/*
 * keys.c
 *	  Finding the last row of each key in a chunk.
 *
 * INSERT … ON CONFLICT refuses to touch a row twice, and an aggregate that emits
 * changes may well send a key twice.  "The same key" must mean what the unique
 * index means by it, so its operators and collations are used: 1.0 and 1.00 are
 * one numeric key, and 'a' and 'A' are one citext key.
 */
#include "postgres.h"

#include "sink/keys.h"

#include <access/stratnum.h>
#include <common/hashfn.h>
#include <fmgr.h>
#include <parser/parse_coerce.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/typcache.h>

/* A power of two, so that a chunk leaves half of the places free. */
#define PLACES (2 * VELO_CHUNK_ROWS)

typedef struct KeyColumn
{
	int column; /* 0-based in the chunk */
	bool has_hash;
	FmgrInfo hash;
	FmgrInfo equal;
	Oid collation;
} KeyColumn;

struct VeloKeys
{
	int ncolumns;
	KeyColumn *columns;
	int16 places[PLACES]; /* row number, or -1 */
	uint32 hashes[VELO_CHUNK_ROWS];
};

static void
set_operators(KeyColumn *column, Oid equal_operator, Oid type)
{
	RegProcedure left;
	RegProcedure right;

	if (!OidIsValid(equal_operator))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("cannot use a column of type %s as a key", format_type_be(type)),
						errdetail("The type has no equality operator.")));
	fmgr_info(get_opcode(equal_operator), &column->equal);
	column->has_hash = get_op_hash_functions(equal_operator, &left, &right);
	if (column->has_hash)
		fmgr_info(left, &column->hash);
}

VeloKeys *
velo_sink_keys_create(const VeloSinkSpec *spec, Relation index, const int *order)
{
	VeloKeys *keys = palloc0(sizeof(VeloKeys));

	keys->ncolumns = spec->nkeys;
	keys->columns = palloc0(sizeof(KeyColumn) * spec->nkeys);
	for (int i = 0; i < spec->nkeys; i++)
	{
		int key = index ? order[i] : i;
		KeyColumn *column = &keys->columns[i];
		Form_pg_attribute att = TupleDescAttr(spec->desc, spec->keys[key] - 1);
		Oid equal = InvalidOid;

		column->column = spec->keys[key] - 1;
		column->collation = att->attcollation;
		if (index && IsBinaryCoercible(att->atttypid, index->rd_opcintype[i]))
		{
			equal = get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i],
										index->rd_opcintype[i], BTEqualStrategyNumber);
			column->collation = index->rd_indcollation[i];
		}
		if (!OidIsValid(equal))
			equal = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR)->eq_opr;
		set_operators(column, equal, att->atttypid);
	}
	return keys;
}

static uint32
hash_row(VeloKeys *keys, const VeloChunk *chunk, int row)
{
	Datum *values = velo_row_values(chunk, row);
	bool *nulls = velo_row_nulls(chunk, row);
	uint32 hash = 0;

	for (int i = 0; i < keys->ncolumns; i++)
	{
		KeyColumn *column = &keys->columns[i];

		/* A type that cannot be hashed is compared with all rows: slow, and rare. */
		if (column->has_hash && !nulls[column->column])
			hash = hash_combine(hash,
								DatumGetUInt32(FunctionCall1Coll(&column->hash, column->collation,
																 values[column->column])));
		else
			hash = hash_combine(hash, nulls[column->column]);
	}
	return hash;
}

static bool
is_same_key(VeloKeys *keys, const VeloChunk *chunk, int left, int right)
{
	Datum *a = velo_row_values(chunk, left);
	Datum *b = velo_row_values(chunk, right);
	bool *a_null = velo_row_nulls(chunk, left);
	bool *b_null = velo_row_nulls(chunk, right);

	for (int i = 0; i < keys->ncolumns; i++)
	{
		KeyColumn *column = &keys->columns[i];
		int at = column->column;

		if (a_null[at] != b_null[at])
			return false;
		if (!a_null[at] &&
			!DatumGetBool(FunctionCall2Coll(&column->equal, column->collation, a[at], b[at])))
			return false;
	}
	return true;
}

/* From the last row to the first: who comes first here came last in the chunk. */
int
velo_sink_keys_coalesce(VeloKeys *keys, const VeloChunk *chunk, int *rows)
{
	int kept = 0;

	memset(keys->places, -1, sizeof(keys->places));
	for (int row = chunk->nrows - 1; row >= 0; row--)
	{
		uint32 hash = hash_row(keys, chunk, row);
		uint32 place = hash & (PLACES - 1);
		bool is_new = true;

		keys->hashes[row] = hash;
		while (keys->places[place] >= 0)
		{
			int other = keys->places[place];

			if (keys->hashes[other] == hash && is_same_key(keys, chunk, row, other))
			{
				is_new = false;
				break;
			}
			place = (place + 1) & (PLACES - 1);
		}
		if (is_new)
		{
			keys->places[place] = row;
			rows[kept++] = row;
		}
	}
	for (int i = 0; i < kept / 2; i++)
	{
		int row = rows[i];

		rows[i] = rows[kept - 1 - i];
		rows[kept - 1 - i] = row;
	}
	return kept;
}
