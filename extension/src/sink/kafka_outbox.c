/*
 * kafka_outbox.c
 *	  Delivery led by PostgreSQL: output is committed here first, then sent.
 *
 *	flush		the batch's messages become rows of the outbox, in its transaction
 *	committed	the same messages, from memory, in one transaction of Kafka's with a
 *				control record that carries their sequence
 *	recover		after a crash the control record says what Kafka has; what it lacks is
 *				in the outbox
 *
 * At most one sequence is ever missing, since a batch is sent before the next begins; what
 * is found is believed all the same.  Kafka can have more than PostgreSQL only if
 * PostgreSQL has lost a commit that it had confirmed (a failover to a standby that had
 * not got it, a restored backup): then nobody but a person can say what is right.
 */
#include "postgres.h"

#include "sink/kafka_delivery.h"

#include <access/xact.h>
#include <utils/memutils.h>
#include <utils/snapmgr.h>

#include "base/errors.h"
#include "base/testpoint.h"

/* --- what both deliveries with transactions need ----------------------------------- */

void
velo_sink_kafka_open_transactional(VeloKafkaSink *sink)
{
	const VeloSinkSpec *spec = sink->base.spec;

	sink->outbox = velo_sink_outbox_open(spec->job_id, spec->task, spec->generation);
	sink->producer = velo_sink_kafka_producer(spec->options, spec->role, sink->topic,
											  sink->outbox->writer, 0);
	sink->control = velo_sink_kafka_control(spec->options, spec->role, sink->outbox->writer,
											sink->producer);
}

static void
raise_ahead(VeloKafkaSink *sink, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_VELO_SINK_AHEAD),
					errmsg("Kafka has output of the job that PostgreSQL does not know"),
					errdetail_internal("%s", detail),
					errhint("PostgreSQL has lost commits, by a failover or a restored backup. "
							"Decide what is right in topic \"%s\", then start the job over with "
							"RESET JOB.",
							sink->topic)));
}

void
velo_sink_kafka_find_control(VeloKafkaSink *sink)
{
	VeloOutbox *outbox = sink->outbox;
	VeloKafkaControl control = {0};

	sink->sequence = 0;
	sink->positions = NULL;
	velo_sink_kafka_control_ready(sink->control);
	if (!velo_sink_kafka_control_read(sink->control, outbox->control_offset, &control) ||
		control.outbox == NULL || strcmp(control.outbox, outbox->identity) != 0)
		return;
	if (control.generation > outbox->generation)
		raise_ahead(sink, psprintf("Kafka is at generation %lld, PostgreSQL at %lld.",
								   (long long) control.generation, (long long) outbox->generation));
	outbox->control_offset = control.offset;
	if (control.generation < outbox->generation)
		return;
	sink->sequence = control.sequence;
	sink->positions = control.positions;
}

void
velo_sink_kafka_commit_sequence(VeloKafkaSink *sink, int64 sequence, const char *positions)
{
	VeloKafkaControl control = {
		.outbox = sink->outbox->identity,
		.generation = sink->outbox->generation,
		.sequence = sequence,
		.positions = positions,
	};

	velo_sink_kafka_control_write(sink->control, &control);
	velo_sink_kafka_commit(sink->producer);
	sink->sequence = sequence;
}

/* --- the batch -------------------------------------------------------------------------- */

static void
flush(VeloKafkaSink *sink)
{
	if (sink->bytes == 0)
		return;
	velo_sink_outbox_append(sink->outbox, sink->pages);
}

/* Written along with the next batch: it only saves reading in recovery. */
static void
note_sent(VeloKafkaSink *sink)
{
	int64 offset = velo_sink_kafka_control_offset(sink->control);

	sink->outbox->sent = sink->sequence;
	if (offset >= 0)
		sink->outbox->control_offset = offset;
}

static void
committed(VeloKafkaSink *sink)
{
	if (sink->bytes == 0)
		return;
	velo_sink_kafka_begin(sink->producer);
	velo_sink_kafka_send_pages(sink);
	VELO_TESTPOINT("kafka_produced");
	velo_sink_kafka_commit_sequence(sink, sink->outbox->sequence, NULL);
	note_sent(sink);
}

/* --- recovery ------------------------------------------------------------------------------ */

static void
send_again(VeloKafkaSink *sink, int64 sequence)
{
	MemoryContext context = AllocSetContextCreate(sink->context, "velo outbox",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	StringInfo bytes;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	old = MemoryContextSwitchTo(context);
	bytes = velo_sink_outbox_read(sink->outbox, sequence);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(old);

	velo_sink_kafka_begin(sink->producer);
	velo_sink_kafka_produce_packed(sink->producer, bytes->data, bytes->data + bytes->len);
	VELO_TESTPOINT("kafka_produced_again");
	velo_sink_kafka_commit_sequence(sink, sequence, NULL);
	MemoryContextDelete(context);
}

static void
recover(VeloKafkaSink *sink)
{
	VeloOutbox *outbox = sink->outbox;

	velo_sink_kafka_find_control(sink);
	if (sink->sequence > outbox->sequence)
		raise_ahead(sink, psprintf("Kafka has output up to sequence %lld, PostgreSQL up to %lld.",
								   (long long) sink->sequence, (long long) outbox->sequence));
	if (sink->sequence < outbox->sent)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("Kafka has lost output of the job"),
				 errdetail("Sequence %lld had arrived, topic \"%s\" now says %lld.",
						   (long long) outbox->sent, velo_kafka_control_topic,
						   (long long) sink->sequence),
				 errhint("Was the control topic deleted? Decide what is right in topic \"%s\", "
						 "then start the job over with RESET JOB.",
						 sink->topic)));
	while (sink->sequence < outbox->sequence)
		send_again(sink, sink->sequence + 1);
	outbox->sent = sink->sequence;
}

const VeloKafkaDelivery velo_sink_kafka_outbox = {
	.name = "outbox",
	.open = velo_sink_kafka_open_transactional,
	.flush = flush,
	.committed = committed,
	.recover = recover,
};
