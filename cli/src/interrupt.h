/*
 * interrupt.h
 *	  Ctrl-C, SIGTERM and SIGHUP.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * From now on the first of these signals only says so below, and a second one ends the
 * program at once.  May be called again.
 */
extern void cmd_interrupt_catch(void);

/* Has one come? */
extern bool cmd_interrupted(void);

/* Readable once one has come, for poll(). */
extern int cmd_interrupt_fd(void);

/*
 * Waits until one of the signals or timeout_ms (-1: for ever), or until fd has one of
 * events (POLLIN …; fd -1: none), or until nobody reads stdout any more.
 */
extern void cmd_interrupt_wait(int fd, short events, int timeout_ms);

/*
 * A line that a person types at a terminal, without its end.  False: a signal came, or the
 * end of input.
 */
extern bool cmd_interrupt_read(int fd, char *line, size_t size);

/* Has the reader of our output gone ("velo … | head")? */
extern bool cmd_reader_gone(void);

/*
 * The exit code of a program that a signal ended; for a reader that is gone it does not
 * return but ends as others do in a pipe, by SIGPIPE.
 */
extern int cmd_interrupt_exit(void);
