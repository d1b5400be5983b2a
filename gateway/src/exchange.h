/*
 * exchange.h
 *	  A request and its answer from the inside: for the gateway's own core only.
 *
 * One is made when MHD has read a request line, and freed when MHD says that the request
 * is completed.  Between, it belongs to one thread at a time: the connection's thread
 * of the server, a worker, the server again.  Only what stands under `lock` is shared,
 * with the watcher (watch.h) that cancels its SQL.
 */
#pragma once

#include "gateway/src/memory.h"
#include "gateway/src/reply.h"
#include "gateway/src/request.h"
#include "gateway/src/route.h"
#include "gateway/src/sql_route.h"

#include <libpq-fe.h>
#include <microhttpd.h>
#include <pthread.h>

enum
{
	VG_PARTS_MAX = 16,		/* of a path */
	VG_PARAMETERS_MAX = 64, /* of a query string */
	VG_PATH_PARAMETERS_MAX = 4,
	VG_HEADERS_MAX = 16 /* that a handler adds to its reply */
};

typedef struct VgPair
{
	char *name;
	char *value;
} VgPair;

struct VgReply
{
	int status;
	VgPair headers[VG_HEADERS_MAX];
	int header_count;
	char *content_type;
	char *bytes;
	size_t size;
	/* a file instead of bytes; -1: none */
	int file;
	uint64_t file_size;
	bool is_compressed; /* it says Content-Encoding itself, or must not be compressed */
	bool must_close;
	VgUpgrade upgrade;
	void *upgrade_arg;
	void (*upgrade_drop)(void *arg);
	const VgRequest *request;
};

/* What serves a request. */
typedef struct VgMatch
{
	const VgRoute *route;	   /* of C, or */
	const VgSqlRoute *sql;	   /* of SQL; lives as long as table */
	const VgRouteTable *table; /* held for the request */
	VgPair parameters[VG_PATH_PARAMETERS_MAX];
	int parameter_count;
	char allow[64]; /* methods of this path, for 405; "" when there is none */
} VgMatch;

typedef enum VgStage
{
	VG_STAGE_LINE,	  /* the request line is known */
	VG_STAGE_BODY,	  /* headers are checked, the body comes */
	VG_STAGE_RUNNING, /* with a worker */
	VG_STAGE_READY,	  /* the response is made */
	VG_STAGE_SENT
} VgStage;

struct VgRequest
{
	struct MHD_Connection *mhd;
	VgStage stage;
	char id[VG_REQUEST_ID_SIZE];
	char address[VG_ADDRESS_SIZE];
	char method[16];
	bool is_head;
	int64_t started_us;
	int slot; /* of the watcher */

	char *target; /* as it came */
	char *path;
	char *parts[VG_PARTS_MAX]; /* decoded */
	int part_count;
	bool is_under_api;
	VgPair parameters[VG_PARAMETERS_MAX];
	int parameter_count;

	VgMatch match;
	VgText body;
	size_t body_excess; /* bytes beyond body_size_max, thrown away */
	VgUser *user;
	VgReply reply;
	struct MHD_Response *response;
	int status;					/* of response */
	size_t reply_size;			/* for the log */
	bool is_counted;			/* in vg_server_in_flight() */
	const char *allowed_origin; /* of CORS; NULL: no headers of CORS */
	VgRequest *next;			/* in the workers' queue */

	pthread_mutex_t lock;
	PGcancel *cancel;
	bool is_abandoned;
};

/* Takes the target apart; false: it is refused, reply filled. */
extern bool vg_target_parse(VgRequest *request);

/* Checks headers, Host and Origin before anything is routed; false: refused, reply filled. */
extern bool vg_guard_check(VgRequest *request, const char *version);

/* Fills request->match; false: 404 or 405, reply filled. */
extern bool vg_routes_match(VgRequest *request);

/* Authenticates and calls the handler; blocks. */
extern void vg_exchange_run(VgRequest *request);

/* Makes request->response of request->reply. */
extern void vg_reply_finish(VgRequest *request);
extern void vg_reply_clear(VgReply *reply);

/* Says who asks (request->user); false: refused, reply filled.  May block. */
extern bool vg_authenticate(VgRequest *request);

/* A file of the static folder, or 404. */
extern void vg_static_serve(VgRequest *request, VgReply *reply);

extern void vg_exchange_free(VgRequest *request);

/* A worker is done with it: its connection goes on.  It is not touched afterwards. */
extern void vg_server_answer(VgRequest *request);
/* Its connection is a WebSocket now. */
extern void vg_server_upgraded(VgRequest *request);
