/*
 * route.h
 *	  Routes of C, that register themselves.
 *
 * Routes of SQL are rows of velo.route and need nothing here.
 */
#pragma once

#include "gateway/src/registry.h"
#include "gateway/src/reply.h"
#include "gateway/src/request.h"

#include <stdbool.h>

typedef enum VgAccess
{
	VG_ACCESS_USER,	 /* who is not logged in gets 401 before the handler */
	VG_ACCESS_ANYONE /* the handler may look at vg_request_user() */
} VgAccess;

typedef struct VgRoute
{
	const char *method; /* GET (HEAD too), POST, PUT, PATCH, DELETE */
	const char *path;	/* "/api/x/{name}"; of /api/… also /api/v1/… */
	VgAccess access;
	/* Never blocks, so that it runs on a thread of the server and answers also while all
	 * workers are busy.  Otherwise a worker runs it, and blocking libpq is fine. */
	bool is_quick;
	/* The body need not be JSON: the handler looks at Content-Type itself. */
	bool takes_any_body;
	void (*handle)(VgRequest *request, VgReply *reply);
} VgRoute;

VG_REGISTRY(routes, const VgRoute);

/* VG_ROUTE(live_route) = {.method = "GET", .path = "/api/live", .handle = live}; */
#define VG_ROUTE(variable)                                                                         \
	static const VgRoute variable;                                                                 \
	VG_REGISTER(routes, const VgRoute, variable);                                                  \
	static const VgRoute variable

/*
 * Steps of the gateway's life that a part takes part in.  start is called once before the
 * gateway listens; false ends it (the part has logged why).  drain is called when it must
 * end: it asks long work (live queries) to finish and does not block.  stop is called when
 * no request runs any more and waits for the part's threads.  Each may be NULL.
 */
typedef struct VgPart
{
	const char *name;
	bool (*start)(void);
	void (*drain)(void);
	void (*stop)(void);
} VgPart;

VG_REGISTRY(parts, const VgPart);

/* VG_PART(live_part) = {.name = "live", .start = …}; */
#define VG_PART(variable)                                                                          \
	static const VgPart variable;                                                                  \
	VG_REGISTER(parts, const VgPart, variable);                                                    \
	static const VgPart variable
