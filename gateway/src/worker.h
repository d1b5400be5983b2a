/*
 * worker.h
 *	  The threads that run requests, and the bounded queue before them.
 */
#pragma once

#include "gateway/src/request.h"

#include <stdbool.h>

extern bool vg_workers_start(void);
/* Waits for running requests. */
extern void vg_workers_stop(void);

/* False when queue_max requests wait already. */
extern bool vg_worker_give(VgRequest *request);
