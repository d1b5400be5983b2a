/*
 * config.h
 *	  What can be set, by the command line, the environment or a file.
 *
 * One typed table (options.c) has name, type, range, default and description of each;
 * flags, VELO_GATEWAY_* and the lines of the file are all read by it, and --help and the
 * documentation are written from it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum VgAuth
{
	VG_AUTH_OPEN,	 /* everybody is the user of `database`; on loopback only */
	VG_AUTH_PASSWORD /* everybody logs in as a role of PostgreSQL */
} VgAuth;

/* Times are milliseconds, sizes bytes; lists are words separated by commas. */
typedef struct VgConfig
{
	const char *config_file;
	char *listen; /* an address */
	int port;	  /* 0: any free one */
	char *database;
	int auth; /* VgAuth */
	char *hosts;
	char *cors_origin;
	char *static_folder; /* "" : none */
	char *request_key_file;
	bool secure_cookies;
	int log_level; /* VgLevel */
	bool log_requests;

	int io_threads;
	int workers;
	int queue_max;
	int connections_max;
	int connections_per_address;
	int header_size_max;
	int target_size_max;
	int header_count_max;
	int body_size_max;
	int reply_size_max;
	int read_timeout;
	int idle_timeout;
	int request_timeout;
	int drain_timeout;

	int database_connections;
	int pool_size;
	int pool_wait;
	int connect_timeout;
	int connection_idle_timeout;
	int connection_max_age;
	int live_per_user;
	int live_queue_size; /* bytes that may wait for one socket */
	int live_sockets_max;
	int live_sockets_per_user;
	int live_message_size; /* of what a client sends */
	int live_idle_timeout;
	int live_ping_interval;
	int live_peer_timeout;

	int users_max;
	int sessions_max;
	int sessions_per_user;
	int session_idle_timeout;
	int session_max_age;
	int login_failures_max; /* of an address, before it must wait */
	int login_delay_max;
	int addresses_max;
} VgConfig;

/* Not changed after the start. */
extern const VgConfig *const vg_config;

/* What stands in a comma-separated setting?  Compares without case. */
extern bool vg_config_list_has(const char *list, const char *word);
