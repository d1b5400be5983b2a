/*
 * live.c
 *	  GET /api/live: sockets, what their clients say, and their queries.
 *
 * The protocol is in docs/gateway/live.md.  A socket runs one query at a time.  The
 * message that starts one is answered by "error" or "complete"; whatever else a client
 * says wrong is answered by an error that says that the query goes on.
 *
 * A socket belongs to the event thread from the moment its task `opened` runs; before,
 * to the thread of the server that upgraded it.
 */
#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/src/config.h"
#include "gateway/src/live_connection.h"
#include "gateway/src/live_frame.h"
#include "gateway/src/live_helper.h"
#include "gateway/src/live_loop.h"
#include "gateway/src/live_query.h"
#include "gateway/src/live_seat.h"
#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool.h"
#include "gateway/src/route.h"
#include "gateway/src/ws.h"
#include "gateway/src/ws_handshake.h"

#define CUT_WAIT_MS 1000
#define STEP_MS 10
#define CHECK_USERS_MS 1000 /* how often we look whether users may still be here */

typedef struct VgLive
{
	struct VgLive *next; /* of sockets */
	struct VgLive *previous;
	VgLiveSeat seat;
	VgTask opened;
	VgLiveCaller caller;
	struct MHD_UpgradeResponseHandle *handle;
	int fd;
	char *extra;
	size_t extra_size;
	VgWs *ws;
	VgLiveQuery *query; /* NULL: none */
	int64_t idle_since;
	int64_t opened_at;
} VgLive;

static VgLive *sockets;			 /* event thread */
static int64_t users_checked_at; /* event thread */
static VgTask drain_task;
static VgTask cut_task;
static atomic_bool is_draining;

VG_COUNTER(sockets_total, "velo_gateway_live_sockets_total", "counter",
		   "WebSockets that were opened.");
VG_COUNTER(frames_total, "velo_gateway_live_frames_total", "counter",
		   "Messages given to WebSockets.");
VG_COUNTER(bytes_total, "velo_gateway_live_bytes_total", "counter",
		   "Bytes of messages given to WebSockets.");
VG_COUNTER(stalls_total, "velo_gateway_live_stalls_total", "counter",
		   "Times that a WebSocket's queue became full, so that its query was not read.");

/* --- queries -------------------------------------------------------------------------- */

static void
send_frame(void *arg, const char *text, size_t length)
{
	VgLive *live = arg;
	bool was_full = vg_ws_is_full(live->ws);

	vg_ws_send(live->ws, text, length);
	vg_count(&frames_total, 1);
	vg_count(&bytes_total, length);
	if (!was_full && vg_ws_is_full(live->ws))
		vg_count(&stalls_total, 1);
}

static bool
is_full(void *arg)
{
	return vg_ws_is_full(((VgLive *) arg)->ws);
}

static void
query_is_over(void *arg)
{
	VgLive *live = arg;

	live->query = NULL;
	live->idle_since = vg_now_ms();
}

static const VgLiveOwner owner = {.send = send_frame, .is_full = is_full, .over = query_is_over};

/* --- what clients say ----------------------------------------------------------------- */

static void
send_error(VgLive *live, const char *sqlstate, const char *message, const char *detail,
		   const char *hint)
{
	VcError error = {0};
	VgText frame = {0};

	vc_error_set(&error, sqlstate, message, detail, hint);
	vg_live_frame_error(&frame, &error, live->query != NULL);
	send_frame(live, frame.bytes, frame.size);
	free(frame.bytes);
	vc_error_clear(&error);
}

static void
start_query(VgLive *live, const json_t *message)
{
	const char *sql = json_string_value(json_object_get(message, "sql"));
	json_t *params = json_object_get(message, "params");

	if (live->query)
		send_error(live, "55006", "a query is running on this socket already", NULL,
				   "Cancel it and wait for \"complete\", or open another socket.");
	else if (sql == NULL)
		send_error(live, "08P01", "\"sql\" must be the text of a query", NULL, NULL);
	else if (params && !json_is_object(params) && !json_is_null(params))
		send_error(live, "08P01", "\"params\" must be an object", NULL,
				   "It holds values for ${NAME} in properties.");
	else
		live->query = vg_live_query_start(&live->caller, sql,
										  json_is_object(params) ? json_incref(params) : NULL,
										  &owner, live);
}

