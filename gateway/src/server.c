/*
 * server.c
 *	  MHD with our limits, and the way of a request through it.
 *
 * A few threads of MHD (io_threads) own the sockets.  When a request has arrived as a
 * whole, its connection is suspended and it goes into the workers' queue (worker.c);
 * a worker fills the reply, makes the response and resumes the connection.  Quick routes
 * are served on MHD's thread, so that /health and the page answer while all workers
 * wait for PostgreSQL.
 *
 * A request is made when its first line is there (MHD's callback for logging the target
 * is the one place where the target is seen undecoded) and freed when MHD says it is
 * completed.
 */
#include "gateway/src/server.h"

#include "gateway/src/config.h"
#include "gateway/src/exchange.h"
#include "gateway/src/log.h"
#include "gateway/src/metrics.h"
#include "gateway/src/random.h"
#include "gateway/src/watch.h"
#include "gateway/src/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum
{
	BACKLOG = 512,
	/* of a connection's memory, beyond headers: MHD's own lines and our answer's headers */
	SPARE_MEMORY = 8192
};

static struct MHD_Daemon *daemon_;
static int listen_fd = -1;
static char url[96];
static _Atomic bool is_draining;
static _Atomic int in_flight;

VG_COUNTER(ok_2, "velo_gateway_requests_total{status=\"2xx\"}", "counter", "Requests answered.");
VG_COUNTER(ok_3, "velo_gateway_requests_total{status=\"3xx\"}", "counter", "Requests answered.");
VG_COUNTER(bad_4, "velo_gateway_requests_total{status=\"4xx\"}", "counter", "Requests answered.");
VG_COUNTER(bad_5, "velo_gateway_requests_total{status=\"5xx\"}", "counter", "Requests answered.");
VG_COUNTER(micros, "velo_gateway_request_microseconds_total", "counter",
		   "Time from a request's first line to its answer's end.");
VG_COUNTER(connections, "velo_gateway_connections", "gauge", "Open connections of clients.");

static int64_t
read_in_flight(void)
{
	return in_flight;
}
VG_GAUGE(in_flight_gauge, "velo_gateway_requests_in_flight", "Requests being served.",
		 read_in_flight);

const char *
vg_server_url(void)
{
	return url;
}

bool
vg_server_is_draining(void)
{
	return is_draining;
}

int
vg_server_in_flight(void)
{
	return in_flight;
}

/* ------------------------------------------------------------ one request */

static void
read_address(VgRequest *request)
{
	const union MHD_ConnectionInfo
		*info = MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *) address)->sin_addr, request->address,
				  sizeof(request->address));
	else if (address && address->sa_family == AF_INET6)
	{
		const struct in6_addr *v6 = &((const struct sockaddr_in6 *) address)->sin6_addr;

		/* what a dual socket makes of IPv4 is one address, not two */
		if (IN6_IS_ADDR_V4MAPPED(v6))
			inet_ntop(AF_INET, &v6->s6_addr[12], request->address, sizeof(request->address));
		else
			inet_ntop(AF_INET6, v6, request->address, sizeof(request->address));
	}
}

/* MHD has read a request line. */
static void *
begin(void *arg, const char *target, struct MHD_Connection *connection)
{
	VgRequest *request = vg_alloc(sizeof(VgRequest));
	const union MHD_ConnectionInfo
		*info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	request->mhd = connection;
	request->started_us = vg_now_us();
	request->slot = info ? (int) (intptr_t) info->socket_context - 1 : -1;
	request->target = vg_copy(target);
	request->reply.request = request;
	request->reply.file = -1;
	pthread_mutex_init(&request->lock, NULL);
	vg_random_hex(request->id, sizeof(request->id) - 1);
	read_address(request);
	if (request->slot >= 0)
		vg_watch_reading(request->slot);
	return request;
}

static enum MHD_Result
send_reply(VgRequest *request)
{
	enum MHD_Result is_queued;

	if (request->response == NULL)
		vg_reply_finish(request);
	request->stage = VG_STAGE_SENT;
	is_queued = MHD_queue_response(request->mhd, request->status, request->response);
	return is_queued;
}

