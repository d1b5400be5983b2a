/*
 * live_frame.h
 *	  The small messages of the live protocol; rows and columns have files of their own.
 *
 * Each appends one JSON object to a text that the caller frees.
 */
#pragma once

#include "common/error.h"
#include "gateway/src/memory.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* {"type":"error","error":{…},"running":…}; is_running: the query goes on. */
extern void vg_live_frame_error(VgText *out, const VcError *error, bool is_running);

/* {"type":"complete","rows":…,"reason":…} */
extern void vg_live_frame_complete(VgText *out, int64_t rows, const char *reason);

/* A NOTICE of the server's: {"type":"notice",…}, or {"type":"progress",…} if it is that. */
extern void vg_live_frame_notice(VgText *out, const PGresult *notice);

/* True for the message with which velo.progress_interval tells progress. */
extern bool vg_live_is_progress(const PGresult *notice);
