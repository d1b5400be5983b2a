/*
 * lift_fuzz.c
 *	  Does lifting keep its promises on any bytes whatever?
 *
 * Besides what the sanitizers see, the invariants of tests/unit/lift/check.c are
 * asserted.  The text is copied to a block of exactly its size, so that a read
 * behind its end is seen, and each result is dumped, so that every pointer in it
 * is followed.
 */
#include "dump.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *nowhere;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena *arena = arena_create();
	LiftAllocator allocator = arena_allocator(arena);
	char *text = malloc(size == 0 ? 1 : size);
	LiftScript *script;
	const char *wrong;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	if (size > 0)
		memcpy(text, data, size);
	script = velo_lift_script(text, size, &allocator, test_lookup, NULL);
	wrong = check_script(text, size, script);
	if (wrong != NULL)
	{
		fprintf(stderr, "invariant broken: %s\n", wrong);
		abort();
	}
	dump_script(nowhere, text, script);
	free(text);
	arena_destroy(arena);
	return 0;
}
