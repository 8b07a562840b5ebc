/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two times of a frame to the moment at which the interface had taken it.
 * Latency: from where its queue entry says that it counts. Timing: from when it
 * was due by the pace. On the packet path.
 */
#ifndef TAPFEED_INJECTOR_LATENCY_H
#define TAPFEED_INJECTOR_LATENCY_H

#include <assert.h>
#include <stdint.h>

#include "common/histogram.h"
#include "injector/queue.h"
#include "proto/counters.h"

static_assert(COUNTERS_LATENCY_BUCKETS == HISTOGRAM_BUCKETS, "one layout");

/* Counts it; the largest first: who reads meanwhile finds no bucket above it.
 */
static inline void latency_count(uint64_t *buckets, uint64_t *max, uint64_t ns)
{
	if (ns > *max)
		counter_set(max, ns);
	counter_add(&buckets[histogram_bucket(ns)], 1);
}

/*
 * Counts a frame that was written by now_ns (CLOCK_MONOTONIC, as
 * entry->since_ns). What the entry says is a capture's word: a time to come is
 * left out.
 */
static inline void latency_note(struct counters_injector *counters,
				const struct queue_entry *entry,
				uint64_t now_ns)
{
	if (entry->since_ns == 0 || entry->since_ns > now_ns)
		return;
	latency_count(counters->latency, &counters->latency_max_ns,
		      now_ns - entry->since_ns);
}

/* The same by when it was due, where it went by a pace. */
static inline void timing_note(struct counters_injector *counters,
			       const struct queue_entry *entry, uint64_t now_ns)
{
	if (entry->due_ns == 0 || entry->due_ns > now_ns)
		return;
	latency_count(counters->timing, &counters->timing_max_ns,
		      now_ns - entry->due_ns);
}

#endif
