/*
 * duration.h
 *	  Durations in tokens: 5m, INTERVAL '5' MINUTE, '5 minutes', 30.
 */
#pragma once

#include "lift/reader.h"

typedef struct LiftDuration
{
	bool valid;		  /* false: it has a duration's shape, but is none */
	long long micros; /* without months */
	int months;
	int end; /* the token behind it */
} LiftDuration;

/* Does a duration stand at "at"?  A string does only if strings_too. */
extern bool velo_lift_duration_at(LiftReader *reader, int at, bool strings_too,
								  LiftDuration *duration);

/* Is the token the name of a unit an INTERVAL may be written with? */
extern bool velo_lift_is_unit(const LiftReader *reader, int at);
