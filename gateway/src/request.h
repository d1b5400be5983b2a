/*
 * request.h
 *	  One HTTP request, as handlers see it.
 *
 * It is valid from the call of a handler to its return.  Everything it points to belongs
 * to it: a handler that goes on afterwards (a live query) copies what it needs and holds
 * the user (vg_user_hold).
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct VgUser VgUser;
typedef struct VgRequest VgRequest;

enum
{
	VG_REQUEST_ID_SIZE = 33, /* 32 hexadecimal digits and the end */
	VG_ADDRESS_SIZE = 46	 /* of IPv6 in text, as INET6_ADDRSTRLEN */
};

/* GET for a HEAD: the server leaves the body out. */
extern const char *vg_request_method(const VgRequest *request);

/* Decoded and checked: begins with a slash, has no empty, "." or ".." part.  Of
 * /api/v1/x this is /api/x. */
extern const char *vg_request_path(const VgRequest *request);

/* A header's value by its name in any case, NULL when it is not there.  Of a header that
 * comes more than once, the first. */
extern const char *vg_request_header(const VgRequest *request, const char *name);

/* True if a header that is a list ("a, b") has this word in any case. */
extern bool vg_request_header_has(const VgRequest *request, const char *name, const char *word);

/* Number of headers of this name. */
extern int vg_request_header_count(const VgRequest *request, const char *name);

/* {name} in the route's path, decoded; NULL when the route has none. */
extern const char *vg_request_path_parameter(const VgRequest *request, const char *name);

/* ?name=value, decoded; NULL when it is not there. */
extern const char *vg_request_query_parameter(const VgRequest *request, const char *name);

/* The body; never NULL, with a zero byte behind its length that is not counted. */
extern const char *vg_request_body(const VgRequest *request, size_t *size);

/* Who asks; NULL where the route's access is VG_ACCESS_ANYONE and nobody is logged in. */
extern VgUser *vg_request_user(const VgRequest *request);

/* Given by us, unique. */
extern const char *vg_request_id(const VgRequest *request);

/* The client's address in text, without the port. */
extern const char *vg_request_address(const VgRequest *request);

/*
 * Says which connection works for this request now, so that the SQL that runs there is
 * cancelled when the client goes away or the gateway must end.  NULL: none any more; must
 * be called before the connection goes back to its pool.  vg_call() does both.
 */
extern void vg_request_set_connection(VgRequest *request, PGconn *conn);

/* True once the client is gone. */
extern bool vg_request_is_abandoned(const VgRequest *request);
