/*
 * ws.c
 *	  A WebSocket over wslay and the event loop.
 *
 * wslay parses and writes frames, checks UTF-8, masks and the rules for fragments and
 * control frames, and answers pings and closes.  What it leaves to us: when to read and
 * when not, how much may wait, whether the other side lives, and how a TCP connection ends.
 *
 * Reading and memory.  Each reading event reads at most READ_BYTES_A_TURN, so that one
 * client cannot keep the thread busy, and none while ANSWERS_MAX messages wait: who sends
 * pings and reads no pongs must not fill our memory.
 *
 * Who lives.  A client that reads slowly, or sleeps for a while, keeps its query.  It is
 * gone when for peer_ms nothing came from it, pongs included, and it took nothing from a
 * queue that waits for it.  What it takes while nothing waits is no sign of life: the
 * other machine's TCP takes that for a program that hangs.
 *
 * The end.  After the closing handshake (or a close frame of ours for a violation) we end
 * our direction and read on, discarding, until the client ends its own: closing a socket
 * that has unread input resets the connection, and the client would lose our close frame.
 */
#include "gateway/src/ws.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#include "gateway/src/live_loop.h"
#include "gateway/src/memory.h"
#include "gateway/src/ws_header.h"

#define READ_BYTES_A_TURN (64 * 1024)
#define ANSWERS_MAX 256			   /* messages waiting, beyond which nothing is read */
#define CLOSE_MS 5000			   /* how long the other side may take to close */
#define LINGER_MS 1000			   /* and then to end its direction */
#define LINGER_BYTES_MAX (1 << 20) /* of what is discarded meanwhile */
#define SEND_BUFFER (128 * 1024)   /* the kernel's; it doubles that */

typedef enum WsPhase
{
	WS_OPEN,
	WS_CLOSING, /* a close frame is queued, sent or received */
	WS_LINGER,	/* our direction is ended */
	WS_DEAD		/* closed() will be called */
} WsPhase;

struct VgWs
{
	VgWatch watch;
	VgTask end; /* calls closed() and frees */
	VgTask flush;
	wslay_event_context_ptr wslay;
	VgWsLimits limits;
	const VgWsHandler *handler;
	void *arg;

	char *extra; /* input that came with the handshake; owned, or NULL */
	size_t extra_size;
	size_t extra_at;
	VgWsHeader header;
	int violation; /* code to close with when what was good has been understood; 0: none */

	WsPhase phase;
	bool is_full;
	bool is_lost; /* the other side has gone without a close frame, or we cannot go on */
	size_t turn;  /* bytes read in this turn, or discarded while lingering */
	int64_t phase_until;

	int64_t check_at;
	int64_t alive_at; /* last sign of life */
	uint64_t sent;	  /* bytes given to the kernel */
	uint64_t taken;	  /* of them that the other side's TCP had acknowledged at check_at */
};

/* --- the phases ----------------------------------------------------------------------- */

static void
begin_closing(VgWs *ws)
{
	if (ws->phase != WS_OPEN)
		return;
	ws->phase = WS_CLOSING;
	ws->phase_until = vg_now_ms() + CLOSE_MS;
	ws->handler->closing(ws->arg);
}

static void
die(VgWs *ws)
{
	if (ws->phase == WS_DEAD)
		return;
	begin_closing(ws);
	ws->phase = WS_DEAD;
	vg_loop_unwatch(&ws->watch);
	vg_loop_post(&ws->end);
}

static void
linger(VgWs *ws)
{
	ws->phase = WS_LINGER;
	ws->phase_until = vg_now_ms() + LINGER_MS;
	ws->turn = 0;
	(void) shutdown(ws->watch.fd, SHUT_WR);
}

static void
end(VgTask *task)
{
	VgWs *ws = (VgWs *) ((char *) task - offsetof(VgWs, end));

	if (ws->flush.is_queued)
	{
		vg_loop_post(task); /* behind it */
		return;
	}
	ws->handler->closed(ws->arg);
	wslay_event_context_free(ws->wslay);
	free(ws->extra);
	free(ws);
}

