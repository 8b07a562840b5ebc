/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pacing. Packets are counted against a schedule with a fixed origin, so
 * rounding and late wake-ups do not add up; after a stall the origin moves and
 * no more than burst packets come at once.
 */
#include <config.h>

#include "injector/pace.h"

#include "common/clock.h"

/* A sleep may end so late that so much has to be made up for. */
#define BURST_NS (20 * NS_PER_MS)

void pace_init(struct pace *pace, uint64_t pps)
{
	*pace = (struct pace){
		.pps = pps,
		.burst = pps * BURST_NS / NS_PER_S + 1,
	};
}

/* The time n packets take; 128 bits, for years at any rate. */
static uint64_t span_ns(const struct pace *pace, uint64_t n)
{
	return (uint64_t)((unsigned __int128)n * NS_PER_S / pace->pps);
}

/* The number of packets whose time has come after span nanoseconds. */
static uint64_t due_after(const struct pace *pace, uint64_t span)
{
	return (uint64_t)((unsigned __int128)span * pace->pps / NS_PER_S) + 1;
}

size_t pace_allowed(struct pace *pace, uint64_t now_ns, size_t want)
{
	uint64_t due, allowed;

	if (pace->pps == 0)
		return want;
	if (pace->started_ns == 0)
		pace->started_ns = now_ns;
	due = due_after(pace, now_ns - pace->started_ns);
	if (due <= pace->sent)
		return 0;
	allowed = due - pace->sent;
	if (allowed > pace->burst) {
		pace->started_ns = now_ns - span_ns(pace, pace->burst - 1);
		pace->sent = 0;
		allowed = pace->burst;
	}
	return allowed < want ? (size_t)allowed : want;
}

void pace_take(struct pace *pace, size_t n)
{
	pace->sent += n;
}

uint64_t pace_next_ns(const struct pace *pace)
{
	unsigned __int128 span;

	if (pace->pps == 0 || pace->started_ns == 0)
		return 0;
	/* Rounded up: at that time due_after() has reached the packet. */
	span = (unsigned __int128)pace->sent * NS_PER_S + pace->pps - 1;
	return pace->started_ns + (uint64_t)(span / pace->pps);
}
