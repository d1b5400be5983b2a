/*
 * properties.h
 *	  WITH ( key = value, … ), SET ( … ), and variables in their values.
 */
#pragma once

#include "lift/reader.h"

/*
 * Reads the list in the parentheses opened at "at" and appends it to a
 * statement's properties.  source: see LiftProperty.  Goes on after errors.
 */
extern void velo_lift_properties(LiftReader *reader, int at, const char *source,
								 LiftProperty **properties);

/*
 * Does the list hold a key that PostgreSQL's storage parameters cannot be: "type",
 * one in quotes if quoted_too, or one with a dot (but for toast.…)?
 */
extern bool velo_lift_has_dialect_key(LiftReader *reader, int at, bool quoted_too);

/*
 * Replaces ${…} in a value.  The forms of property values are ${V}, ${V:-text} and
 * ${V:?message}; of annotations ${V} and ${A|B:text}.  NULL after an error.
 */
extern const char *velo_lift_substitute(LiftReader *reader, const char *value, LiftSpan span,
										bool is_annotation);
