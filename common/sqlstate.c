/*
 * sqlstate.c
 *	  The table of what SQLSTATEs mean, and looking one up.
 *
 * Codes of their own come before their class.  What the caller can mend is 4xx; what
 * only time or the operator can, 5xx.  A wrong query is 400 and not 422: its error is
 * found by parsing what was sent.
 */
#include "common/sqlstate.h"

#include <stddef.h>
#include <string.h>

enum
{
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603
};

static const VcMeaning meanings[] = {
	/* connection and its loss */
	{"08", 503, RPC_INTERNAL_ERROR, VC_EXIT_UNAVAILABLE},
	/* feature not supported */
	{"0A", 400, RPC_INVALID_PARAMS, VC_EXIT_INVALID},
	{"21", 400, RPC_INVALID_PARAMS, VC_EXIT_INVALID},
	{"22", 400, RPC_INVALID_PARAMS, VC_EXIT_INVALID},
	{"23503", 409, RPC_INVALID_PARAMS, VC_EXIT_CONFLICT},
	{"23505", 409, RPC_INVALID_PARAMS, VC_EXIT_CONFLICT},
	{"23", 400, RPC_INVALID_PARAMS, VC_EXIT_INVALID},
	{"25006", 403, RPC_INVALID_PARAMS, VC_EXIT_DENIED}, /* a write at a door for reading */
	{"25", 409, RPC_INTERNAL_ERROR, VC_EXIT_CONFLICT},
	{"28", 401, RPC_INVALID_PARAMS, VC_EXIT_DENIED},
	{"2BP01", 409, RPC_INVALID_PARAMS, VC_EXIT_CONFLICT}, /* others depend on it */
	{"3D000", 404, RPC_INVALID_PARAMS, VC_EXIT_NOT_FOUND},
	{"3F000", 404, RPC_INVALID_PARAMS, VC_EXIT_NOT_FOUND},
	{"40", 503, RPC_INTERNAL_ERROR, VC_EXIT_UNAVAILABLE}, /* try again */
	{"42501", 403, RPC_INVALID_PARAMS, VC_EXIT_DENIED},
	{"42704", 404, RPC_INVALID_PARAMS, VC_EXIT_NOT_FOUND},
	{"42P01", 404, RPC_INVALID_PARAMS, VC_EXIT_NOT_FOUND},
	{"42710", 409, RPC_INVALID_PARAMS, VC_EXIT_CONFLICT},
	{"42P07", 409, RPC_INVALID_PARAMS, VC_EXIT_CONFLICT},
	{"42", 400, RPC_INVALID_PARAMS, VC_EXIT_INVALID},
	{"53400", 429, RPC_INTERNAL_ERROR, VC_EXIT_UNAVAILABLE}, /* a limit of ours */
	{"53", 503, RPC_INTERNAL_ERROR, VC_EXIT_UNAVAILABLE},
	{"54", 413, RPC_INVALID_PARAMS, VC_EXIT_INVALID},
	{"55006", 409, RPC_INVALID_PARAMS, VC_EXIT_CONFLICT},
	{"55P03", 503, RPC_INTERNAL_ERROR, VC_EXIT_UNAVAILABLE},
	{"55", 409, RPC_INVALID_PARAMS, VC_EXIT_CONFLICT},
	{"57014", 504, RPC_INTERNAL_ERROR, VC_EXIT_TIMEOUT}, /* cancelled, by a time-out of ours */
	{"57", 503, RPC_INTERNAL_ERROR, VC_EXIT_UNAVAILABLE},
	{"P0", 400, RPC_INVALID_PARAMS, VC_EXIT_INVALID}, /* RAISE in somebody's function */
	/* facts of streams: docs/errors.md */
	{"VE", 409, RPC_INTERNAL_ERROR, VC_EXIT_CONFLICT},
};

static const VcMeaning internal_error = {"XX000", 500, RPC_INTERNAL_ERROR, VC_EXIT_ERROR};

const VcMeaning *
vc_sqlstate_meaning(const char *sqlstate)
{
	if (sqlstate == NULL)
		return &internal_error;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strncmp(meanings[i].sqlstate, sqlstate, strlen(meanings[i].sqlstate)) == 0)
			return &meanings[i];
	return &internal_error;
}
