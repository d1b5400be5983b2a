/*
 * ws_handshake.h
 *	  The request that turns HTTP into a WebSocket (RFC 6455, 4.2).
 */
#pragma once

#include "gateway/src/reply.h"
#include "gateway/src/request.h"

#include <stdbool.h>

/*
 * Checks the request and adds the headers of the answer to a reply that becomes an
 * upgrade.  False: the request is none of a WebSocket, and the reply says so (400, or 426
 * with what we would understand).  Origin has been checked by the server.
 */
extern bool vg_ws_handshake(const VgRequest *request, VgReply *reply);
