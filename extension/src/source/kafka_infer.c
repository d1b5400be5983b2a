/*
 * kafka_infer.c
 *	  Columns of a topic that nobody has described.
 *
 * The last records of each partition, because they are the ones that a new reader will
 * meet more of; as many of each as fit the sample.
 */
#include "postgres.h"

#include "source/kafka_infer.h"

#include <librdkafka/rdkafka.h>

#include "base/setting.h"
#include "format/infer.h"
#include "source/kafka_reader.h"

int velo_source_infer_sample;

static const VeloSetting infer_sample = {
	.name = "velo.infer_sample",
	.description = "Most records that are looked at to find the columns of a source.",
	.type = VELO_SETTING_INT,
	.variable = &velo_source_infer_sample,
	.boot = 1000,
	.min = 1,
	.max = 1000000,
	.context = PGC_USERSET,
};
VELO_SETTING(infer_sample);

static void
choose_last(VeloKafkaReader *reader)
{
	int64 share = Max(1, velo_source_infer_sample / Max(1, reader->nparts));

	velo_source_kafka_reader_ranges(reader);
	for (int i = 0; i < reader->nparts; i++)
	{
		VeloKafkaPart *part = &reader->parts[i];

		part->end = part->high;
		part->start = Max(part->low, part->high - share);
	}
	velo_source_kafka_reader_start(reader);
}

List *
velo_source_kafka_infer(List *options, const char *name, Oid role)
{
	const char *format = velo_base_option_text(options, "format");
	VeloInference *inference = velo_format_infer_begin();
	VeloKafkaReader *reader;
	const rd_kafka_message_t *message;
	VeloDecodeError error;
	int n = 0;

	if (format && strcmp(format, "json") != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("columns of records in format \"%s\" cannot be inferred", format),
						errhint("Declare them.")));
	reader = velo_source_kafka_reader_open(options, name, role, "velo-query");
	choose_last(reader);
	while (n < velo_source_infer_sample &&
		   (message = velo_source_kafka_reader_await(reader)) != NULL)
		if (message->payload &&
			velo_format_infer_add(inference, message->payload, message->len, &error))
			n++;
	velo_source_kafka_reader_close(reader);
	return velo_format_infer_columns(inference);
}