static void
pause_query(VgLive *live, bool is_paused)
{
	static const char paused[] = "{\"type\":\"paused\"}";
	static const char resumed[] = "{\"type\":\"resumed\"}";

	vg_live_query_pause(live->query, is_paused);
	if (is_paused)
		send_frame(live, paused, strlen(paused));
	else
		send_frame(live, resumed, strlen(resumed));
}

static void
obey(VgLive *live, const json_t *message)
{
	const char *type = json_string_value(json_object_get(message, "type"));

	if (type == NULL)
		send_error(live, "08P01", "a message must have a \"type\"", NULL,
				   "It is query, pause, resume or cancel.");
	else if (strcmp(type, "query") == 0)
		start_query(live, message);
	else if (strcmp(type, "pause") != 0 && strcmp(type, "resume") != 0 &&
			 strcmp(type, "cancel") != 0)
		send_error(live, "08P01", "messages of this type are not known", NULL,
				   "The types are query, pause, resume and cancel.");
	else if (live->query == NULL)
		/* It may have ended while the message was on its way. */
		send_error(live, "55000", "no query is running on this socket", NULL, NULL);
	else if (strcmp(type, "cancel") == 0)
		vg_live_query_cancel(live->query);
	else
		pause_query(live, strcmp(type, "pause") == 0);
}

static void
take_message(void *arg, const char *text, size_t length)
{
	VgLive *live = arg;
	json_error_t error;
	json_t *message = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

	if (message == NULL)
		send_error(live, "08P01", "a message must be a JSON object", error.text, NULL);
	else
		obey(live, message);
	json_decref(message);
}

/* --- the life of a socket ------------------------------------------------------------- */

static void
writable(void *arg)
{
	VgLive *live = arg;

	if (live->query)
		vg_live_query_continue(live->query);
}

static void
closing(void *arg)
{
	VgLive *live = arg;

	if (live->query)
		vg_live_query_abandon(live->query);
	live->query = NULL;
}

static void
free_live(VgLive *live)
{
	vg_user_release(live->caller.user);
	free(live->extra);
	free(live);
}

/* The connection ends as well. */
static void
end_live(VgLive *live)
{
	(void) MHD_upgrade_action(live->handle, MHD_UPGRADE_ACTION_CLOSE);
	vg_live_seat_leave(&live->seat);
	free_live(live);
}

static void
closed(void *arg)
{
	VgLive *live = arg;
	char *ms = vg_format("%lld", (long long) (vg_now_ms() - live->opened_at));
	char *code = vg_format("%d", vg_ws_close_code(live->ws));

	vg_log(VG_LOG_INFO, NULL, "live socket closed", "request_id", live->caller.id, "user",
		   vg_user_name(live->caller.user), "addr", live->caller.address, "code", code, "ms", ms,
		   NULL);
	free(ms);
	free(code);
	if (live->next)
		live->next->previous = live->previous;
	if (live->previous)
		live->previous->next = live->next;
	else
		sockets = live->next;
	end_live(live);
}

static const VgWsHandler handler = {
	.message = take_message,
	.writable = writable,
	.closing = closing,
	.closed = closed,
};

static void
opened(VgTask *task)
{
	VgLive *live = (VgLive *) ((char *) task - offsetof(VgLive, opened));
	/* The frame that fills the queue counts as well. */
	VgWsLimits limits = {
		.message_bytes = vg_config->live_message_size,
		.queue_bytes = vg_config->live_queue_size - VG_LIVE_FRAME_BYTES,
		.ping_ms = vg_config->live_ping_interval,
		.peer_ms = vg_config->live_peer_timeout,
	};

	live->ws = vg_ws_open(live->fd, live->extra, live->extra_size, &limits, &handler, live);
	if (live->ws == NULL)
	{
		vg_log(VG_LOG_ERROR, NULL, "could not serve a live socket", "request_id", live->caller.id,
			   NULL);
		end_live(live);
		return;
	}
	free(live->extra);
	live->extra = NULL;
	live->opened_at = live->idle_since = vg_now_ms();
	live->next = sockets;
	if (sockets)
		sockets->previous = live;
	sockets = live;
	vg_count(&sockets_total, 1);
	if (atomic_load(&is_draining))
		vg_ws_close(live->ws, VG_WS_GOING_AWAY, "the gateway is stopping");
}

