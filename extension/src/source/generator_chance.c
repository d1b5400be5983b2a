/*
 * generator_chance.c
 *	  Numbers by chance that are the same whenever they are asked for.
 *
 * Every draw comes from a 64-bit hash of (seed, column name, n).  Distributions are closed
 * formulas of that hash; a random walk, which by nature depends on what came before, is
 * replaced by smooth noise that looks like one and can be asked for at any n.
 */
#include "postgres.h"

#include "source/generator_private.h"

#include <math.h>

/* Smooth noise in [0, 1) that moves about "volatility" of its range in a step. */
static double
walk(const Column *column, int64 n)
{
	double period = Max(2.0, 1 / column->hints->volatility);
	double sum = 0;
	double amplitude = 0.5;

	for (int octave = 0; octave < 3; octave++)
	{
		int64 knot = (int64) floor(n / period);
		double t = n / period - knot;
		double from = to_unit(draw(column, knot, octave + 4));
		double to = to_unit(draw(column, knot + 1, octave + 4));

		t = t * t * (3 - 2 * t);
		sum += amplitude * (from + (to - from) * t);
		amplitude /= 2;
		period = Max(2.0, period / 4);
	}
	return Min(sum / 0.875, 1 - 0x1.0p-53);
}

double
velo_source_chance_fraction(const Column *column, int64 n, double span)
{
	double u = to_unit(draw(column, n, 0));

	switch (column->hints->distribution)
	{
		case VELO_NORMAL:
		{
			double radius = sqrt(-2 * log(1 - u));
			double angle = 2 * M_PI * to_unit(draw(column, n, 1));

			u = 0.5 + radius * cos(angle) / 6;
			return Max(0, Min(u, 1 - 0x1.0p-53));
		}
		case VELO_ZIPF:
			/* Rank r comes with a probability of about 1/r. */
			u = floor(exp(u * log(span + 1))) - 1;
			return Max(0, Min(u / span, 1 - 0x1.0p-53));
		case VELO_RANDOM_WALK:
			return walk(column, n);
		default:
			return u;
	}
}

uint64
velo_source_chance_choose(const Column *column, int64 n, uint64 among)
{
	if (column->hints->cardinality > 0)
		among = Min(among, (uint64) column->hints->cardinality);
	if (column->hints->is_sequential)
		return (uint64) n % among;
	if (column->hints->distribution == VELO_UNIFORM)
		return to_index(draw(column, n, 0), among);
	return Min((uint64) (velo_source_chance_fraction(column, n, (double) among) * among),
			   among - 1);
}
