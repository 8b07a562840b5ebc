/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of each packet. Frames go in, packets come out: a packet counts
 * with its last frame, by the worst that happened to any of them. The page
 * outlives the process: what it says at any moment of a kill is the truth.
 */
#ifndef TAPFEED_INJECTOR_ACCOUNT_H
#define TAPFEED_INJECTOR_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/counters.h"

/* From the best to the worst. */
enum outcome {
	OUTCOME_INJECTED,
	OUTCOME_DROPPED_QUEUE,
	OUTCOME_DROPPED_INTERFACE_DOWN,
	OUTCOME_DROPPED_STOPPED,
	OUTCOME_DROPPED_RESTART,
	OUTCOME_ERROR,
	OUTCOME_COUNT,
};

/* No capture numbers a packet so high: thousands of years at full speed. */
#define ACCOUNT_SEQUENCE_MAX (UINT64_C(1) << 56)

/* One for each peer. */
struct account {
	struct counters_injector *counters; /* shared by all peers */
	uint32_t headroom; /* bytes of each frame that are not its own */
	bool joined;	   /* of a capture that came by the listening socket */
	uint64_t packets[OUTCOME_COUNT]; /* of this connection */
	enum outcome worst;		 /* of the packet under way */
};

void account_init(struct account *account, struct counters_injector *counters,
		  bool joined);

/* Counts n packets of so many frames in all, taken from a peer, before any of
 * them has an outcome. */
void account_received(struct account *account, uint64_t n, uint64_t frames);

/* Counts a packet of which no frame was ever queued. */
void account_packet(struct account *account, enum outcome outcome);

/* Counts one frame of len bytes with its PacketFlags, in the queue's order. */
void account_frame(struct account *account, uint32_t len, uint32_t flags,
		   enum outcome outcome);

/*
 * The feed's own capture goes on with packet number sequence, and no packet of
 * an earlier connection is under way any more: those that the page does not
 * hold are lost. Of their frames, frames_uncounted were written and not
 * counted: so many packets are injected after all, unless any packet so far was
 * of several frames. Then nobody knows which of them were written whole, and
 * none counts as injected. 0, or -EPROTO where sequence cannot be.
 */
int account_resume(struct account *account, uint64_t sequence,
		   uint64_t frames_uncounted);

/*
 * The page of an injector that was killed, before anything is counted to it:
 * what it held of joined captures is lost. 0, or -EINVAL where no injector of
 * ours has left such a page.
 */
int account_restart(struct counters_injector *counters);

#endif
