/*
 * ws.h
 *	  One WebSocket of the server's side (RFC 6455), on the event thread.
 *
 * Messages come whole, checked as UTF-8; messages go out through a queue of which the
 * owner asks the length.  Pings, time-outs and both directions of the closing handshake
 * are done here.  All functions are for the event thread (live_loop.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Codes of RFC 6455, 7.4.1, that we send ourselves; wslay sends 1002, 1007 and 1009. */
enum
{
	VG_WS_NORMAL = 1000,
	VG_WS_GOING_AWAY = 1001,
	VG_WS_UNSUPPORTED_DATA = 1003,
	VG_WS_POLICY_VIOLATION = 1008,
	VG_WS_INTERNAL_ERROR = 1011
};

typedef struct VgWs VgWs;

typedef struct VgWsHandler
{
	/* A text message; valid during the call. */
	void (*message)(void *arg, const char *text, size_t length);
	/* The queue is short again: see vg_ws_is_full(). */
	void (*writable)(void *arg);
	/* Once, as soon as the other side can get or send nothing more that matters: it closes,
	 * is gone, or vg_ws_close() was called.  No message() or writable() comes after it. */
	void (*closing)(void *arg);
	/* Last of all: the file descriptor is free, the VgWs is freed after the return. */
	void (*closed)(void *arg);
} VgWsHandler;

typedef struct VgWsLimits
{
	size_t message_bytes; /* of an incoming message; beyond: 1009 */
	size_t queue_bytes;	  /* the owner stops sending above it; the one message that passes it
						   * is taken whole */
	int64_t ping_ms;	  /* a ping after so long a silence */
	int64_t peer_ms;	  /* without a sign of life of so long the other side is gone */
} VgWsLimits;

/*
 * Speaks WebSocket on a connected socket whose handshake is over; extra are bytes that
 * came already, copied.  The descriptor stays the caller's and is closed by it, after
 * closed().  NULL: out of memory or of descriptors; the handler is not called.
 */
extern VgWs *vg_ws_open(int fd, const char *extra, size_t extra_size, const VgWsLimits *limits,
						const VgWsHandler *handler, void *arg);

/* Queues a text message (copied; must be UTF-8); no-op after closing().  Calls none of the
 * handler's functions, so it may be called from inside anything. */
extern void vg_ws_send(VgWs *ws, const char *text, size_t length);

/* True while more waits than limits.queue_bytes; writable() is called when it has fallen
 * to half of that. */
extern bool vg_ws_is_full(VgWs *ws);

/* Bytes of messages that wait, and of whole frames that are being sent. */
extern size_t vg_ws_queued(const VgWs *ws);

/* Begins the closing handshake; reason is at most 123 bytes.  No-op when it has begun. */
extern void vg_ws_close(VgWs *ws, int code, const char *reason);

/* Ends it without a handshake; closed() comes later, not from inside this call. */
extern void vg_ws_abort(VgWs *ws);

/* Pings and time-outs; called every now and then. */
extern void vg_ws_tick(VgWs *ws, int64_t now_ms);

/* The code that the other side closed with; 1006 if it did not. */
extern int vg_ws_close_code(const VgWs *ws);
