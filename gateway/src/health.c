/*
 * health.c
 *	  GET /health: the process lives.  GET /ready: it can do its work.
 */
#include "gateway/src/catalog.h"
#include "gateway/src/route.h"
#include "gateway/src/server.h"

static void
handle_health(VgRequest *request, VgReply *reply)
{
	vg_reply_json(reply, json_pack("{s:s, s:s}", "status", "ok", "version", VELO_VERSION));
}

VG_ROUTE(health_route) = {.method = "GET",
						  .path = "/health",
						  .access = VG_ACCESS_ANYONE,
						  .is_quick = true,
						  .handle = handle_health};

static void
handle_ready(VgRequest *request, VgReply *reply)
{
	if (vg_catalog_is_ready())
		vg_reply_json(reply, json_pack("{s:s}", "status", "ready"));
	else
		vg_reply_refuse(reply, 503, "57P03", "the database does not answer",
						"The gateway tries again by itself.");
}

VG_ROUTE(ready_route) = {.method = "GET",
						 .path = "/ready",
						 .access = VG_ACCESS_ANYONE,
						 .is_quick = true,
						 .handle = handle_ready};
