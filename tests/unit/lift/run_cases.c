/*
 * run_cases.c
 *	  Lifts every cases/NAME.sql and compares the dump with cases/NAME.out.
 *
 *	  run_cases FILE.sql …			compare
 *	  run_cases --accept FILE.sql …	write the expected files anew; read the diff!
 *
 * A new case is two new files.  Each text is lifted a second time cut off after
 * every byte, which finds nearly every read behind the end.
 */
#include "dump.h"

#include <stdlib.h>
#include <string.h>

static char *
read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	char *bytes;
	long size;

	*length = 0;
	if (file == NULL)
		return NULL;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	bytes = malloc((size_t) size + 1);
	*length = fread(bytes, 1, (size_t) size, file);
	bytes[*length] = '\0';
	fclose(file);
	return bytes;
}

static char *
lift_to_text(const char *text, size_t length, const char **wrong)
{
	Arena *arena = arena_create();
	LiftAllocator allocator = arena_allocator(arena);
	LiftScript *script = velo_lift_script(text, length, &allocator, test_lookup, NULL);
	char *dump = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&dump, &size);

	dump_script(out, text, script);
	fclose(out);
	*wrong = check_script(text, length, script);
	arena_destroy(arena);
	return dump;
}

/* Shows the first line in which two texts differ. */
static void
show_difference(const char *expected, const char *actual)
{
	int line = 1;

	while (*expected != '\0' && *expected == *actual)
	{
		line += *expected == '\n';
		expected++;
		actual++;
	}
	while (expected[-1] != '\n' && line > 1)
		expected--, actual--;
	printf("    line %d\n    expected: %.*s\n    actual:   %.*s\n", line,
		   (int) strcspn(expected, "\n"), expected, (int) strcspn(actual, "\n"), actual);
}

static bool
run_case(const char *path, bool accepts)
{
	size_t length;
	size_t expected_length;
	char *text = read_file(path, &length);
	char *out_path = strdup(path);
	char *expected;
	char *actual;
	const char *wrong;
	bool good;

	if (text == NULL || length < 4)
	{
		printf("not ok  %s: cannot be read\n", path);
		return false;
	}
	strcpy(out_path + strlen(out_path) - 3, "out");
	actual = lift_to_text(text, length, &wrong);
	if (accepts)
	{
		FILE *out = fopen(out_path, "wb");

		fputs(actual, out);
		fclose(out);
	}
	expected = read_file(out_path, &expected_length);
	good = wrong == NULL && expected != NULL && strcmp(expected, actual) == 0;
	printf("%s  %s%s%s\n", good ? "ok    " : "not ok", path, wrong == NULL ? "" : ": ",
		   wrong == NULL ? "" : wrong);
	if (!good && expected != NULL && wrong == NULL)
		show_difference(expected, actual);

	for (size_t cut = 0; cut < length && good; cut++)
	{
		char *part = malloc(cut == 0 ? 1 : cut); /* no byte behind it */

		memcpy(part, text, cut);
		free(lift_to_text(part, cut, &wrong));
		free(part);
		if (wrong != NULL)
		{
			printf("not ok  %s, first %zu bytes: %s\n", path, cut, wrong);
			good = false;
		}
	}
	free(text);
	free(out_path);
	free(expected);
	free(actual);
	return good;
}

int
main(int argc, char **argv)
{
	bool accepts = argc > 1 && strcmp(argv[1], "--accept") == 0;
	int failed = 0;

	for (int i = accepts ? 2 : 1; i < argc; i++)
		failed += !run_case(argv[i], accepts);
	printf("%d of %d cases failed\n", failed, argc - (accepts ? 2 : 1));
	return failed == 0 ? 0 : 1;
}
