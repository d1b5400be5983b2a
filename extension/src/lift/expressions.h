/*
 * expressions.h
 *	  The dialect's spellings inside expressions and types, turned into
 *	  PostgreSQL's by edits.
 */
#pragma once

#include "lift/reader.h"

/* Edits everything in tokens [first, end); returns whether there was anything. */
extern bool velo_lift_expressions(LiftReader *reader, int first, int end);

/*
 * Edits the dialect's type names in the type at "at"; returns whether it did.
 * The type's end is found by the caller, or does not matter.
 */
extern bool velo_lift_type(LiftReader *reader, int at, int end);
