/*
 * report.h
 *	  Places in a text, shown.  Errors as such: cmd_fail in command.h.
 */
#pragma once

#include <stdio.h>

#include "style.h"

/*
 * Shows a line of a text and marks length characters from column on.  Line and column are
 * from 1.
 */
extern void cmd_report_place(FILE *file, const char *text, int line, int column, int length,
							 CmdStyle style);
