/*
 * style.h
 *	  Colours, where they are wanted.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

typedef enum CmdStyle
{
	CMD_STYLE_END,
	CMD_STYLE_ERROR,
	CMD_STYLE_WARNING,
	CMD_STYLE_GOOD,
	CMD_STYLE_HEAD,
	CMD_STYLE_DIM
} CmdStyle;

/* No colours from now on (--no-color). */
extern void cmd_style_off(void);

/*
 * What turns a style on in a file; "" unless the file is a terminal that has colours and
 * nobody objects (NO_COLOR, TERM=dumb, --no-color).
 */
extern const char *cmd_style(FILE *file, CmdStyle style);