/* The headers are there: may this request be served, and by what? */
static enum MHD_Result
accept_request(VgRequest *request, const char *method, const char *version)
{
	snprintf(request->method, sizeof(request->method), "%s", method);
	request->is_head = strcmp(method, "HEAD") == 0;
	if (request->is_head)
		strcpy(request->method, "GET");
	request->stage = VG_STAGE_BODY;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
	{
		vg_reply_refuse(&request->reply, MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED, "0A000",
						"only HTTP/1.1 and HTTP/1.0 are spoken here", NULL);
		request->reply.must_close = true;
	}
	else if (request->slot < 0)
		vg_reply_refuse(&request->reply, MHD_HTTP_SERVICE_UNAVAILABLE, "53300",
						"too many connections", NULL);
	else if (vg_server_is_draining())
		vg_reply_refuse(&request->reply, MHD_HTTP_SERVICE_UNAVAILABLE, "57P01",
						"the gateway is being stopped", NULL);
	else if (vg_guard_check(request, version) && vg_target_parse(request) &&
			 vg_routes_match(request))
		return MHD_YES;
	/* A body that nobody reads must not be taken for the next request. */
	if (vg_request_header(request, "Content-Length") ||
		vg_request_header(request, "Transfer-Encoding"))
		request->reply.must_close = true;
	/* MHD closes a connection that is answered now, and does not say so; otherwise it is
	 * answered in the next call. */
	request->stage = VG_STAGE_READY;
	return request->reply.must_close ? send_reply(request) : MHD_YES;
}

/* A body of unknown length (chunks) is found to be too large while it comes.  As much again
 * is thrown away, so that it can be answered politely; then the connection is cut. */
static enum MHD_Result
take_body(VgRequest *request, const char *data, size_t *size)
{
	size_t limit = vg_config->body_size_max;

	if (request->body.size + *size <= limit && request->body_excess == 0)
		vg_text_add_n(&request->body, data, *size);
	else
		request->body_excess += *size;
	if (request->body_excess > limit)
		return MHD_NO;
	*size = 0;
	return MHD_YES;
}

/* All of it has arrived. */
static enum MHD_Result
serve(VgRequest *request)
{
	const VgRoute *route = request->match.route;

	vg_watch_forget(request->slot);
	if (request->body_excess > 0)
	{
		vg_reply_refuse(&request->reply, MHD_HTTP_CONTENT_TOO_LARGE, "54000",
						"the request's body is too large", "The limit is body_size_max.");
		request->reply.must_close = true;
		return send_reply(request);
	}
	if (route && route->is_quick)
	{
		route->handle(request, &request->reply);
		return send_reply(request);
	}
	request->stage = VG_STAGE_RUNNING;
	in_flight++;
	request->is_counted = true;
	MHD_suspend_connection(request->mhd);
	vg_watch_running(request->slot, request);
	if (vg_worker_give(request))
		return MHD_YES;
	vg_watch_done(request->slot);
	vg_reply_refuse(&request->reply, MHD_HTTP_SERVICE_UNAVAILABLE, "53400",
					"too many requests are waiting", "Try again in a moment.");
	request->stage = VG_STAGE_READY;
	MHD_resume_connection(request->mhd);
	return MHD_YES;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *connection, const char *decoded, const char *method,
	   const char *version, const char *data, size_t *size, void **context)
{
	VgRequest *request = *context;

	switch (request->stage)
	{
		case VG_STAGE_LINE:
			return accept_request(request, method, version);
		case VG_STAGE_BODY:
			return *size > 0 ? take_body(request, data, size) : serve(request);
		case VG_STAGE_READY:
			return send_reply(request);
		case VG_STAGE_RUNNING:
		case VG_STAGE_SENT:
			break;
	}
	return MHD_YES;
}

void
vg_server_answer(VgRequest *request)
{
	vg_watch_done(request->slot);
	request->stage = VG_STAGE_READY;
	MHD_resume_connection(request->mhd);
}

void
vg_server_upgraded(VgRequest *request)
{
	vg_watch_forget(request->slot);
	if (request->is_counted)
		in_flight--;
	request->is_counted = false;
}

static void
count_request(const VgRequest *request, int64_t us)
{
	VgCounter *classes[] = {&ok_2, &ok_2, &ok_2, &ok_3, &bad_4, &bad_5};

	vg_count(classes[request->status / 100 % 6], 1);
	vg_count(&micros, us);
}

