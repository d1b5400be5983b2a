/*
 * status.h
 *	  The line at the bottom of the terminal while rows come.
 */
#pragma once

#include <stdbool.h>

typedef struct CmdStatus
{
	bool is_wanted; /* there is a terminal, and nobody said --quiet */
	bool is_shown;
	double started_at; /* seconds of a clock that never jumps, cmd_status_clock */
	double drawn_at;
	long long rows;

	/* for the rate */
	long long rows_before;
	double rows_before_at;
	double rate; /* rows a second; below 0: not known yet */

	/* what the query last told; below 0: nothing */
	long long records;
	long long lag_records;
	double watermark_at; /* seconds since 1970, 0: none */
} CmdStatus;

#define CMD_STATUS_INTERVAL_MS 250

extern double cmd_status_clock(void);

extern void cmd_status_start(CmdStatus *status, bool is_wanted);

/* The detail of a progress message (VE900): {"rows", "records", "lag_records", "watermark"}. */
extern void cmd_status_told(CmdStatus *status, const char *detail);

/* Draws it if it is time; cheap otherwise. */
extern void cmd_status_draw(CmdStatus *status);

/* Takes the line away; to be called before anything else is written. */
extern void cmd_status_erase(CmdStatus *status);

/* "(1,204 rows in 12 s, 98 rows/s)" on stderr; "(done in 0.02 s)" of what has no rows. */
extern void cmd_status_summary(const CmdStatus *status, bool has_rows);
