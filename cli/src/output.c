/*
 * output.c
 *	  stdout, and whether what was written there has arrived.
 *
 * A full disk is an error, not a shorter answer.
 */
#include "output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/sqlstate.h"

static int reason; /* errno of the first failure */

void
cmd_output_flush(void)
{
	errno = 0;
	if (fflush(stdout) != 0 && reason == 0)
		reason = errno;
}

bool
cmd_output_failed(void)
{
	return ferror(stdout) != 0;
}

int
cmd_output_close(int exit_code)
{
	cmd_output_flush();
	if (!ferror(stdout) && reason == 0)
		return exit_code;
	if (reason == EPIPE)
	{
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	fprintf(stderr, "velo: could not write the output%s%s\n", reason ? ": " : "",
			reason ? strerror(reason) : "");
	return VC_EXIT_ERROR;
}
