/*
 * main.c
 *	  velo: Velostream on the command line.
 *
 * Finds the command in the command line and lets it work.  What commands there are is
 * in the files cmd_<noun>.c, which register themselves; what they may do is in SQL: a
 * rule found here is a rule missing there.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "help.h"
#include "line.h"
#include "output.h"
#include "registered.h"
#include "style.h"

int
main(int argc, char **argv)
{
	static CmdLine line;
	VcExit exit_code;

	/* Texts are UTF-8 here whatever the terminal's locale is called. */
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	cmd_registered_sort();
	exit_code = cmd_line_parse(&line, argc, argv);
	if (cmd_has(&line, "no-color"))
		cmd_style_off();
	if (exit_code != VC_EXIT_OK)
		return exit_code;
	if (cmd_has(&line, "help"))
		return cmd_output_close(cmd_help(&line, stdout));
	if (cmd_has(&line, "version"))
		line.command = cmd_registered_find("version");
	if (line.command == NULL)
	{
		cmd_help(&line, stderr);
		return VC_EXIT_USAGE;
	}
	return cmd_output_close(line.command->run(&line));
}
