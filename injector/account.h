/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of each packet. Frames go in, packets come out: a packet counts
 * with its last frame, by the worst that happened to any of them.
 */
#ifndef TAPFEED_INJECTOR_ACCOUNT_H
#define TAPFEED_INJECTOR_ACCOUNT_H

#include <stdint.h>

#include "proto/counters.h"

/* From the best to the worst. */
enum outcome {
	OUTCOME_INJECTED,
	OUTCOME_DROPPED_QUEUE,
	OUTCOME_DROPPED_INTERFACE_DOWN,
	OUTCOME_DROPPED_STOPPED,
	OUTCOME_ERROR,
};

/* One for each peer. */
struct account {
	struct counters_injector *counters; /* shared by all peers */
	uint64_t injected;
	uint64_t dropped;
	uint64_t errors;
	enum outcome worst; /* of the packet under way */
};

void account_init(struct account *account, struct counters_injector *counters);

/* Counts a packet of which no frame was ever queued. */
void account_packet(struct account *account, enum outcome outcome);

/* Counts one frame of len bytes with its PacketFlags, in the queue's order. */
void account_frame(struct account *account, uint32_t len, uint32_t flags,
		   enum outcome outcome);

#endif
