/*
 * cmd_mcp.c
 *	  velo mcp: the Model Context Protocol on standard input and output.
 *
 * One JSON message a line, answered in order.  While a query runs, the input is read on:
 * notifications/cancelled for what runs cancels it in PostgreSQL, and for what still waits
 * takes it out of the queue; neither is answered then.  At the end of the input what
 * waits is answered, and the program ends; when nobody reads the output any more, or at
 * a signal, it ends at once.
 */
#include "command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/mcp/mcp.h"
#include "common/mcp/sql.h"

#include "interrupt.h"

enum
{
	/* Messages that may wait; then the input is not read. */
	QUEUE_MAX = 64,
	READ_SIZE = 65536,
	TIMEOUT_SECONDS = 330, /* velo.query_rows waits 300 at most */
	TIMEOUT_SECONDS_MAX = 86400
};

typedef struct Line
{
	char *text; /* NULL: was taken back */
	size_t length;
	bool is_too_long;
} Line;

typedef struct Server
{
	PGconn *conn;
	VcMcpSql sql;
	VcMcpBackend backend;
	VcMcpSession session;
	unsigned char key[VC_MCP_KEY_SIZE];

	Line queue[QUEUE_MAX];
	int queued;
	char *partial; /* a line whose end has not come */
	size_t partial_length;
	bool is_skipping; /* up to the end of a line that is too long */
	bool is_ended;	  /* the input */
	bool is_broken;	  /* the output */
	Line running;
} Server;

/* ------------------------------------------------------------------ input */

/* Takes back what a cancellation is about. */
static void
take_back(Server *server, const Line *line)
{
	if (memmem(line->text, line->length, "cancelled", strlen("cancelled")) == NULL)
		return;
	for (int i = 0; i < server->queued; i++)
	{
		Line *queued = &server->queue[i];

		if (queued->text && !queued->is_too_long &&
			vc_mcp_cancels(line->text, line->length, queued->text, queued->length))
		{
			free(queued->text);
			queued->text = NULL;
		}
	}
	if (server->running.text &&
		vc_mcp_cancels(line->text, line->length, server->running.text, server->running.length))
		server->sql.is_cancelled = true;
}

static bool
is_blank(const char *text, size_t length)
{
	return strspn(text, " \t\r") >= length;
}

/* The line that has been read is complete; is_last: as the input's end says. */
static void
end_line(Server *server)
{
	Line line = {server->partial, server->partial_length, server->is_skipping};

	server->partial = NULL;
	server->partial_length = 0;
	server->is_skipping = false;
	if (line.text == NULL || (!line.is_too_long && is_blank(line.text, line.length)))
	{
		free(line.text);
		return;
	}
	take_back(server, &line);
	server->queue[server->queued++] = line;
}

/* Adds bytes without a line break. */
static void
add_bytes(Server *server, const char *bytes, size_t length)
{
	char *longer;

	/* What is beyond the bound is not kept, only that it was there. */
	if (server->partial_length + length > VC_MCP_MESSAGE_BYTES_MAX)
	{
		server->is_skipping = true;
		length = 0;
	}
	longer = realloc(server->partial, server->partial_length + length + 1);
	if (longer == NULL)
		abort();
	memcpy(longer + server->partial_length, bytes, length);
	server->partial = longer;
	server->partial_length += length;
	longer[server->partial_length] = '\0';
}

/* What has been read beyond the queue's bound waits here; at most READ_SIZE. */
static char chunk[READ_SIZE];
static size_t chunk_at;
static size_t chunk_length;

static void
split_chunk(Server *server)
{
	while (chunk_at < chunk_length && server->queued < QUEUE_MAX)
	{
		char *start = chunk + chunk_at;
		char *end = memchr(start, '\n', chunk_length - chunk_at);
		size_t length = end ? (size_t) (end - start) : chunk_length - chunk_at;

		add_bytes(server, start, length);
		chunk_at += length + (end ? 1 : 0);
		if (end)
			end_line(server);
	}
}

/* Reads once; blocks unless there is something. */
static void
read_input(Server *server)
{
	ssize_t count;

	split_chunk(server);
	if (chunk_at < chunk_length)
		return;
	count = read(STDIN_FILENO, chunk, sizeof(chunk));
	if (count < 0 && errno == EINTR)
		return;
	chunk_at = 0;
	chunk_length = count > 0 ? (size_t) count : 0;
	if (count > 0)
		split_chunk(server);
	else
	{
		server->is_ended = true;
		end_line(server);
	}
}

