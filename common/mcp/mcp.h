/*
 * mcp.h
 *	  The Model Context Protocol: one message in, at most one message out.
 *
 * A library without input and output of its own: the gateway hands it the body of a POST,
 * the command line a line of its standard input.  What tools, resources and prompts there
 * are and do, a backend says (backend.h), which asks SQL.  Both generations of the
 * protocol are spoken on one endpoint:
 *
 *	  "legacy"  2025-03-26, 2025-06-18, 2025-11-25: opened by initialize
 *	  "modern"  2026-07-28: every request says its revision and capabilities in _meta
 *
 * A request that carries _meta of the modern kind, or whose header says so, is modern; all
 * else is legacy.  Nothing is remembered between requests but, over stdio, the revision
 * that initialize agreed on.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/mcp/backend.h"

enum
{
	/* Bytes of one message that comes in. */
	VC_MCP_MESSAGE_BYTES_MAX = 1024 * 1024,
	/* Messages of one batch (2025-03-26 only). */
	VC_MCP_BATCH_MAX = 20,
	/* Bytes of a tool's or resource's content, before it is written as JSON text. */
	VC_MCP_RESULT_BYTES_MAX = 1024 * 1024,
	/* Entries of one page of a list. */
	VC_MCP_PAGE_MAX = 200,
	/* Values of one completion; the protocol's own bound. */
	VC_MCP_COMPLETION_MAX = 100,
	/* Notifications that one request may cause; further ones are dropped. */
	VC_MCP_NOTIFICATIONS_MAX = 100,
	/* Milliseconds that a client may keep a list, and one resource's content. */
	VC_MCP_LIST_TTL_MS = 60000,
	VC_MCP_READ_TTL_MS = 1000
};

/* Headers of HTTP that mirror the body; NULL: not sent. */
typedef struct VcMcpHeaders
{
	const char *version; /* MCP-Protocol-Version */
	const char *method;	 /* Mcp-Method */
	const char *name;	 /* Mcp-Name */
	/* Any other header, "Mcp-Param-…", by its name in any case. */
	const char *(*find)(void *arg, const char *name);
	void *arg;
} VcMcpHeaders;

/* What a connection over stdio remembers; all zero at the start. */
typedef struct VcMcpSession
{
	char revision[16]; /* agreed by initialize; "" before */
} VcMcpSession;

typedef struct VcMcpRequest
{
	const char *text; /* need not end in a zero byte */
	size_t length;
	const VcMcpHeaders *headers;	/* NULL: not over HTTP */
	VcMcpSession *session;			/* NULL over HTTP */
	const VcMcpBackend *backend;	/* runs in the thread of vc_mcp_handle() */
	const char *version;			/* of this program, for serverInfo */
	const char *user;				/* who asks; a requestState is for nobody else */
	const unsigned char *state_key; /* VC_MCP_KEY_SIZE bytes that sign requestState */
	/*
	 * Sends a notification that belongs to this request, before its answer; text is valid
	 * during the call.  NULL: the transport cannot.
	 */
	void (*notify)(void *arg, const char *text, size_t length);
	void *notify_arg;
} VcMcpRequest;

typedef struct VcMcpReply
{
	int http_status;
	char *text; /* a JSON text on one line, for free(); NULL: no body (a notification) */
	size_t length;
} VcMcpReply;

enum
{
	VC_MCP_KEY_SIZE = 32
};

/* Answers one message.  reply is overwritten; its text is the caller's. */
extern void vc_mcp_handle(const VcMcpRequest *request, VcMcpReply *reply);

/*
 * For a transport that refuses a message unread (too long): the answer without an id.
 * code: of JSON-RPC.
 */
extern void vc_mcp_refuse(int http_status, int code, const char *message, VcMcpReply *reply);

/*
 * Is this message notifications/cancelled for the request with this text's id?  For
 * stdio, where it comes while that request still runs.
 */
extern bool vc_mcp_cancels(const char *text, size_t length, const char *request,
						   size_t request_length);
