/*
 * client.c
 *	  Sends rows to the client while a statement runs.
 *
 * PostgreSQL's own receiver (DestRemote) turns rows into messages, so formats,
 * encodings and the protocol's version are its business.  But it would send them
 * at once, and sending may block for as long as the client pleases, inside a
 * transaction whose snapshot would hold back vacuum in the whole cluster.  So its
 * messages are caught in memory, by putting ourselves in place of the protocol's
 * methods while it works, and sent when the transaction is over.
 *
 * What is caught is bounded: beyond CAUGHT_BYTES_MAX it is sent at once, which only
 * a single batch of that size brings about.
 *
 * The receiver keeps output functions for the sink's lifetime and is started in
 * the first write(), where catalogs may be read.
 */
#include "postgres.h"

#include "sink/client.h"

#include <access/printtup.h>
#include <libpq/libpq.h>
#include <libpq/pqformat.h>
#include <tcop/dest.h>
#include <tcop/pquery.h>
#include <utils/memutils.h>

#define CAUGHT_BYTES_MAX (4 * 1024 * 1024)

typedef struct ClientSink
{
	VeloSink base;
	MemoryContext context;
	DestReceiver *receiver;
	TupleTableSlot *slot;
	bool is_started;
	StringInfoData caught; /* messages: type (1), length (4), body */
} ClientSink;

static const VeloSinkOps client_sink;

/* --- catching messages ---------------------------------------------------- */

static StringInfo catching = NULL;

static int
catch_message(char type, const char *body, size_t length)
{
	int32 n = length;

	appendStringInfoChar(catching, type);
	appendBinaryStringInfo(catching, (char *) &n, sizeof(n));
	appendBinaryStringInfo(catching, body, length);
	return 0;
}

static void
catch_message_noblock(char type, const char *body, size_t length)
{
	(void) catch_message(type, body, length);
}

static void
comm_reset(void)
{
}

static int
flush_nothing(void)
{
	return 0;
}

static bool
is_send_pending(void)
{
	return false;
}

static const PQcommMethods catching_methods = {
	.comm_reset = comm_reset,
	.flush = flush_nothing,
	.flush_if_writable = flush_nothing,
	.is_send_pending = is_send_pending,
	.putmessage = catch_message,
	.putmessage_noblock = catch_message_noblock,
};

/* --- sending -------------------------------------------------------------- */

static void
send_caught(ClientSink *sink)
{
	Size at = 0;

	while (at < sink->caught.len)
	{
		char type = sink->caught.data[at++];
		int32 length;

		memcpy(&length, sink->caught.data + at, sizeof(length));
		at += sizeof(length);
		(void) pq_putmessage(type, sink->caught.data + at, length);
		at += length;
	}
	if (sink->caught.len > 0)
		(void) pq_flush();
	resetStringInfo(&sink->caught);
}

static void
start(ClientSink *sink)
{
	if (sink->is_started)
		return;
	sink->is_started = true;
	sink->receiver->rStartup(sink->receiver, CMD_SELECT, sink->base.spec->desc);
}

/* Runs the receiver over the rows; an error must find the real methods in place. */
static void
receive(ClientSink *sink, const VeloChunk *chunk)
{
	const PQcommMethods *methods = PqCommMethods;
	MemoryContext old = MemoryContextSwitchTo(sink->context);

	catching = &sink->caught;
	PqCommMethods = &catching_methods;
	PG_TRY();
	{
		start(sink);
		for (int row = 0; chunk && row < chunk->nrows; row++)
		{
			ExecClearTuple(sink->slot);
			velo_row_to_slot(chunk, row, sink->slot);
			(void) sink->receiver->receiveSlot(sink->slot, sink->receiver);
		}
	}
	PG_FINALLY();
	{
		PqCommMethods = methods;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
}

static void
write_rows(VeloSink *base, VeloChunk *chunk)
{
	ClientSink *sink = (ClientSink *) base;
	Size before = sink->caught.len;

	PG_TRY();
	{
		receive(sink, chunk);
	}
	PG_CATCH();
	{
		/* As if this call had never been. */
		sink->caught.len = before;
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (sink->caught.len > CAUGHT_BYTES_MAX)
		send_caught(sink);
}

static void
flush_rows(VeloSink *base)
{
}

static void
send_rows(VeloSink *base)
{
	send_caught((ClientSink *) base);
}

static void
close_sink(VeloSink *base)
{
	ClientSink *sink = (ClientSink *) base;

	if (sink->is_started)
		sink->receiver->rShutdown(sink->receiver);
	sink->receiver->rDestroy(sink->receiver);
}

void
velo_sink_client_describe(VeloSink *base)
{
	ClientSink *sink = (ClientSink *) base;

	receive(sink, NULL);
	send_caught(sink);
}

VeloSink *
velo_sink_client_create(const VeloSinkSpec *spec)
{
	ClientSink *sink = palloc0(sizeof(ClientSink));

	sink->base.ops = &client_sink;
	sink->base.spec = spec;
	sink->context = CurrentMemoryContext;
	sink->receiver = CreateDestReceiver(DestRemote);
	SetRemoteDestReceiverParams(sink->receiver, ActivePortal);
	sink->slot = MakeSingleTupleTableSlot(spec->desc, &TTSOpsVirtual);
	initStringInfo(&sink->caught);
	return &sink->base;
}

static const VeloSinkOps client_sink = {
	.type = "client",
	.open = velo_sink_client_create,
	.write = write_rows,
	.flush = flush_rows,
	.committed = send_rows,
	.close = close_sink,
};

VELO_SINK(client_sink);
