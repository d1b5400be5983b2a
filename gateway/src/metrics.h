/*
 * metrics.h
 *	  Figures for GET /metrics, that register themselves.
 *
 * VG_COUNTER(rows_sent, "velo_gateway_live_rows_total", "counter", "Rows sent to sockets.");
 * vg_count(&rows_sent, 5);
 *
 * Names as Prometheus wants them; labels, if any, stand in the name: x_total{kind="a"}.
 * Entries of one family have the same help.
 */
#pragma once

#include "gateway/src/registry.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct VgCounter
{
	const char *name;
	const char *type; /* counter or gauge */
	const char *help;
	_Atomic int64_t value;
	int64_t (*read)(void); /* instead of value, where it is asked for; or NULL */
} VgCounter;

VG_REGISTRY(counters, VgCounter);

#define VG_COUNTER(variable, name_, type_, help_)                                                  \
	static VgCounter variable = {.name = (name_), .type = (type_), .help = (help_)};               \
	VG_REGISTER(counters, VgCounter, variable)

/* A gauge that is asked when it is read. */
#define VG_GAUGE(variable, name_, help_, read_)                                                    \
	static VgCounter variable = {.name = (name_),                                                  \
								 .type = "gauge",                                                  \
								 .help = (help_),                                                  \
								 .read = (read_)};                                                 \
	VG_REGISTER(counters, VgCounter, variable)

static inline void
vg_count(VgCounter *counter, int64_t by)
{
	atomic_fetch_add_explicit(&counter->value, by, memory_order_relaxed);
}

/* All of them in Prometheus' text form; the caller frees it. */
extern char *vg_metrics_text(void);
