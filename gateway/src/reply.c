/*
 * reply.c
 *	  Filling an answer, and making MHD's response of it.
 */
#include "gateway/src/reply.h"

#include "common/sqlstate.h"
#include "gateway/src/compress.h"
#include "gateway/src/config.h"
#include "gateway/src/exchange.h"
#include "gateway/src/log.h"
#include "gateway/src/metrics.h"
#include "gateway/src/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum
{
	COMPRESS_FROM = 1024 /* bytes; below it costs more than it saves */
};

VG_COUNTER(upgrades, "velo_gateway_upgrades_total", "counter",
		   "Connections upgraded to WebSocket.");

/* The page may load nothing but what we serve; styles are set by scripts of libraries. */
static const char *const security_headers[][2] = {
	{"Content-Security-Policy",
	 "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; "
	 "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; "
	 "base-uri 'none'; form-action 'self'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
};

void
vg_reply_status(VgReply *reply, int status)
{
	reply->status = status;
}

void
vg_reply_header(VgReply *reply, const char *name, const char *value)
{
	VgPair *pair = &reply->headers[reply->header_count];

	if (reply->header_count == VG_HEADERS_MAX)
		abort(); /* a handler of ours adds too many */
	reply->header_count++;
	pair->name = vg_copy(name);
	pair->value = vg_copy(value);
}

/* Drops a body, not the headers. */
static void
drop_body(VgReply *reply)
{
	free(reply->bytes);
	free(reply->content_type);
	if (reply->file >= 0)
		close(reply->file);
	reply->bytes = reply->content_type = NULL;
	reply->size = 0;
	reply->file = -1;
}

void
vg_reply_bytes(VgReply *reply, const char *content_type, char *bytes, size_t size)
{
	drop_body(reply);
	reply->content_type = vg_copy(content_type);
	reply->bytes = bytes;
	reply->size = size;
	if (reply->status == 0)
		reply->status = MHD_HTTP_OK;
}

void
vg_reply_text(VgReply *reply, const char *content_type, const char *text)
{
	vg_reply_bytes(reply, content_type, vg_copy(text), strlen(text));
}

void
vg_reply_json(VgReply *reply, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(body);
	if (text == NULL)
		text = vg_copy("null");
	vg_reply_bytes(reply, "application/json", text, strlen(text));
}

static void
reply_error(VgReply *reply, int status, const VcError *error)
{
	json_t *body = vc_error_json(error);

	json_object_set_new(body, "request_id", json_string(reply->request->id));
	reply->status = status;
	vg_reply_json(reply, body);
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		vg_reply_header(reply, "Retry-After", "1");
}

void
vg_reply_error(VgReply *reply, const VcError *error)
{
	reply_error(reply, vc_sqlstate_meaning(error->sqlstate)->http_status, error);
}

void
vg_reply_refuse(VgReply *reply, int status, const char *sqlstate, const char *message,
				const char *hint)
{
	VcError error = {0};

	vc_error_set(&error, sqlstate, message, NULL, hint);
	reply_error(reply, status, &error);
	vc_error_clear(&error);
}

void
vg_reply_upgrade(VgReply *reply, VgUpgrade upgrade, void *arg, void (*drop)(void *arg))
{
	reply->status = MHD_HTTP_SWITCHING_PROTOCOLS;
	reply->upgrade = upgrade;
	reply->upgrade_arg = arg;
	reply->upgrade_drop = drop;
}

void
vg_reply_clear(VgReply *reply)
{
	drop_body(reply);
	/* an upgrade that did not happen */
	if (reply->upgrade && reply->upgrade_drop)
		reply->upgrade_drop(reply->upgrade_arg);
	reply->upgrade = NULL;
	for (int i = 0; i < reply->header_count; i++)
	{
		free(reply->headers[i].name);
		free(reply->headers[i].value);
	}
	reply->header_count = 0;
}

/* ------------------------------------------------------------ MHD's response */

static void
add(struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		vg_log(VG_LOG_ERROR, NULL, "a header could not be added", "header", name, NULL);
}

static void
add_cors(VgRequest *request)
{
	if (*vg_config->cors_origin)
		add(request->response, "Vary", "Origin");
	if (request->allowed_origin == NULL)
		return;
	add(request->response, "Access-Control-Allow-Origin", request->allowed_origin);
	add(request->response, "Access-Control-Allow-Credentials", "true");
	add(request->response, "Access-Control-Expose-Headers",
		"X-Request-Id, Retry-After, Mcp-Session-Id");
}

static void
add_headers(VgRequest *request)
{
	VgReply *reply = &request->reply;

	for (size_t i = 0; i < sizeof(security_headers) / sizeof(security_headers[0]); i++)
		add(request->response, security_headers[i][0], security_headers[i][1]);
	add(request->response, "X-Request-Id", request->id);
	if (reply->content_type)
		add(request->response, "Content-Type", reply->content_type);
	for (int i = 0; i < reply->header_count; i++)
		add(request->response, reply->headers[i].name, reply->headers[i].value);
	/* What a database answers is for the asker, now. */
	if (MHD_get_response_header(request->response, "Cache-Control") == NULL)
		add(request->response, "Cache-Control", "no-store");
	if (reply->must_close || vg_server_is_draining())
		add(request->response, "Connection", "close");
	add_cors(request);
}

static bool
is_compressible(const VgReply *reply)
{
	return !reply->is_compressed && reply->bytes && reply->size >= COMPRESS_FROM &&
		   reply->content_type &&
		   (strncmp(reply->content_type, "application/json", 16) == 0 ||
			strncmp(reply->content_type, "text/", 5) == 0);
}

static void
compress_body(VgRequest *request)
{
	VgReply *reply = &request->reply;
	char *smaller;
	size_t size;

	if (!is_compressible(reply))
		return;
	vg_reply_header(reply, "Vary", "Accept-Encoding");
	if (!vg_accepts_coding(vg_request_header(request, "Accept-Encoding"), "gzip"))
		return;
	smaller = vg_gzip(reply->bytes, reply->size, &size);
	if (smaller == NULL)
		return;
	free(reply->bytes);
	reply->bytes = smaller;
	reply->size = size;
	vg_reply_header(reply, "Content-Encoding", "gzip");
}

/* Runs on the connection's thread, when the 101 was sent. */
static void
upgraded(void *arg, struct MHD_Connection *connection, void *context, const char *extra,
		 size_t extra_size, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	VgRequest *request = arg;
	VgUpgrade upgrade = request->reply.upgrade;

	request->reply.upgrade = NULL; /* it is theirs now */
	vg_server_upgraded(request);
	vg_count(&upgrades, 1);
	upgrade(request->reply.upgrade_arg, handle, fd, extra, extra_size);
}

static struct MHD_Response *
make_response(VgRequest *request)
{
	VgReply *reply = &request->reply;
	struct MHD_Response *response;

	request->reply_size = reply->file >= 0 ? reply->file_size : reply->size;
	if (reply->upgrade)
		return MHD_create_response_for_upgrade(upgraded, request);
	if (reply->file >= 0)
	{
		response = MHD_create_response_from_fd64(reply->file_size, reply->file);
		reply->file = -1; /* MHD closes it */
		return response;
	}
	response = MHD_create_response_from_buffer(reply->size, reply->bytes, MHD_RESPMEM_MUST_FREE);
	reply->bytes = NULL;
	return response;
}

void
vg_reply_finish(VgRequest *request)
{
	VgReply *reply = &request->reply;

	if (reply->status == 0)
		reply->status = MHD_HTTP_NO_CONTENT;
	if (reply->size > (size_t) vg_config->reply_size_max)
		vg_reply_refuse(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "54000", "the answer is too large",
						"Ask for less, or raise the gateway's setting reply_size_max.");
	compress_body(request);
	request->status = reply->status;
	request->response = make_response(request);
	if (request->response == NULL)
		abort(); /* out of memory: see memory.c */
	add_headers(request);
}
