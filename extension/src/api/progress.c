/*
 * progress.c
 *	  Progress of a live query, as messages beside its rows.
 *
 * Who watches a live query wants to know whether silence means that there is nothing
 * or that the query is behind.  The rows cannot say that, and asking on another
 * connection would need a name for the query and shared memory.  So the query itself
 * says it, if its client asks for it: an INFO message (which neither
 * client_min_messages nor the server's log hold back or keep) with a code of its own
 * and the figures as JSON in its detail.
 */
#include "postgres.h"

#include "api/progress.h"

#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <utils/datetime.h>
#include <utils/json.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>

#include "base/errors.h"
#include "base/setting.h"

static int progress_interval = 0;

static const VeloSetting progress_setting = {
	.name = "velo.progress_interval",
	.description = "How often a live query tells its client how far it has come; 0: never.",
	.type = VELO_SETTING_INT,
	.variable = &progress_interval,
	.boot = 0,
	.min = 0,
	.max = 3600 * 1000,
	.context = PGC_USERSET,
	.flags = GUC_UNIT_MS,
};
VELO_SETTING(progress_setting);

static const char *
lag_text(const VeloQuery *query)
{
	VeloSource *source = query->pipeline->source;
	int64 lag;

	PushActiveSnapshot(GetTransactionSnapshot()); /* the batch's is gone */
	lag = source->ops->lag(source);
	PopActiveSnapshot();
	return lag < 0 ? "null" : psprintf(INT64_FORMAT, lag);
}

static const char *
watermark_text(const VeloQuery *query)
{
	TimestampTz watermark = query->pipeline->operate.watermark;
	char text[MAXDATELEN + 1];

	if (TIMESTAMP_NOT_FINITE(watermark))
		return "null";
	JsonEncodeDateTime(text, TimestampTzGetDatum(watermark), TIMESTAMPTZOID, NULL);
	return psprintf("\"%s\"", text);
}

void
velo_api_progress(VeloQuery *query)
{
	TimestampTz now;

	if (progress_interval == 0)
		return;
	now = GetCurrentTimestamp();
	if (!TimestampDifferenceExceeds(query->told_at, now, progress_interval))
		return;
	query->told_at = now;
	ereport(INFO,
			(errcode(ERRCODE_VELO_PROGRESS), errmsg("progress of a live query"),
			 errdetail_internal("{\"rows\": " INT64_FORMAT ", \"records\": " INT64_FORMAT
								", \"lag_records\": %s, \"watermark\": %s}",
								query->pipeline->operate.records_out, query->pipeline->records_in,
								lag_text(query), watermark_text(query))));
}
