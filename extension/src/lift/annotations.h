/*
 * annotations.h
 *	  Comments that say something: "-- @key: value".
 */
#pragma once

#include "lift/reader.h"

/*
 * Takes the comments that start before byte "before" as a statement's; those that
 * belong to the application go to the script's header.  statement: NULL behind
 * the last one.  Returns false if one of the statement's is in error.
 */
extern bool velo_lift_annotations(LiftReader *reader, LiftStatement *statement, int before);

/* Leaves out the comments that start before byte "before". */
extern void velo_lift_annotations_skip(LiftReader *reader, int before);
