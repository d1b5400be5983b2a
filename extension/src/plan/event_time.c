/*
 * event_time.c
 *	  The source of a plan: its options, where it begins, and where its times come from.
 */
#include "postgres.h"

#include "plan/analyse.h"

#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

static const VeloOption event_time_field = {
	.name = "event.time.field",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_TEXT,
	.description = "Column that holds the event time; without it the append time is used.",
};
VELO_OPTION(event_time_field);

static const VeloOption event_time_format = {
	.name = "event.time.format",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_CHOICE,
	.choices = "epoch_millis epoch_seconds epoch=epoch_seconds iso8601",
	.description = "How a number or text in the event time column is read.",
};
VELO_OPTION(event_time_format);

static const VeloOption watermark_strategy = {
	.name = "watermark.strategy",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_CHOICE,
	.choices = "bounded_out_of_orderness ascending ascending_timestamps=ascending",
	.description = "How the watermark follows the event times that have come.",
};
VELO_OPTION(watermark_strategy);

static const VeloOption watermark_disorder = {
	.name = "watermark.max_out_of_orderness",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_MS,
	.standard = "5000",
	.description = "How far the watermark stays behind the latest event time.",
};
VELO_OPTION(watermark_disorder);

static const VeloOption watermark_idle = {
	.name = "watermark.idle.timeout",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_MS,
	.standard = "30000",
	.description =
		"A partition without input for so long no longer holds the watermark back; 0: never.",
};
VELO_OPTION(watermark_idle);

static const VeloOption watermark_lateness = {
	.name = "watermark.allowed_lateness",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_MS,
	.standard = "60000",
	.description =
		"How long a closed window's state is kept for late.data.strategy = update_previous.",
};
VELO_OPTION(watermark_lateness);

static const VeloOption late_strategy = {
	.name = "late.data.strategy",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_CHOICE,
	.standard = "drop",
	.choices = "drop dead_letter update_previous include_in_next_window",
	.description = "What happens to a record whose window has closed.",
};
VELO_OPTION(late_strategy);

static const VeloOption offset_reset = {
	.name = "auto.offset.reset",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_CHOICE,
	.standard = "earliest",
	.choices = "earliest latest",
	.description = "Where a job without a saved position begins.",
};
VELO_OPTION(offset_reset);

static const VeloOption bounded = {
	.name = "bounded",
	.scopes = VELO_OPTION_SOURCE,
	.type = VELO_OPTION_BOOL,
	.standard = "false",
	.description = "Stop at the end that the source has when reading begins.",
};
VELO_OPTION(bounded);

const char *const velo_plan_late_names[] = {
	[VELO_LATE_DROP] = "drop",
	[VELO_LATE_DEAD_LETTER] = "dead_letter",
	[VELO_LATE_UPDATE] = "update_previous",
	[VELO_LATE_INCLUDE] = "include_in_next_window",
};

static VeloLate
late_of(const char *strategy)
{
	VeloLate late = VELO_LATE_DROP;

	while (strcmp(velo_plan_late_names[late], strategy) != 0)
		late++;
	return late;
}

AttrNumber
velo_plan_event_time(const char *user_text, const LiftStatement *statement, const char *source,
					 TupleDesc desc, List *options)
{
	const char *field = velo_base_option_text(options, "event.time.field");

	if (field == NULL)
		return 0;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), field) != 0)
			continue;
		switch (getBaseType(att->atttypid))
		{
			case TIMESTAMPTZOID:
			case TIMESTAMPOID:
			case DATEOID:
			case INT4OID:
			case INT8OID:
			case NUMERICOID:
			case TEXTOID:
			case VARCHAROID:
				return i + 1;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_DATATYPE_MISMATCH),
						 errmsg("event time column \"%s\" cannot be of type %s", field,
								format_type_be(att->atttypid)),
						 errhint("Use timestamptz, timestamp, date, bigint milliseconds, or text."),
						 velo_plan_error_at_property(user_text, statement, "event.time.field")));
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("event time column \"%s\" of stream \"%s\" does not exist", field, source),
			 velo_plan_error_at_property(user_text, statement, "event.time.field")));
}

/* Does _timestamp come with the records, in any order? */
static bool
has_record_times(const char *type)
{
	const VeloSourceOps *ops = velo_source_find(type);

	return ops && ops->has_times;
}

static void
plan_event_time(VeloPlan *plan, const VeloPlanRequest *request)
{
	List *options = plan->source.options;
	const char *strategy = velo_base_option_text(options, "watermark.strategy");

	plan->event_time_format = velo_base_option_text(options, "event.time.format");
	plan->idle_timeout_us = velo_base_option_int(options, "watermark.idle.timeout") * 1000;
	plan->allowed_lateness_us = velo_base_option_int(options, "watermark.allowed_lateness") * 1000;
	plan->out_of_order_us = velo_base_option_int(options, "watermark.max_out_of_orderness") * 1000;
	if (strategy && strcmp(strategy, "ascending") == 0)
		plan->out_of_order_us = 0;
	plan->late = late_of(velo_base_option_text(options, "late.data.strategy"));
	plan->event_time = velo_plan_event_time(request->user_text, request->statement,
											plan->source.name, plan->source_object->desc, options);
	/* What a job wrote carries the event time of what it was made of. */
	plan->has_event_times = plan->event_time > 0 || plan->source_object->is_derived ||
							has_record_times(plan->source.type);
}

void
velo_plan_source(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a)
{
	VeloSourceSpec *source = &plan->source;
	ListCell *cell;

	plan->source_object = a->source;
	source->name = a->source->name;
	source->type = a->source->type;
	source->relation = a->source->relation;
	source->desc = velo_row_desc_with_system(a->source->desc);
	source->user_natts = a->source_natts;
	source->options = list_copy_deep(NIL);
	foreach(cell, a->source->options)
	{
		VeloOptionValue *value = lfirst(cell);

		source->options = velo_base_option_set(source->options, value->name, value->value);
	}
	foreach(cell, a->bound.source)
	{
		VeloOptionValue *value = lfirst(cell);

		source->options = velo_base_option_set(source->options, value->name, value->value);
	}
	source->role = GetUserId();
	source->bounded = request->is_pull || velo_base_option_bool(source->options, "bounded") ||
					  velo_base_option_text(source->options, "record_count") != NULL;
	plan->start_from = !source->bounded &&
							   strcmp(velo_base_option_text(source->options, "auto.offset.reset"),
									  "latest") == 0
						   ? VELO_START_LATEST
						   : VELO_START_EARLIEST;
	plan_event_time(plan, request);
}