/* --- what wslay calls ----------------------------------------------------------------- */

static ssize_t
read_extra(VgWs *ws, uint8_t *buffer, size_t size)
{
	size_t n = ws->extra_size - ws->extra_at;

	if (n > size)
		n = size;
	memcpy(buffer, ws->extra + ws->extra_at, n);
	ws->extra_at += n;
	if (ws->extra_at == ws->extra_size)
	{
		free(ws->extra);
		ws->extra = NULL;
	}
	return n;
}

static bool
may_read(VgWs *ws)
{
	return wslay_event_get_queued_msg_count(ws->wslay) < ANSWERS_MAX;
}

/* Closes for something wrong: nothing more is read. */
static void
refuse(VgWs *ws, int code, const char *reason)
{
	(void) wslay_event_queue_close(ws->wslay, code, (const uint8_t *) reason, strlen(reason));
	wslay_event_shutdown_read(ws->wslay);
}

static ssize_t
read_bytes(VgWs *ws, uint8_t *buffer, size_t size)
{
	ssize_t n;

	if (ws->extra)
		return read_extra(ws, buffer, size);
	while ((n = recv(ws->watch.fd, buffer, size, MSG_DONTWAIT)) < 0 && errno == EINTR)
		;
	return n;
}

static ssize_t
stop_reading(VgWs *ws, int error)
{
	wslay_event_set_error(ws->wslay, error);
	return -1;
}

static ssize_t
receive(wslay_event_context_ptr wslay, uint8_t *buffer, size_t size, int flags, void *arg)
{
	VgWs *ws = arg;
	size_t good;
	ssize_t n;

	if (ws->violation || ws->turn >= READ_BYTES_A_TURN || !may_read(ws))
		return stop_reading(ws, WSLAY_ERR_WOULDBLOCK);
	n = read_bytes(ws, buffer, size);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return stop_reading(ws, WSLAY_ERR_WOULDBLOCK);
	if (n <= 0)
	{
		ws->is_lost = true;
		return stop_reading(ws, WSLAY_ERR_CALLBACK_FAILURE);
	}
	ws->turn += n;
	ws->alive_at = vg_now_ms();
	ws->violation = vg_ws_header_check(&ws->header, buffer, n, ws->limits.message_bytes, &good);
	return good > 0 ? (ssize_t) good : stop_reading(ws, WSLAY_ERR_WOULDBLOCK);
}

static ssize_t
transmit(wslay_event_context_ptr wslay, const uint8_t *data, size_t size, int flags, void *arg)
{
	VgWs *ws = arg;
	int more = flags & WSLAY_MSG_MORE ? MSG_MORE : 0;
	ssize_t n;

	while ((n = send(ws->watch.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL | more)) < 0 &&
		   errno == EINTR)
		;
	if (n > 0)
		ws->sent += n;
	else
		wslay_event_set_error(wslay, n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)
										 ? WSLAY_ERR_WOULDBLOCK
										 : WSLAY_ERR_CALLBACK_FAILURE);
	return n > 0 ? n : -1;
}

static void
received(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *message,
		 void *arg)
{
	VgWs *ws = arg;

	if (ws->phase != WS_OPEN)
		return;
	if (message->opcode == WSLAY_TEXT_FRAME)
		ws->handler->message(ws->arg, (const char *) message->msg, message->msg_length);
	else if (message->opcode == WSLAY_BINARY_FRAME)
		refuse(ws, VG_WS_UNSUPPORTED_DATA, "messages are text");
}

/* --- events --------------------------------------------------------------------------- */

static void
flush(VgWs *ws)
{
	if (wslay_event_want_write(ws->wslay) && wslay_event_send(ws->wslay) != 0)
		die(ws);
}

