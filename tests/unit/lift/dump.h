/*
 * dump.h
 *	  A lifted script as text, and checks that hold for every script.
 */
#pragma once

#include <stdio.h>

#include "lift/lift.h"

extern void dump_script(FILE *out, const char *text, const LiftScript *script);

/* Returns what is wrong with a script whatever its text, or NULL. */
extern const char *check_script(const char *text, size_t length, const LiftScript *script);

/* Memory that is given back all at once. */
typedef struct Arena Arena;
extern Arena *arena_create(void);
extern void arena_destroy(Arena *arena);
extern LiftAllocator arena_allocator(Arena *arena);

/* The variables test texts may use. */
extern const char *test_lookup(void *context, const char *name);
