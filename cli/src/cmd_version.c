/*
 * cmd_version.c
 *	  velo version.
 */
#include <stdio.h>

#include "line.h"

static int
run(const CmdLine *line)
{
	int libpq = PQlibVersion();

	if (cmd_output(line) == CMD_OUTPUT_JSON)
		printf("{\"version\":\"%s\",\"libpq\":\"%d.%d\"}\n", VELO_VERSION, libpq / 10000,
			   libpq % 10000);
	else if (cmd_output(line) == CMD_OUTPUT_CSV)
		printf("version,libpq\n%s,%d.%d\n", VELO_VERSION, libpq / 10000, libpq % 10000);
	else
		printf("velo %s (libpq %d.%d)\n", VELO_VERSION, libpq / 10000, libpq % 10000);
	return VC_EXIT_OK;
}

static const Command version = {
	.name = "version",
	.summary = "version of this program",
	.help = "The version of the extension in a database is shown by \"velo doctor\".\n",
	.run = run,
};
CMD_COMMAND(version);
