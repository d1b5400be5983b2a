/*
 * kafka_infer.h
 *	  Columns of a topic that nobody has described.
 */
#pragma once

#include <nodes/pg_list.h>

/* Setting velo.infer_sample: most records that are looked at. */
extern int velo_source_infer_sample;

/*
 * Looks at the last records of a topic: a List of VeloInferredColumn * (format/infer.h) in
 * the current memory context, NIL if there are none.  name: the topic, unless the options
 * say it; role: whose connections.  Raises 0A000 for formats that say nothing of columns.
 */
extern List *velo_source_kafka_infer(List *options, const char *name, Oid role);
