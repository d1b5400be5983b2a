/*
 * select.c
 *	  SELECT as a statement of its own.
 */
#include "lift/statements.h"

void
velo_lift_select_core(LiftReader *reader, LiftStatement *statement, int first)
{
	LiftPieces pieces = {0};

	velo_lift_query(reader, statement, first, reader->end, &pieces);
	if (!statement->broken)
		statement->core = velo_lift_text_of_pieces(reader, &pieces);
}

bool
velo_lift_select(LiftReader *reader, LiftStatement *statement, int first)
{
	if (!velo_lift_is_query(reader, first, reader->end))
		return false;
	statement->kind = LIFT_QUERY;
	velo_lift_select_core(reader, statement, first);
	return true;
}
