/*
 * lift_dump.c
 *	  Shows what lifting makes of a text: lift_dump [FILE], or standard input.
 */
#include "dump.h"

#include <stdlib.h>

int
main(int argc, char **argv)
{
	FILE *in = argc > 1 ? fopen(argv[1], "rb") : stdin;
	char *text = NULL;
	size_t length = 0;
	size_t capacity = 0;
	size_t got;
	Arena *arena = arena_create();
	LiftAllocator allocator = arena_allocator(arena);
	LiftScript *script;
	const char *wrong;

	if (in == NULL)
	{
		perror(argv[1]);
		return 2;
	}
	do
	{
		if (capacity - length < 4096)
			text = realloc(text, capacity = capacity * 2 + 8192);
		got = fread(text + length, 1, capacity - length - 1, in);
		length += got;
	} while (got > 0);

	script = velo_lift_script(text, length, &allocator, test_lookup, NULL);
	dump_script(stdout, text, script);
	if ((wrong = check_script(text, length, script)) != NULL)
		fprintf(stderr, "invariant broken: %s\n", wrong);
	arena_destroy(arena);
	free(text);
	return wrong == NULL ? 0 : 1;
}
