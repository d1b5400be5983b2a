/*
 * generator.c
 *	  What a generator stream shows to plain SQL.
 */
#include "postgres.h"

#include <access/htup_details.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/jsonb.h>
#include <utils/memutils.h>
#include <utils/timestamp.h>

#include "base/clock.h"
#include "base/function.h"
#include "base/option.h"
#include "source/generator.h"

/*
 * _generator_rows(options, base): record_count records, or those that are due,
 * with the columns of the column definition list.
 */
VELO_FUNCTION(velo_generator_rows)
{
	List *options = velo_base_options_from_jsonb(PG_GETARG_JSONB_P(0));
	TimestampTz base = PG_GETARG_TIMESTAMPTZ(1);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	VeloGenerator *generator;
	MemoryContext row_context;
	MemoryContext old;
	Datum *values;
	bool *nulls;
	int64 end;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC | MAT_SRF_BLESS);
	generator = velo_source_generator_make(result->setDesc, result->setDesc->natts, NULL, options,
										   base);
	end = velo_source_generator_record_count(generator);
	if (end < 0)
		end = Min(velo_source_generator_count(generator, velo_clock_now()),
				  velo_source_generator_read_max);

	values = palloc0(sizeof(Datum) * result->setDesc->natts);
	nulls = palloc(sizeof(bool) * result->setDesc->natts);
	row_context = AllocSetContextCreate(CurrentMemoryContext, "velo generated row",
										ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(row_context);
	for (int64 n = 0; n < end; n++)
	{
		CHECK_FOR_INTERRUPTS();
		velo_source_generator_fill(generator, n, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}
