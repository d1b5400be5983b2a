/*
 * catalog.h
 *	  The gateway's own connection: reads the routes, and hears when they change.
 */
#pragma once

#include <stdbool.h>

extern bool vg_catalog_start(void);
extern void vg_catalog_stop(void);

/* Reads the routes again soon. */
extern void vg_catalog_reload(void);

/* The database answers and the routes are known. */
extern bool vg_catalog_is_ready(void);

/* Once, for --check; says on stderr what is wrong. */
extern bool vg_catalog_check(void);
