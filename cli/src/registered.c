/*
 * registered.c
 *	  Walks the linker section of commands.
 *
 * Its order is that of linking and means nothing, so it is sorted once.
 */
#include "registered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 100

extern const Command *const __start_velo_command[];
extern const Command *const __stop_velo_command[];

static const Command *commands[COMMANDS_MAX];
static int commands_count;

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const Command *const *) a)->name, (*(const Command *const *) b)->name);
}

void
cmd_registered_sort(void)
{
	for (const Command *const *at = __start_velo_command; at < __stop_velo_command; at++)
	{
		if (commands_count == COMMANDS_MAX)
			abort();
		commands[commands_count++] = *at;
	}
	qsort(commands, commands_count, sizeof(commands[0]), by_name);
	for (int i = 1; i < commands_count; i++)
		if (strcmp(commands[i - 1]->name, commands[i]->name) == 0)
		{
			fprintf(stderr, "velo: command \"%s\" is registered twice\n", commands[i]->name);
			abort();
		}
}

const Command *
cmd_registered(int number)
{
	return number < commands_count ? commands[number] : NULL;
}

const Command *
cmd_registered_find(const char *name)
{
	for (int i = 0; i < commands_count; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

bool
cmd_registered_is_noun(const char *word)
{
	size_t length = strlen(word);

	for (int i = 0; i < commands_count; i++)
		if (strncmp(commands[i]->name, word, length) == 0 && commands[i]->name[length] == ' ')
			return true;
	return false;
}