/* More input may be inside wslay, or ours, than epoll knows of. */
static void
read_turn(VgWs *ws)
{
	ws->turn = 0;
	if (ws->phase > WS_CLOSING || !wslay_event_want_read(ws->wslay))
		return;
	if (wslay_event_recv(ws->wslay) != 0 && (ws->is_lost || !wslay_event_want_write(ws->wslay)))
	{
		die(ws);
		return;
	}
	if (ws->violation && wslay_event_get_read_enabled(ws->wslay))
		refuse(ws, ws->violation, "");
	if (!wslay_event_get_read_enabled(ws->wslay))
		begin_closing(ws);
}

static void
discard(VgWs *ws)
{
	char buffer[4096];
	ssize_t n = recv(ws->watch.fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n > 0)
		ws->turn += n;
	if (n == 0 || ws->turn > LINGER_BYTES_MAX || (n < 0 && errno != EAGAIN && errno != EINTR))
		die(ws);
}

/* Goes on to the next phase when it is time, and waits for the right events. */
static void
update(VgWs *ws)
{
	uint32_t events = 0;

	if (ws->phase == WS_OPEN && ws->is_full && vg_ws_queued(ws) <= ws->limits.queue_bytes / 2)
	{
		ws->is_full = false;
		ws->handler->writable(ws->arg);
	}
	if (ws->phase == WS_CLOSING && wslay_event_get_close_sent(ws->wslay) &&
		!wslay_event_get_read_enabled(ws->wslay))
		linger(ws);
	if (ws->phase == WS_DEAD)
		return;
	if (ws->phase == WS_LINGER)
		events = EPOLLIN;
	else
	{
		if (wslay_event_want_read(ws->wslay))
			events |= EPOLLRDHUP | (may_read(ws) ? EPOLLIN : 0);
		if (wslay_event_want_write(ws->wslay))
			events |= EPOLLOUT;
	}
	if (!vg_loop_watch(&ws->watch, events))
		die(ws);
}

static void
ready(VgWatch *watch, uint32_t events)
{
	VgWs *ws = (VgWs *) ((char *) watch - offsetof(VgWs, watch));

	if (ws->phase == WS_LINGER)
		discard(ws);
	else if (events & (EPOLLERR | EPOLLHUP))
		die(ws);
	else if ((events & EPOLLRDHUP) && !may_read(ws))
		die(ws); /* it does not read our answers and has gone */
	else
	{
		if (events & (EPOLLIN | EPOLLRDHUP))
			read_turn(ws);
		if (ws->phase < WS_LINGER)
			flush(ws);
	}
	if (ws->phase != WS_DEAD)
		update(ws);
}

/* After vg_ws_send() and vg_ws_close(), and for what came with the handshake. */
static void
flush_later(VgTask *task)
{
	VgWs *ws = (VgWs *) ((char *) task - offsetof(VgWs, flush));

	if (ws->is_lost)
		die(ws);
	if (ws->phase == WS_DEAD)
		return;
	if (ws->extra)
		read_turn(ws);
	if (ws->phase < WS_LINGER)
		flush(ws);
	if (ws->phase != WS_DEAD)
		update(ws);
	if (ws->phase < WS_CLOSING && ws->extra)
		vg_loop_post(task);
}

/* --- for the owner -------------------------------------------------------------------- */

