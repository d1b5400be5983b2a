/*
 * style.c
 *	  Colours: the sixteen that every terminal's theme makes readable.
 */
#include "style.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_off;

void
cmd_style_off(void)
{
	is_off = true;
}

static bool
has_colours(FILE *file)
{
	const char *term = getenv("TERM");
	const char *objection = getenv("NO_COLOR"); /* no-color.org: set and not empty */

	return !is_off && !(objection && *objection) && term && strcmp(term, "dumb") != 0 &&
		   isatty(fileno(file));
}

const char *
cmd_style(FILE *file, CmdStyle style)
{
	static const char *const codes[] = {
		[CMD_STYLE_END] = "\033[0m",	  [CMD_STYLE_ERROR] = "\033[1;31m",
		[CMD_STYLE_WARNING] = "\033[33m", [CMD_STYLE_GOOD] = "\033[32m",
		[CMD_STYLE_HEAD] = "\033[1m",	  [CMD_STYLE_DIM] = "\033[2m",
	};

	return has_colours(file) ? codes[style] : "";
}
