/*
 * source.c
 *	  Finding a source by its type.
 */
#include "postgres.h"

#include "source/source.h"

VELO_REGISTRY(source, VeloSourceOps);

const VeloSourceOps *
velo_source_find(const char *type)
{
	VELO_FOREACH(source, VeloSourceOps, ops)
	{
		if (strcmp(ops->type, type) == 0)
			return ops;
	}
	return NULL;
}
