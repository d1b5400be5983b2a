/*
 * infer.c
 *	  velo.infer_schema: columns of a source that nobody has described.
 */
#include "postgres.h"

#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/jsonb.h>

#include "base/function.h"
#include "base/option.h"
#include "format/infer.h"
#include "source/kafka_infer.h"

/* "kafka_source" is kafka, as in WITH. */
static bool
is_kafka(const char *type)
{
	return type && (pg_strcasecmp(type, "kafka") == 0 || pg_strcasecmp(type, "kafka_source") == 0);
}

/* By their own names: a jsonb is no WITH clause, which knows aliases. */
static List *
named_options(Jsonb *source)
{
	List *given = velo_base_options_from_jsonb(source);
	List *options = velo_base_option_set(NIL, "type", "kafka");
	ListCell *cell;

	foreach(cell, given)
	{
		VeloOptionValue *value = lfirst(cell);
		const VeloOption *option = velo_base_option_find(value->name, VELO_OPTION_SOURCE, "kafka");
		bool is_family = option && strchr(option->name, '*') != NULL;

		if (strcmp(value->name, "type") != 0)
			options = velo_base_option_set(options,
										   option && !is_family ? option->name : value->name,
										   value->value);
	}
	return options;
}

/* velo.infer_schema(source jsonb) → (column_name, data_type, nullable, samples) */
VELO_FUNCTION(velo_infer_schema)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List *given = velo_base_options_from_jsonb(PG_GETARG_JSONB_P(0));
	List *options = named_options(PG_GETARG_JSONB_P(0));
	const char *type = NULL;
	ListCell *cell;

	foreach(cell, given)
		if (strcmp(((VeloOptionValue *) lfirst(cell))->name, "type") == 0)
			type = ((VeloOptionValue *) lfirst(cell))->value;
	InitMaterializedSRF(fcinfo, 0);
	if (!is_kafka(type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns of a source of type \"%s\" cannot be inferred", type ? type : ""),
				 errhint("The source is an object like {\"type\": \"kafka\", \"topic\": "
						 "\"rides\", \"bootstrap.servers\": \"host:9092\"}.")));
	if (!velo_base_option_is_set(options, "topic"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the source names no topic")));
	foreach(cell, velo_source_kafka_infer(options, "", GetUserId()))
	{
		const VeloInferredColumn *column = lfirst(cell);
		Datum values[4] = {
			CStringGetTextDatum(column->name),
			CStringGetTextDatum(format_type_be(column->type)),
			BoolGetDatum(column->is_nullable),
			Int64GetDatum(column->samples),
		};
		bool nulls[4] = {false, false, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
