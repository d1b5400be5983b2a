/*
 * window.h
 *	  WINDOW TUMBLING ( … ) and TUMBLE( … ) in GROUP BY.
 */
#pragma once

#include "lift/reader.h"

/* Does WINDOW kind ( … stand at "at", or something that was meant as one? */
extern bool velo_lift_is_window(const LiftReader *reader, int at);

/* Reads it; *at goes behind it.  NULL after an error. */
extern LiftWindow *velo_lift_window(LiftReader *reader, int *at);

/* Does TUMBLE( … ), HOP( … ) or SESSION( … ) stand at "at"? */
extern bool velo_lift_is_group_window(const LiftReader *reader, int at);
extern LiftWindow *velo_lift_group_window(LiftReader *reader, int at);
