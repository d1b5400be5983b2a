/*
 * text.h
 *	  Text on a terminal: how wide it is, reading all of a file, numbers for people.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Longest text that is run or checked; a script of that size was made by mistake. */
#define CMD_TEXT_BYTES_MAX (16 * 1024 * 1024)

/*
 * The character of UTF-8 at text: its bytes, and in *columns how many columns of a
 * terminal it takes.  Control characters and bytes that are none are one column wide: they
 * are shown as "?".
 */
extern int cmd_text_character(const char *text, int *columns);

/* Printable ASCII and nothing else: most of what there is. */
extern bool cmd_text_is_plain(const char *text, size_t length);

/* Columns of a terminal that length bytes take. */
extern int cmd_text_columns(const char *text, size_t length);

/*
 * All of a file, "-" is stdin; the caller frees it.  NULL: error is set, with a file that
 * is not there as VC_EXIT_NOT_FOUND would have it.
 */
extern char *cmd_text_read(const char *path, VcError *error);

/* 1234567 as "1,234,567"; of a ring of four buffers. */
extern const char *cmd_text_number(double number);

/* "10s", "500ms", "2m", "1h", "10" (seconds) in milliseconds; -1: it is none. */
extern long cmd_text_duration_ms(const char *text);