/* Waits for the input, the connection's socket (-1: none), or the end of it all. */
static void
wait_for(Server *server, int socket)
{
	bool can_read = !server->is_ended && server->queued < QUEUE_MAX;
	struct pollfd fds[] = {{.fd = can_read ? STDIN_FILENO : -1, .events = POLLIN},
						   {.fd = socket, .events = POLLIN},
						   {.fd = cmd_interrupt_fd(), .events = POLLIN},
						   {.fd = STDOUT_FILENO}};

	if (can_read && chunk_at < chunk_length)
	{
		split_chunk(server);
		return;
	}
	if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
		return;
	if (fds[3].revents & (POLLERR | POLLNVAL))
		server->is_broken = true;
	if (fds[0].revents)
		read_input(server);
}

static bool
is_over(const Server *server)
{
	return server->is_broken || cmd_interrupted();
}

/* While PostgreSQL works. */
static bool
wait_for_result(void *arg, PGconn *conn)
{
	Server *server = arg;

	wait_for(server, PQsocket(conn));
	return !is_over(server) && !server->sql.is_cancelled;
}

/* ------------------------------------------------------------------ output */

static void
write_message(void *arg, const char *text, size_t length)
{
	Server *server = arg;

	if (fwrite(text, 1, length, stdout) < length || putchar('\n') == EOF || fflush(stdout) != 0)
		server->is_broken = true;
}

static void
answer(Server *server)
{
	VcMcpRequest request = {.text = server->running.text,
							.length = server->running.length,
							.session = &server->session,
							.backend = &server->backend,
							.version = VELO_VERSION,
							.user = PQuser(server->conn),
							.state_key = server->key,
							.notify = write_message,
							.notify_arg = server};
	VcMcpReply reply;

	server->sql.is_cancelled = false;
	if (server->running.is_too_long)
		vc_mcp_refuse(413, -32600, "the message is too long", &reply);
	else
		vc_mcp_handle(&request, &reply);
	/* A cancelled request gets no answer. */
	if (reply.text && !server->sql.is_cancelled)
		write_message(server, reply.text, reply.length);
	free(reply.text);
	if (!vc_mcp_sql_clean(&server->sql) || PQstatus(server->conn) == CONNECTION_BAD)
		PQreset(server->conn);
}

static void
serve(Server *server)
{
	while (!is_over(server) && (server->queued > 0 || !server->is_ended))
	{
		if (server->queued == 0)
		{
			wait_for(server, -1);
			continue;
		}
		server->running = server->queue[0];
		server->queued--;
		memmove(server->queue, server->queue + 1, (size_t) server->queued * sizeof(Line));
		if (server->running.text)
			answer(server);
		free(server->running.text);
		server->running = (Line) {0};
	}
}

static int
run(const CmdLine *line)
{
	const char *timeout = cmd_value(line, "timeout");
	char *end = NULL;
	long seconds = timeout ? strtol(timeout, &end, 10) : TIMEOUT_SECONDS;
	Server server = {0};
	VcError error = {0};

	if ((end && *end) || seconds < 1 || seconds > TIMEOUT_SECONDS_MAX)
		return cmd_usage(line, "--timeout must be a number of seconds from 1 to %d",
						 TIMEOUT_SECONDS_MAX);
	if (getrandom(server.key, sizeof(server.key), 0) != sizeof(server.key))
		abort();
	/* By the environment and not by a statement, so that it outlives the session's cleaning. */
	setenv("PGCLIENTENCODING", "UTF8", 1);
	server.conn = cmd_connect(line, &error);
	if (server.conn == NULL)
		return cmd_fail(line, &error);
	server.sql = (VcMcpSql) {.conn = server.conn,
							 .timeout_ms = (int) seconds * 1000,
							 .wait = wait_for_result,
							 .wait_arg = &server};
	server.backend = vc_mcp_sql_backend(&server.sql);
	cmd_interrupt_catch();
	serve(&server);
	for (int i = 0; i < server.queued; i++)
		free(server.queue[i].text);
	free(server.partial);
	PQfinish(server.conn);
	return cmd_interrupted() ? cmd_interrupt_exit() : VC_EXIT_OK;
}

static const CmdOption options[] = {
	{"timeout", 't', "SECONDS", "longest time of one call, 330 if not given", NULL, false},
	{0},
};

static const Command mcp = {
	.name = "mcp",
	.summary = "serve AI agents by the Model Context Protocol on stdin and stdout",
	.help = "Speaks revisions 2026-07-28, 2025-11-25, 2025-06-18 and 2025-03-26, one JSON\n"
			"message a line.  Started by an agent, not by hand; in its configuration:\n"
			"\n"
			"  {\"mcpServers\": {\"velostream\": {\"command\": \"velo\", \"args\": [\"mcp\"]}}}\n"
			"\n"
			"Tools run as the PostgreSQL role that the connection logs in as, and show only\n"
			"what that role may use: give the agent a role of its own.\n",
	.options = options,
	.run = run,
};
CMD_COMMAND(mcp);
