/*
 * server.h
 *	  The HTTP server: MHD with our limits, and the way of a request through it.
 */
#pragma once

#include <stdbool.h>

/* Listens; false: said why in the log. */
extern bool vg_server_start(void);

/* The address people can type: http://127.0.0.1:8499 */
extern const char *vg_server_url(void);

/* Takes no more connections; requests that are there go on, each as its connection's
 * last. */
extern void vg_server_drain(void);
extern bool vg_server_is_draining(void);

/* Requests that were received as a whole and are not answered yet. */
extern int vg_server_in_flight(void);

/* Ends all connections; no request may run. */
extern void vg_server_stop(void);
