/*
 * cmd_help.c
 *	  velo help.
 */
#include <stdio.h>

#include "help.h"

static int
run(const CmdLine *line)
{
	CmdLine all = *line;
	char words[200];

	if (cmd_argument(line, 0) == NULL)
	{
		all.command = NULL;
		all.arguments_count = 0;
		return cmd_help(&all, stdout);
	}
	snprintf(words, sizeof(words), "%s%s%s", cmd_argument(line, 0),
			 cmd_argument(line, 1) ? " " : "", cmd_argument(line, 1) ? cmd_argument(line, 1) : "");
	return cmd_help_about(line, words);
}

static const Command help = {
	.name = "help",
	.summary = "help about a command",
	.arguments = "[COMMAND]",
	.arguments_max = 2,
	.names = "commands",
	.help = "  velo help job status\n",
	.run = run,
};
CMD_COMMAND(help);
