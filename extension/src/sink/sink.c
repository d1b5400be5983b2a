/*
 * sink.c
 *	  Finding a sink by its type.
 */
#include "postgres.h"

#include "sink/sink.h"

VELO_REGISTRY(sink, VeloSinkOps);

bool velo_sink_is_writing = false;

const VeloSinkOps *
velo_sink_find(const char *type)
{
	VELO_FOREACH(sink, VeloSinkOps, ops)
	{
		if (strcmp(ops->type, type) == 0)
			return ops;
	}
	return NULL;
}
