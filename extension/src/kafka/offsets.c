/*
 * offsets.c
 *	  Where a topic's partitions begin and end, and where a time is in them.
 *
 * Ends are those for read_committed readers (behind the last record before the first open
 * transaction): records beyond may never come to be.  All partitions are asked for at
 * once; the library sends one request to each broker that leads some of them.
 */
#include "postgres.h"

#include <miscadmin.h>
#include <utils/timestamp.h>

#include "kafka/internal.h"

/*
 * Offsets of all partitions for one of librdkafka's specifications (a time in
 * milliseconds, OFFSET_SPEC_…); -1 where there is none.  The first error of a
 * partition, its number in *failed.
 */
static rd_kafka_resp_err_t
list_offsets(VeloKafkaClient *client, TimestampTz started, const char *topic, int n,
			 int64 specification, int64 *offsets, int *failed, const char *doing)
{
	VeloKafkaCall *call = velo_kafka_call_new(client, RD_KAFKA_ADMIN_OP_LISTOFFSETS, started,
											  doing);
	volatile rd_kafka_resp_err_t first = RD_KAFKA_RESP_ERR_NO_ERROR;

	PG_TRY();
	{
		const rd_kafka_ListOffsetsResultInfo_t **found;
		size_t count = 0;
		rd_kafka_error_t *refused;

		call->partitions = rd_kafka_topic_partition_list_new(n);
		for (int i = 0; i < n; i++)
		{
			offsets[i] = -1;
			rd_kafka_topic_partition_list_add(call->partitions, topic, i)->offset = specification;
		}
		refused =
			rd_kafka_AdminOptions_set_isolation_level(call->options,
													  RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED);
		velo_kafka_check(client, refused, doing);
		rd_kafka_ListOffsets(velo_kafka_handle(client), call->partitions, call->options,
							 call->queue);
		velo_kafka_call_wait(call);
		found = rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(call->event),
												  &count);
		for (size_t i = 0; i < count; i++)
		{
			const rd_kafka_topic_partition_t
				*part = rd_kafka_ListOffsetsResultInfo_topic_partition(found[i]);

			if (part->err && first == RD_KAFKA_RESP_ERR_NO_ERROR)
			{
				first = part->err;
				*failed = part->partition;
			}
			if (!part->err && part->partition >= 0 && part->partition < n)
				offsets[part->partition] = part->offset;
		}
	}
	PG_FINALLY();
	{
		velo_kafka_call_free(call);
	}
	PG_END_TRY();
	return first;
}

static void
ask_offsets(VeloKafkaClient *client, const char *topic, int n, int64 specification, int64 *offsets)
{
	TimestampTz started = GetCurrentTimestamp();
	char *doing = psprintf("could not look up offsets of topic \"%s\"", topic);
	rd_kafka_resp_err_t error;
	int failed = 0;

	if (n == 0)
		return;
	while ((error = list_offsets(client, started, topic, n, specification, offsets, &failed,
								 doing)) != RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		if (!velo_kafka_is_passing(error) || !velo_kafka_has_time(started))
			velo_kafka_raise(client, error, psprintf("%s, partition %d", doing, failed));
		velo_kafka_pause(client);
	}
	pfree(doing);
}

void
velo_kafka_ranges(VeloKafkaClient *client, const char *topic, int n, VeloKafkaRange *ranges)
{
	int64 *offsets = palloc(sizeof(int64) * Max(1, n));

	ask_offsets(client, topic, n, RD_KAFKA_OFFSET_SPEC_EARLIEST, offsets);
	for (int i = 0; i < n; i++)
		ranges[i].low = Max(0, offsets[i]);
	ask_offsets(client, topic, n, RD_KAFKA_OFFSET_SPEC_LATEST, offsets);
	/* Retention may have moved the begin past what was the end a moment ago. */
	for (int i = 0; i < n; i++)
		ranges[i].high = Max(ranges[i].low, offsets[i]);
	pfree(offsets);
}

/* Milliseconds since 1970, which Kafka counts in, rounded up: "not before". */
static int64
kafka_time(TimestampTz time)
{
	int64 micros = time + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

	if (TIMESTAMP_IS_NOBEGIN(time) || micros < 0)
		return 0;
	return micros / 1000 + (micros % 1000 > 0);
}

void
velo_kafka_offsets_at(VeloKafkaClient *client, const char *topic, int n, TimestampTz time,
					  int64 *offsets)
{
	VeloKafkaRange *ranges;
	bool is_complete = true;

	if (TIMESTAMP_IS_NOEND(time))
		ask_offsets(client, topic, n, RD_KAFKA_OFFSET_SPEC_LATEST, offsets);
	else
		ask_offsets(client, topic, n, kafka_time(time), offsets);
	for (int i = 0; i < n; i++)
		is_complete = is_complete && offsets[i] >= 0;
	if (is_complete)
		return;
	/* No record that late: the end, where the next one will be. */
	ranges = palloc(sizeof(VeloKafkaRange) * n);
	velo_kafka_ranges(client, topic, n, ranges);
	for (int i = 0; i < n; i++)
		if (offsets[i] < 0)
			offsets[i] = ranges[i].high;
	pfree(ranges);
}
