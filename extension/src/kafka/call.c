/*
 * call.c
 *	  Asking a broker: request, waiting, answer.
 *
 * By librdkafka's admin calls, which answer into a queue: so waiting is done in pieces
 * between which the backend can be cancelled.  Any client can ask, whether consumer or
 * producer.
 */
#include "postgres.h"

#include <miscadmin.h>
#include <utils/timestamp.h>

#include "base/setting.h"
#include "kafka/internal.h"

int velo_kafka_timeout_ms = 10000;

static const VeloSetting timeout = {
	.name = "velo.kafka_timeout",
	.description = "How long a Kafka broker may take to answer.",
	.type = VELO_SETTING_INT,
	.variable = &velo_kafka_timeout_ms,
	.boot = 10000,
	.min = 100,
	.max = 3600000,
	.context = PGC_USERSET,
	.flags = GUC_UNIT_MS,
};
VELO_SETTING(timeout);

/* The library gives up by itself; our own end is for when it does not. */
#define GRACE_MS 2000

static int
left_ms(const VeloKafkaCall *call)
{
	return velo_kafka_timeout_ms -
		   (int) TimestampDifferenceMilliseconds(call->started, GetCurrentTimestamp());
}

void
velo_kafka_call_free(VeloKafkaCall *call)
{
	if (call->event)
		rd_kafka_event_destroy(call->event);
	if (call->partitions)
		rd_kafka_topic_partition_list_destroy(call->partitions);
	if (call->topics)
		rd_kafka_TopicCollection_destroy(call->topics);
	if (call->new_topic)
		rd_kafka_NewTopic_destroy(call->new_topic);
	if (call->options)
		rd_kafka_AdminOptions_destroy(call->options);
	/* Answers still on their way are thrown away with it. */
	if (call->queue)
		rd_kafka_queue_destroy(call->queue);
	pfree(call);
}

VeloKafkaCall *
velo_kafka_call_new(VeloKafkaClient *client, rd_kafka_admin_op_t operation, TimestampTz started,
					const char *doing)
{
	VeloKafkaCall *call = palloc0(sizeof(VeloKafkaCall));
	char text[256];

	call->client = client;
	call->doing = doing;
	call->started = started;
	call->queue = rd_kafka_queue_new(velo_kafka_handle(client));
	call->options = rd_kafka_AdminOptions_new(velo_kafka_handle(client), operation);
	(void) rd_kafka_AdminOptions_set_request_timeout(call->options, Max(1, left_ms(call)), text,
													 sizeof(text));
	return call;
}

/*
 * A log-in that is refused by every broker will not be accepted in the next seconds;
 * who waits at a prompt should not have to wait for the time-out.
 */
void
velo_kafka_call_check(VeloKafkaCall *call)
{
	VeloKafkaState state;

	velo_kafka_state(call->client, &state);
	if (state.is_all_down && !state.is_up &&
		(state.error == RD_KAFKA_RESP_ERR__AUTHENTICATION || state.error == RD_KAFKA_RESP_ERR__SSL))
		velo_kafka_raise(call->client, state.error, call->doing);
}

/* The next answer, in call->event; raises if the whole request has failed. */
void
velo_kafka_call_wait(VeloKafkaCall *call)
{
	if (call->event)
		rd_kafka_event_destroy(call->event);
	call->event = NULL;
	while ((call->event = rd_kafka_queue_poll(call->queue, VELO_KAFKA_PIECE_MS)) == NULL)
	{
		CHECK_FOR_INTERRUPTS();
		velo_kafka_serve(call->client);
		velo_kafka_call_check(call);
		if (left_ms(call) < -GRACE_MS)
			velo_kafka_raise(call->client, RD_KAFKA_RESP_ERR__TIMED_OUT, call->doing);
	}
	/* Errors of connections lie in the handle's own queue and explain a time-out. */
	velo_kafka_serve(call->client);
	if (rd_kafka_event_error(call->event))
		velo_kafka_raise_text(call->client, rd_kafka_event_error(call->event),
							  rd_kafka_event_error_string(call->event), call->doing);
}

/* May the same question be answered in a moment? */
bool
velo_kafka_is_passing(rd_kafka_resp_err_t error)
{
	switch (error)
	{
		case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
		case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
		case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
		case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
		case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
		case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
		case RD_KAFKA_RESP_ERR__TRANSPORT:
			return true;
		default:
			return false;
	}
}

bool
velo_kafka_has_time(TimestampTz started)
{
	return TimestampDifferenceMilliseconds(started, GetCurrentTimestamp()) < velo_kafka_timeout_ms;
}

void
velo_kafka_pause(VeloKafkaClient *client)
{
	CHECK_FOR_INTERRUPTS();
	pg_usleep(VELO_KAFKA_PIECE_MS * 1000L);
	CHECK_FOR_INTERRUPTS();
	velo_kafka_serve(client);
}
