/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket, one for the interface. Pure: the caller brings the time. */
#ifndef TAPFEED_INJECTOR_PACE_H
#define TAPFEED_INJECTOR_PACE_H

#include <stddef.h>
#include <stdint.h>

struct pace {
	uint64_t pps; /* 0: unpaced */
	uint64_t
		started_ns; /* of the schedule; packet n is due n / pps later */
	uint64_t sent;	    /* packets since then */
	uint64_t burst;	    /* packets that may be made up for after a stall */
};

void pace_init(struct pace *pace, uint64_t pps);

/* How many of want packets may be written now; counts none of them. */
size_t pace_allowed(struct pace *pace, uint64_t now_ns, size_t want);

/* Counts n packets as written. */
void pace_take(struct pace *pace, size_t n);

/* When the next packet is due; 0 where it is unpaced. */
uint64_t pace_next_ns(const struct pace *pace);

#endif
