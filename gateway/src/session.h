/*
 * session.h
 *	  Sessions of browsers: a cookie that stands for a user who logged in.
 */
#pragma once

#include "gateway/src/request.h"

enum
{
	VG_TOKEN_SIZE = 65 /* 64 hexadecimal digits and the end */
};

/* Begins a session; the oldest of the user's, or of all, ends when there are too many. */
extern void vg_session_begin(VgUser *user, char token[VG_TOKEN_SIZE]);

/* The user of a token, held; NULL: there is no such session, or it ended. */
extern VgUser *vg_session_find(const char *token);

extern void vg_session_end(const char *token);
extern void vg_sessions_stop(void);
