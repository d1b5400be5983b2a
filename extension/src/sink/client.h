/*
 * client.h
 *	  Result rows to the client connected to this session.
 *
 * Used by a push query (DO LANGUAGE velo $$ SELECT … EMIT CHANGES $$) that runs in
 * the client's own backend.  Rows are sent by committed(), outside of a
 * transaction, so that a slow client holds no snapshot; a driver that may not
 * commit calls committed() all the same, after each batch.
 */
#pragma once

#include "sink/sink.h"

/*
 * Same as the "client" sink's open: the current portal's result formats are used.
 * spec->relation may be InvalidOid.
 */
extern VeloSink *velo_sink_client_create(const VeloSinkSpec *spec);

/*
 * Sends the description of the columns, if no row has done so: a client shall see
 * the result's shape at once, and also when no row ever comes.
 */
extern void velo_sink_client_describe(VeloSink *sink);