static void
set_socket_options(int fd)
{
	int on = 1;
	int off = 0;
	int bytes = SEND_BUFFER;

	/* On what is no TCP socket (one end of a TLS proxy) these fail, and nothing is lost. */
	(void) setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
	(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

VgWs *
vg_ws_open(int fd, const char *extra, size_t extra_size, const VgWsLimits *limits,
		   const VgWsHandler *handler, void *arg)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = receive,
		.send_callback = transmit,
		.on_msg_recv_callback = received,
	};
	VgWs *ws = vg_alloc(sizeof(VgWs));

	ws->watch = (VgWatch) {.fd = fd, .ready = ready};
	ws->end.run = end;
	ws->flush.run = flush_later;
	ws->limits = *limits;
	ws->handler = handler;
	ws->arg = arg;
	ws->alive_at = vg_now_ms();
	if (wslay_event_context_server_init(&ws->wslay, &callbacks, ws) != 0)
	{
		free(ws);
		return NULL;
	}
	wslay_event_config_set_max_recv_msg_length(ws->wslay, limits->message_bytes);
	set_socket_options(fd);
	if (!vg_loop_watch(&ws->watch, EPOLLIN | EPOLLRDHUP))
	{
		wslay_event_context_free(ws->wslay);
		free(ws);
		return NULL;
	}
	if (extra_size > 0)
	{
		ws->extra = vg_copy_n(extra, extra_size);
		ws->extra_size = extra_size;
		vg_loop_post(&ws->flush);
	}
	return ws;
}

size_t
vg_ws_queued(const VgWs *ws)
{
	return wslay_event_get_queued_msg_length(ws->wslay);
}

bool
vg_ws_is_full(VgWs *ws)
{
	return ws->is_full;
}

void
vg_ws_send(VgWs *ws, const char *text, size_t length)
{
	struct wslay_event_msg message = {
		.opcode = WSLAY_TEXT_FRAME,
		.msg = (const uint8_t *) text,
		.msg_length = length,
	};

	if (ws->phase != WS_OPEN || ws->is_lost)
		return;
	/* Out of memory: a lost row must not look like none. */
	if (wslay_event_queue_msg(ws->wslay, &message) != 0)
		ws->is_lost = true;
	/* Much is written now, so that full means that the other side is slow. */
	else if (vg_ws_queued(ws) > ws->limits.queue_bytes / 2 && wslay_event_send(ws->wslay) != 0)
		ws->is_lost = true;
	ws->is_full = vg_ws_queued(ws) > ws->limits.queue_bytes;
	vg_loop_post(&ws->flush);
}

void
vg_ws_close(VgWs *ws, int code, const char *reason)
{
	if (ws->phase != WS_OPEN)
		return;
	(void) wslay_event_queue_close(ws->wslay, code, (const uint8_t *) reason, strlen(reason));
	begin_closing(ws);
	vg_loop_post(&ws->flush);
}

void
vg_ws_abort(VgWs *ws)
{
	die(ws);
}

int
vg_ws_close_code(const VgWs *ws)
{
	return wslay_event_get_status_code_received(ws->wslay);
}

/* Does the other side take what waits for it? */
static void
look_what_is_taken(VgWs *ws, int64_t now_ms)
{
	int waiting = 0;
	uint64_t taken;

	if (ioctl(ws->watch.fd, SIOCOUTQ, &waiting) < 0)
		return;
	taken = ws->sent - waiting;
	if (taken > ws->taken && vg_ws_queued(ws) > 0)
		ws->alive_at = now_ms;
	ws->taken = taken;
}

static void
ping(VgWs *ws)
{
	struct wslay_event_msg message = {.opcode = WSLAY_PING};

	if (wslay_event_queue_msg(ws->wslay, &message) == 0)
		vg_loop_post(&ws->flush);
}

void
vg_ws_tick(VgWs *ws, int64_t now_ms)
{
	if (ws->phase != WS_OPEN)
	{
		if (ws->phase != WS_DEAD && now_ms >= ws->phase_until)
			die(ws);
		return;
	}
	if (now_ms < ws->check_at)
		return;
	ws->check_at = now_ms + ws->limits.ping_ms / 2;
	look_what_is_taken(ws, now_ms);
	if (now_ms - ws->alive_at > ws->limits.peer_ms)
		die(ws);
	/* While messages wait, a ping would wait too. */
	else if (now_ms - ws->alive_at >= ws->limits.ping_ms && vg_ws_queued(ws) == 0)
		ping(ws);
}
