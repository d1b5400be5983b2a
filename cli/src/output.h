/*
 * output.h
 *	  stdout, and whether what was written there has arrived.
 */
#pragma once

#include <stdbool.h>

/* Writes out what is buffered; remembers why it could not. */
extern void cmd_output_flush(void);

/* Could something not be written?  Then there is no use in going on. */
extern bool cmd_output_failed(void);

/*
 * The end of the program: the exit code, or another one when not all could be written, which
 * is then said.  A reader that has gone ends the program as in any pipe, by SIGPIPE.
 */
extern int cmd_output_close(int exit_code);
