/*
 * lines.h
 *	  Result rows to the client connected to this session, as lines of text.
 *
 * For programs that show a result only when it is complete, as psql does: an
 * endless query would never show a row there.
 */
#pragma once

#include "sink/sink.h"

/* Like velo_sink_client_create.  Only for rows that are the client's whole answer. */
extern VeloSink *velo_sink_lines_create(const VeloSinkSpec *spec);

/* Sends the column names. */
extern void velo_sink_lines_describe(VeloSink *sink);
