/*
 * help.h
 *	  Help, made from the commands' descriptions.
 */
#pragma once

#include <stdio.h>

#include "line.h"

/* About the line's command, its noun, or everything.  Returns VC_EXIT_OK. */
extern int cmd_help(const CmdLine *line, FILE *file);

/* About the command or noun in words ("job", "job list"); VC_EXIT_USAGE if there is none. */
extern int cmd_help_about(const CmdLine *line, const char *words);
