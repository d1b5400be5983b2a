/*
 * options.c
 *	  The table of settings.
 */
#include "gateway/src/options.h"

#include "gateway/src/log.h"

#include <stddef.h>

static const char *const auth_choices[] = {"open", "password", NULL};
static const char *const level_choices[] = {"debug", "info", "warning", "error", NULL};

enum
{
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	KB = 1024,
	MB = 1024 * KB
};

#define AT(field) offsetof(VgConfig, field)
#define TEXT(n, initial, group, text) {#n, VG_OPTION_TEXT, AT(n), initial, 0, 0, NULL, group, text}
#define NUMBER(n, initial, min, max, group, text)                                                  \
	{#n, VG_OPTION_NUMBER, AT(n), initial, min, max, NULL, group, text}
#define TIME(n, initial, min, max, group, text)                                                    \
	{#n, VG_OPTION_TIME, AT(n), initial, min, max, NULL, group, text}
#define SIZE(n, initial, min, max, group, text)                                                    \
	{#n, VG_OPTION_SIZE, AT(n), initial, min, max, NULL, group, text}
#define SWITCH(n, initial, group, text)                                                            \
	{#n, VG_OPTION_SWITCH, AT(n), initial, 0, 1, NULL, group, text}
#define CHOICE(n, initial, choices, group, text)                                                   \
	{#n, VG_OPTION_CHOICE, AT(n), initial, 0, 0, choices, group, text}

#define BASIC "Where and for whom"
#define LIMIT "Limits of HTTP"
#define DATABASE "Connections to PostgreSQL"
#define LOGIN "Logging in"

const VgOption vg_options[] = {
	TEXT(listen, "127.0.0.1", BASIC, "address to listen on: 127.0.0.1, ::1, 0.0.0.0, ::"),
	NUMBER(port, "8499", 0, 65535, BASIC, "TCP port; 0 takes any free one"),
	TEXT(
		database, "", BASIC,
		"connection string of PostgreSQL (dbname=… host=…, or a URI); the gateway reads its routes with it"),
	CHOICE(
		auth, "open", auth_choices, BASIC,
		"open: no log-in, everybody is the user of `database`, on a loopback address only; password: everybody logs in as a role of PostgreSQL"),
	{"static", VG_OPTION_TEXT, AT(static_folder), "", 0, 0, NULL, BASIC,
	 "folder of the web page; empty: none is served"},
	TEXT(
		hosts, "", BASIC,
		"names, separated by commas, by which the gateway may be asked for besides localhost and addresses"),
	TEXT(
		cors_origin, "", BASIC,
		"origins, separated by commas, whose pages may call the gateway, as https://app.example.org; empty: only its own"),
	TEXT(request_key_file, "", BASIC,
		 "file with the key that signs velo.request; empty: it is not set"),
	CHOICE(log_level, "info", level_choices, BASIC, "least important log lines to write"),
	SWITCH(log_requests, "on", BASIC, "a log line for each request"),

	NUMBER(io_threads, "2", 1, 64, LIMIT, "threads that read and write sockets"),
	NUMBER(workers, "16", 1, 512, LIMIT, "threads that run requests, so as many run at a time"),
	NUMBER(queue_max, "256", 1, 65536, LIMIT, "requests that may wait for a worker; more get 503"),
	NUMBER(connections_max, "1024", 4, 65536, LIMIT,
		   "open connections of clients; more wait to be accepted"),
	NUMBER(connections_per_address, "256", 1, 65536, LIMIT,
		   "of them from one address; more are closed"),
	SIZE(header_size_max, "16kB", 1 * KB, 1 * MB, LIMIT,
		 "request line and headers together; more gets 431"),
	SIZE(target_size_max, "4kB", 64, 64 * KB, LIMIT, "path and query string; more gets 414"),
	NUMBER(header_count_max, "64", 8, 1000, LIMIT, "headers of a request; more gets 431"),
	SIZE(body_size_max, "1MB", 1 * KB, 256 * MB, LIMIT, "body of a request; more gets 413"),
	SIZE(reply_size_max, "64MB", 64 * KB, 1024 * MB, LIMIT, "body of an answer; more is an error"),
	TIME(read_timeout, "15s", 100, HOUR, LIMIT,
		 "a request must have arrived as a whole within this time"),
	TIME(idle_timeout, "60s", SECOND, DAY, LIMIT,
		 "a connection without a request, or that takes no bytes, is closed after this time"),
	TIME(request_timeout, "30s", 10, DAY, LIMIT,
		 "statement_timeout of a request's SQL; more gets 504"),
	TIME(drain_timeout, "10s", 0, HOUR, LIMIT,
		 "what running requests may still take after SIGTERM; then they are cancelled"),

	NUMBER(database_connections, "64", 2, 10000, DATABASE,
		   "connections of all users together, live queries included"),
	NUMBER(pool_size, "8", 1, 1000, DATABASE, "connections of one user for requests"),
	TIME(pool_wait, "5s", 0, HOUR, DATABASE,
		 "what a request waits for a connection; more gets 503"),
	TIME(connect_timeout, "5s", 100, HOUR, DATABASE, "what logging in to PostgreSQL may take"),
	TIME(connection_idle_timeout, "60s", SECOND, DAY, DATABASE,
		 "an unused connection is closed after this time"),
	TIME(
		connection_max_age, "5min", SECOND, DAY, DATABASE,
		"a connection is replaced after this time; so long a role that was dropped or locked may still work"),
	NUMBER(live_per_user, "8", 1, 1000, DATABASE, "live queries of one user"),
	SIZE(live_queue_size, "256kB", 64 * KB, 64 * MB, DATABASE,
		 "what may wait for the socket of one live query before reading from PostgreSQL stops"),
	NUMBER(live_sockets_max, "1000", 1, 60000, DATABASE,
		   "WebSockets for live queries of all users together; connections_max counts them too"),
	NUMBER(live_sockets_per_user, "64", 1, 60000, DATABASE,
		   "WebSockets for live queries of one user, with or without a query"),
	SIZE(live_message_size, "256kB", 1 * KB, 16 * MB, DATABASE,
		 "longest message that a client of a live query may send, so longest text of a query"),
	TIME(live_idle_timeout, "10min", SECOND, DAY, DATABASE,
		 "a WebSocket without a query is closed after this"),
	TIME(live_ping_interval, "20s", 100, HOUR, DATABASE,
		 "a WebSocket from which nothing came for so long is sent a ping"),
	TIME(
		live_peer_timeout, "90s", 200, DAY, DATABASE,
		"a client that for so long neither answered a ping nor took what waits for it is given up, and its query ended"),

	NUMBER(users_max, "256", 1, 65536, LOGIN, "users known at a time"),
	NUMBER(sessions_max, "1024", 1, 1000000, LOGIN, "sessions of all users together"),
	NUMBER(sessions_per_user, "32", 1, 10000, LOGIN,
		   "sessions of one user; one more ends the oldest"),
	TIME(session_idle_timeout, "1h", SECOND, 7 * DAY, LOGIN,
		 "a session without a request ends after this time"),
	TIME(session_max_age, "12h", SECOND, 7 * DAY, LOGIN, "a session ends after this time"),
	SWITCH(secure_cookies, "off", LOGIN,
		   "the session's cookie is sent by HTTPS only; on behind a proxy with TLS"),
	NUMBER(login_failures_max, "5", 1, 1000, LOGIN,
		   "failed log-ins of an address before it must wait"),
	TIME(login_delay_max, "60s", SECOND, HOUR, LOGIN,
		 "the longest such wait: it doubles from one second with each failure"),
	NUMBER(addresses_max, "4096", 16, 1000000, LOGIN,
		   "addresses with failed log-ins that are remembered"),
};
const int vg_option_count = sizeof(vg_options) / sizeof(vg_options[0]);
