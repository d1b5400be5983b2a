/*
 * module.h
 *	  What happens when the library is loaded, and shared memory.
 *
 * A file that installs hooks registers a VeloStart; one that needs shared memory
 * registers a VeloShared.  Both need the library in shared_preload_libraries;
 * without it sessions can still load the library, and every function that needs
 * workers or shared memory calls velo_base_require_preload() first.
 */
#pragma once

#include "base/registry.h"

typedef struct VeloStart
{
	const char *name;
	void (*start)(bool preloaded); /* from _PG_init */
} VeloStart;

#define VELO_START(instance) VELO_REGISTER(start, VeloStart, instance)

typedef struct VeloShared
{
	const char *name;
	Size (*size)(void);
	void (*attach)(void *memory, bool is_new); /* in every process */
} VeloShared;

#define VELO_SHARED(instance) VELO_REGISTER(shared, VeloShared, instance)

/* Raises 55000 with a hint if the library was not preloaded. */
extern void velo_base_require_preload(void);
extern bool velo_base_is_preloaded(void);
