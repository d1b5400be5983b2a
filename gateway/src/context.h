/*
 * context.h
 *	  velo.request: who asks, said so that SQL can believe it (see call.h).
 */
#pragma once

#include <stdbool.h>

/* Reads request_key_file, if it is set; false: said why in the log. */
extern bool vg_context_start(void);
extern void vg_context_stop(void);
