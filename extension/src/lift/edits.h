/*
 * edits.h
 *	  Changing the user's text without losing where it came from.
 *
 * An edit hangs on its first token and takes all tokens up to edit_last: they are
 * blanked, or replaced by a text.  A text is then written out from ranges of
 * tokens; edits inside the range are honoured, so the argument of a blanked
 * WINDOW clause can still be written out on its own, with the edits inside it.
 */
#pragma once

#include "lift/reader.h"

typedef struct LiftRange
{
	int first; /* tokens [first, end) */
	int end;
} LiftRange;

/* Ranges to be written one behind the other; neighbours are joined. */
typedef struct LiftPieces
{
	LiftRange *ranges;
	int nranges;
	int capacity;
} LiftPieces;

extern void velo_lift_piece_add(LiftReader *reader, LiftPieces *pieces, int first, int end);

/* Tokens [first, end) become blanks of the same length. */
extern void velo_lift_blank(LiftReader *reader, int first, int end);

/* Tokens [first, end) become "text". */
extern void velo_lift_replace(LiftReader *reader, int first, int end, const char *text);

/* Writes a text with its edits; NULL for an empty range. */
extern LiftText *velo_lift_text(LiftReader *reader, int first, int end);
extern LiftText *velo_lift_text_of_pieces(LiftReader *reader, const LiftPieces *pieces);

/* The same without edits: exactly what the user wrote. */
extern LiftText *velo_lift_text_exact(LiftReader *reader, int first, int end);
