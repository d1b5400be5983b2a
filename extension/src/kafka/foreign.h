/*
 * foreign.h
 *	  What foreign tables of topics can do, put together from several folders.
 *
 * Reading belongs to source/, writing to sink/, and neither sees the other: each registers
 * the callbacks it has.
 */
#pragma once

#include "base/registry.h"

struct FdwRoutine;

typedef struct VeloKafkaForeign
{
	const char *name;
	void (*fill)(struct FdwRoutine *routine); /* sets its callbacks */
} VeloKafkaForeign;

#define VELO_KAFKA_FOREIGN(instance) VELO_REGISTER(kafka_foreign, VeloKafkaForeign, instance)
