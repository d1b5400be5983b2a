/*
 * registered.h
 *	  The commands there are, in the order of their names.
 */
#pragma once

#include "command.h"

/*
 * Puts the section of commands into order; to be called first.  A name that is there
 * twice is a mistake of the build and ends the program.
 */
extern void cmd_registered_sort(void);

/* A command by its place, from 0; NULL beyond the last. */
extern const Command *cmd_registered(int number);

/* The command of that very name, or NULL. */
extern const Command *cmd_registered_find(const char *name);

/* Is the word the noun of commands ("job" of "job list")? */
extern bool cmd_registered_is_noun(const char *word);
