/*
 * log.h
 *	  One JSON object a line on stderr: ts, level, msg, and what is known.
 *
 * Never a password, a cookie, a header or the text of SQL.
 */
#pragma once

#include "gateway/src/request.h"

#include <stdbool.h>

typedef enum VgLevel
{
	VG_LOG_DEBUG,
	VG_LOG_INFO,
	VG_LOG_WARNING,
	VG_LOG_ERROR
} VgLevel;

/*
 * message is plain text; then pairs of names and values (const char *), ended by NULL:
 *
 *		vg_log(VG_LOG_WARNING, request, "live query failed", "sqlstate", code, NULL);
 *
 * A value that is NULL is left out.  request may be NULL; its id, user, method, path and
 * address are added.
 */
extern void vg_log(VgLevel level, const VgRequest *request, const char *message, ...)
	__attribute__((sentinel));

extern bool vg_log_is_on(VgLevel level);