/* On a thread of the server. */
static void
upgrade(void *arg, struct MHD_UpgradeResponseHandle *handle, int fd, const char *extra,
		size_t extra_size)
{
	VgLive *live = arg;

	live->handle = handle;
	live->fd = fd;
	live->extra = extra_size > 0 ? vg_copy_n(extra, extra_size) : NULL;
	live->extra_size = extra_size;
	vg_loop_post(&live->opened);
}

static void
drop(void *arg)
{
	VgLive *live = arg;

	vg_live_seat_leave(&live->seat);
	free_live(live);
}

static void
open_live(VgRequest *request, VgReply *reply)
{
	VgLive *live;
	const char *limit;

	if (atomic_load(&is_draining))
	{
		vg_reply_refuse(reply, 503, "57P01", "the gateway is stopping", NULL);
		return;
	}
	if (!vg_ws_handshake(request, reply))
		return;
	live = vg_alloc(sizeof(VgLive));
	live->opened.run = opened;
	live->caller.user = vg_user_hold(vg_request_user(request));
	strncpy(live->caller.id, vg_request_id(request), sizeof(live->caller.id) - 1);
	strncpy(live->caller.address, vg_request_address(request), sizeof(live->caller.address) - 1);
	if (!vg_live_seat_take(&live->seat, live->caller.user, &limit))
	{
		char *hint = vg_format("Close one, or raise the gateway's setting %s.", limit);

		vg_reply_refuse(reply, 429, "53400", "too many live sockets are open", hint);
		free(hint);
		free_live(live);
		return;
	}
	vg_reply_upgrade(reply, upgrade, live, drop);
}

VG_ROUTE(live_route) = {
	.method = "GET",
	.path = "/api/live",
	.access = VG_ACCESS_USER,
	.handle = open_live,
};

/* --- the life of the gateway ---------------------------------------------------------- */

static void
tick(int64_t now_ms)
{
	bool check_users = now_ms - users_checked_at >= CHECK_USERS_MS;
	VgLive *next;

	if (check_users)
		users_checked_at = now_ms;
	for (VgLive *live = sockets; live; live = next)
	{
		next = live->next;
		if (check_users && !vg_user_is_valid(live->caller.user))
			vg_ws_close(live->ws, VG_WS_POLICY_VIOLATION, "the log-in has ended");
		else if (live->query == NULL && now_ms - live->idle_since > vg_config->live_idle_timeout)
			vg_ws_close(live->ws, VG_WS_NORMAL, "no query for too long");
		vg_ws_tick(live->ws, now_ms);
	}
}

static void
close_all(VgTask *task)
{
	for (VgLive *live = sockets; live; live = live->next)
		vg_ws_close(live->ws, VG_WS_GOING_AWAY, "the gateway is stopping");
}

static void
cut_all(VgTask *task)
{
	for (VgLive *live = sockets; live; live = live->next)
		vg_ws_abort(live->ws);
}

static bool
start(void)
{
	drain_task.run = close_all;
	cut_task.run = cut_all;
	if (vg_loop_start(tick) && vg_helper_start())
		return true;
	vg_log(VG_LOG_ERROR, NULL, "could not start the threads of live queries", "detail",
		   strerror(errno), NULL);
	return false;
}

static void
drain(void)
{
	atomic_store(&is_draining, true);
	vg_loop_post(&drain_task);
}

static void
stop(void)
{
	if (!vg_live_seats_wait(vg_config->drain_timeout))
	{
		vg_loop_post(&cut_task);
		(void) vg_live_seats_wait(CUT_WAIT_MS);
	}
	/* What they asked for is cancelled; a server that hangs does not hold us up. */
	for (int ms = 0; vg_live_query_count() > 0 && ms < CUT_WAIT_MS; ms += STEP_MS)
		usleep(STEP_MS * 1000);
	vg_helper_stop();
	vg_loop_stop();
}

VG_PART(live_part) = {.name = "live", .start = start, .drain = drain, .stop = stop};
