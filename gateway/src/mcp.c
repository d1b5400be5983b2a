/*
 * mcp.c
 *	  POST /mcp: the Model Context Protocol over HTTP.
 *
 * The protocol is in common/mcp; here it gets a request's headers and a connection of the
 * user's.  Nothing is remembered between requests.  The answer is one JSON object, or, when
 * the call said something meanwhile (progress, notices), a stream of events that is sent
 * with the answer: a worker answers as a whole.  GET and DELETE, by which older revisions
 * open a stream and end a session, are 405: there are no sessions.
 */
#include "gateway/src/config.h"
#include "gateway/src/call.h"
#include "gateway/src/pool.h"
#include "gateway/src/random.h"
#include "gateway/src/route.h"

#include "common/mcp/mcp.h"
#include "common/mcp/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static unsigned char state_key[VC_MCP_KEY_SIZE];

/* What a request caused, as events; bounded by the protocol's own bound on them. */
typedef struct Events
{
	FILE *out;
	char *text;
	size_t size;
} Events;

static void
add_event(void *arg, const char *text, size_t length)
{
	Events *events = arg;

	if (events->out == NULL)
		events->out = open_memstream(&events->text, &events->size);
	if (events->out)
		fprintf(events->out, "event: message\ndata: %.*s\n\n", (int) length, text);
}

static const char *
find_header(void *arg, const char *name)
{
	return vg_request_header(arg, name);
}

/* Two readers of a header that comes twice may believe different ones. */
static bool
has_twice(const VgRequest *request)
{
	static const char *const mirrored[] = {"MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"};

	for (size_t i = 0; i < sizeof(mirrored) / sizeof(mirrored[0]); i++)
		if (vg_request_header_count(request, mirrored[i]) > 1)
			return true;
	return false;
}

/* A browser's form cannot send it without asking first (CORS). */
static bool
is_json(const VgRequest *request)
{
	const char *type = vg_request_header(request, "Content-Type");
	const size_t length = strlen("application/json");

	return type && strncasecmp(type, "application/json", length) == 0 &&
		   (type[length] == '\0' || type[length] == ';' || type[length] == ' ');
}

static bool
accepts_events(const VgRequest *request)
{
	const char *accept = vg_request_header(request, "Accept");

	return accept && (strcasestr(accept, "text/event-stream") || strstr(accept, "*/*"));
}

/* The JSON text, or behind its events as the last one. */
static void
send_reply(VgReply *reply, VcMcpReply *answer, Events *events)
{
	vg_reply_header(reply, "Cache-Control", "no-store");
	if (events->out && answer->text)
	{
		add_event(events, answer->text, answer->length);
		fclose(events->out);
		vg_reply_header(reply, "X-Accel-Buffering", "no");
		vg_reply_bytes(reply, "text/event-stream", events->text, events->size);
		free(answer->text);
	}
	else if (answer->text)
		vg_reply_bytes(reply, "application/json", answer->text, answer->length);
	vg_reply_status(reply, answer->http_status);
}

static void
answer_with(VgRequest *request, VgReply *reply, PGconn *conn)
{
	char *context = vg_request_context(request, conn, "mcp");
	VcMcpSql sql = {.conn = conn, .timeout_ms = vg_config->request_timeout, .context = context};
	VcMcpBackend backend = vc_mcp_sql_backend(&sql);
	VcMcpHeaders headers = {.version = vg_request_header(request, "MCP-Protocol-Version"),
							.method = vg_request_header(request, "Mcp-Method"),
							.name = vg_request_header(request, "Mcp-Name"),
							.find = find_header,
							.arg = request};
	Events events = {0};
	VcMcpRequest message = {.headers = &headers,
							.backend = &backend,
							.version = VELO_VERSION,
							.user = vg_user_name(vg_request_user(request)),
							.state_key = state_key,
							.notify = accepts_events(request) ? add_event : NULL,
							.notify_arg = &events};
	VcMcpReply answer;

	message.text = vg_request_body(request, &message.length);
	vg_request_set_connection(request, conn);
	vc_mcp_handle(&message, &answer);
	vg_request_set_connection(request, NULL);
	vg_pool_give(vg_request_user(request), conn, !sql.is_dirty);
	send_reply(reply, &answer, &events);
	free(context);
}

static void
handle(VgRequest *request, VgReply *reply)
{
	VcError error = {0};
	VcMcpReply answer;
	PGconn *conn;

	if (!is_json(request))
	{
		vg_reply_refuse(reply, 415, "22023", "messages are application/json",
						"send the header Content-Type: application/json");
		return;
	}
	if (has_twice(request))
	{
		vc_mcp_refuse(400, -32020, "header mismatch: a header came twice", &answer);
		send_reply(reply, &answer, &(Events) {0});
		return;
	}
	conn = vg_pool_take(vg_request_user(request), &error);
	if (conn)
		answer_with(request, reply, conn);
	else
		vg_reply_error(reply, &error);
	vc_error_clear(&error);
}

static bool
start(void)
{
	vg_random(state_key, sizeof(state_key));
	return true;
}

VG_PART(mcp_part) = {.name = "mcp", .start = start};

/* Any body: one that is no JSON has an answer of its own in this protocol. */
VG_ROUTE(mcp_route) = {.method = "POST", .path = "/mcp", .takes_any_body = true, .handle = handle};
