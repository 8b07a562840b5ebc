/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latency: from where a queue entry says that it counts to the moment at which
 * the interface had taken the frame. On the packet path.
 */
#ifndef TAPFEED_INJECTOR_LATENCY_H
#define TAPFEED_INJECTOR_LATENCY_H

#include <assert.h>
#include <stdint.h>

#include "common/histogram.h"
#include "injector/queue.h"
#include "proto/counters.h"

static_assert(COUNTERS_LATENCY_BUCKETS == HISTOGRAM_BUCKETS, "one layout");

/*
 * Counts a frame that was written by now_ns (CLOCK_MONOTONIC, as
 * entry->since_ns). What the entry says is a capture's word: a time to come is
 * left out.
 */
static inline void latency_note(struct counters_injector *counters,
				const struct queue_entry *entry,
				uint64_t now_ns)
{
	uint64_t ns;

	if (entry->since_ns == 0 || entry->since_ns > now_ns)
		return;
	ns = now_ns - entry->since_ns;
	/* The larger first: who reads meanwhile finds no bucket above it. */
	if (ns > counters->latency_max_ns)
		counter_set(&counters->latency_max_ns, ns);
	counter_add(&counters->latency[histogram_bucket(ns)], 1);
}

#endif
