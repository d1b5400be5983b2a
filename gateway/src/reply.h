/*
 * reply.h
 *	  The answer to one request, filled by its handler.
 *
 * The server adds the request's id, security headers, CORS and compression, and frees
 * it.  An empty reply is 204.
 */
#pragma once

#include "common/error.h"

#include <jansson.h>
#include <stddef.h>

struct MHD_UpgradeResponseHandle;
typedef struct VgReply VgReply;

/* HTTP status; the functions below set 200 (or that of the error) by themselves. */
extern void vg_reply_status(VgReply *reply, int status);

/* Adds a header; both strings are copied. */
extern void vg_reply_header(VgReply *reply, const char *name, const char *value);

/* body becomes the reply's. */
extern void vg_reply_json(VgReply *reply, json_t *body);

/* A text of the given content type; copied. */
extern void vg_reply_text(VgReply *reply, const char *content_type, const char *text);

/* Bytes that become the reply's and are freed with free(). */
extern void vg_reply_bytes(VgReply *reply, const char *content_type, char *bytes, size_t size);

/* An error: the status that common/sqlstate knows, {"code", "message", …, "request_id"}. */
extern void vg_reply_error(VgReply *reply, const VcError *error);

/* An error of HTTP rather than of SQL: this status, and a code, message and hint (or
 * NULL) in the same form.  The texts are copied. */
extern void vg_reply_refuse(VgReply *reply, int status, const char *sqlstate, const char *message,
							const char *hint);

/*
 * Called on a thread of the server with a socket that speaks HTTP no more.
 *
 * extra: bytes that the client sent already, valid during the call.  The callee must not
 * block here; it hands the socket to a thread of its own.  It owns handle and ends the
 * connection with MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE), from any thread.
 * Register what ends such connections when the gateway stops: VG_PART (route.h).
 */
typedef void (*VgUpgrade)(void *arg, struct MHD_UpgradeResponseHandle *handle, int fd,
						  const char *extra, size_t extra_size);

/*
 * 101: the handler has checked and adds the headers Upgrade and what belongs to it.
 * If the connection is lost before the upgrade, drop(arg) is called instead of it.
 */
extern void vg_reply_upgrade(VgReply *reply, VgUpgrade upgrade, void *arg, void (*drop)(void *arg));
