/*
 * live_connection.h
 *	  The blocking part of a live query: connecting, and asking for names of types.
 *	  For helpers' threads.
 */
#pragma once

#include "common/error.h"
#include "gateway/src/request.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>

/* Who asks, kept after the request is gone. */
typedef struct VgLiveCaller
{
	VgUser *user;
	char id[VG_REQUEST_ID_SIZE]; /* of the request that opened the socket */
	char address[VG_ADDRESS_SIZE];
} VgLiveCaller;

/*
 * A connection of the user's own in non-blocking mode, with the settings of a live query.
 * params: a JSON object of variables (velo.var.*), or NULL.  NULL: error says why.  End it
 * with vg_pool_close().
 */
extern PGconn *vg_live_connect(const VgLiveCaller *caller, const json_t *params, VcError *error);

/*
 * Names of types as format_type() writes them, for count columns: names[i] is for free().
 * Asked on another connection of the user's, since theirs is busy with the query.  False:
 * error says why and names are NULL.
 */
extern bool vg_live_type_names(VgUser *user, int count, const Oid *types, const int *modifiers,
							   char **names, VcError *error);
