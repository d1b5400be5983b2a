/*
 * text.c
 *	  velo.position with a place to begin at, and velo.round of a float.
 */
#include "postgres.h"

#include <math.h>

#include <common/shortest_dec.h>
#include <utils/builtins.h>
#include <utils/float.h>
#include <utils/fmgrprotos.h>

#include "base/function.h"

/* Behind so many places a float8 has no digits. */
#define PLACES_MAX 400

/* velo.position(sub text, s text, from integer) → integer */
VELO_FUNCTION(velo_position)
{
	Datum sub = PG_GETARG_DATUM(0);
	Datum string = PG_GETARG_DATUM(1);
	int from = PG_GETARG_INT32(2);
	int found;

	if (from < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("position to search from must be 1 or greater, not %d", from)));
	if (from > 1)
	{
		/* Behind its end not even an empty text is found. */
		if (from - 1 > DatumGetInt32(DirectFunctionCall1(textlen, string)))
			PG_RETURN_INT32(0);
		string = DirectFunctionCall2(text_substr_no_len, string, Int32GetDatum(from));
	}
	found = DatumGetInt32(DirectFunctionCall2Coll(textpos, PG_GET_COLLATION(), string, sub));
	PG_RETURN_INT32(found == 0 ? 0 : found + from - 1);
}

/*
 * velo.round(x double precision, n integer) → double precision: half away from zero, of
 * the number as it is written.  2.675 is stored as 2.67499…, but who sees 2.675 expects
 * 2.68; so its shortest decimal form is rounded, by numeric.
 */
VELO_FUNCTION(velo_round)
{
	float8 x = PG_GETARG_FLOAT8(0);
	int places = PG_GETARG_INT32(1);
	char text[DOUBLE_SHORTEST_DECIMAL_LEN];
	Datum number;

	if (isnan(x) || isinf(x) || places > PLACES_MAX)
		PG_RETURN_FLOAT8(x);
	if (places < -PLACES_MAX)
		PG_RETURN_FLOAT8(copysign(0.0, x));
	double_to_shortest_decimal_buf(x, text);
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	number = DirectFunctionCall2(numeric_round, number, Int32GetDatum(places));
	PG_RETURN_DATUM(DirectFunctionCall1(numeric_float8, number));
}