static void
log_request(const VgRequest *request, int64_t us, enum MHD_RequestTerminationCode how)
{
	char status[12];
	char ms[24];
	char size[24];

	if (!vg_config->log_requests || !vg_log_is_on(VG_LOG_INFO))
		return;
	snprintf(status, sizeof(status), "%d", request->status);
	snprintf(ms, sizeof(ms), "%.3f", us / 1000.0);
	snprintf(size, sizeof(size), "%zu", request->reply_size);
	vg_log(VG_LOG_INFO, request, "request", "status", status, "ms", ms, "bytes", size, "end",
		   how == MHD_REQUEST_TERMINATED_COMPLETED_OK ? NULL : "connection lost", NULL);
}

static void
completed(void *arg, struct MHD_Connection *connection, void **context,
		  enum MHD_RequestTerminationCode how)
{
	VgRequest *request = *context;
	int64_t us;

	if (request == NULL)
		return;
	*context = NULL;
	us = vg_now_us() - request->started_us;
	if (request->status)
	{
		count_request(request, us);
		log_request(request, us, how);
	}
	if (request->slot >= 0)
		vg_watch_idle(request->slot);
	if (request->is_counted)
		in_flight--;
	vg_exchange_free(request);
}

/* ------------------------------------------------------------ connections */

static void
connection_changed(void *arg, struct MHD_Connection *connection, void **context,
				   enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo
		*info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
	{
		*context = (void *) (intptr_t) (vg_watch_add(info->connect_fd) + 1);
		vg_count(&connections, 1);
		return;
	}
	if (*context)
		vg_watch_remove((int) (intptr_t) *context - 1);
	*context = NULL;
	vg_count(&connections, -1);
}

/* Targets stay as they came: target.c decodes them. */
static size_t
leave_encoded(void *arg, struct MHD_Connection *connection, char *text)
{
	return strlen(text);
}

static void
log_of_mhd(void *arg, const char *format, va_list arguments)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\r\n")] = '\0';
	vg_log(VG_LOG_DEBUG, NULL, text, NULL);
}

static bool
fail(const char *what)
{
	vg_log(VG_LOG_ERROR, NULL, what, "listen", vg_config->listen, "error", strerror(errno), NULL);
	return false;
}

static bool
open_socket(void)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(vg_config->port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(vg_config->port)};
	bool is_v6 = inet_pton(AF_INET6, vg_config->listen, &v6.sin6_addr) == 1;
	socklen_t length = is_v6 ? sizeof(v6) : sizeof(v4);
	struct sockaddr *address = is_v6 ? (struct sockaddr *) &v6 : (struct sockaddr *) &v4;
	int on = 1;

	if (!is_v6)
		inet_pton(AF_INET, vg_config->listen, &v4.sin_addr);
	listen_fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listen_fd < 0)
		return fail("cannot make a socket");
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listen_fd, address, length) < 0 || listen(listen_fd, BACKLOG) < 0 ||
		getsockname(listen_fd, address, &length) < 0)
		return fail("cannot listen");
	snprintf(url, sizeof(url), is_v6 ? "http://[%s]:%d" : "http://%s:%d", vg_config->listen,
			 ntohs(is_v6 ? v6.sin6_port : v4.sin_port));
	return true;
}

bool
vg_server_start(void)
{
	/* With one thread MHD wants no pool. */
	struct MHD_OptionItem pool[] = {{vg_config->io_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE
															   : MHD_OPTION_END,
									 vg_config->io_threads, NULL},
									{MHD_OPTION_END, 0, NULL}};

	if (!open_socket())
		return false;
	daemon_ = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
								   MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG | MHD_USE_TURBO,
							   0, NULL, NULL, handle, NULL, MHD_OPTION_EXTERNAL_LOGGER, log_of_mhd,
							   NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
							   MHD_OPTION_CONNECTION_LIMIT, (unsigned) vg_config->connections_max,
							   MHD_OPTION_PER_IP_CONNECTION_LIMIT,
							   (unsigned) vg_config->connections_per_address,
							   MHD_OPTION_CONNECTION_TIMEOUT,
							   (unsigned) (vg_config->idle_timeout / 1000),
							   MHD_OPTION_CONNECTION_MEMORY_LIMIT,
							   (size_t) vg_config->header_size_max + SPARE_MEMORY,
							   MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, begin,
							   NULL, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
							   MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
							   MHD_OPTION_NOTIFY_CONNECTION, connection_changed, NULL,
							   MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
	return daemon_ ? true : fail("cannot start the HTTP server");
}

void
vg_server_drain(void)
{
	MHD_socket fd;

	is_draining = true;
	fd = MHD_quiesce_daemon(daemon_);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

void
vg_server_stop(void)
{
	MHD_stop_daemon(daemon_);
}
