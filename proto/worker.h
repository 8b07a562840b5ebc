/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tapfeed sends to injector and capture over `control` (AF_UNIX,
 * SOCK_SEQPACKET): one struct worker_feed in a message of exactly its size,
 * with exactly one descriptor, the worker's end of a new feed (connected,
 * stream); and to the injector alone one struct worker_gate without one. End of
 * file means stop. Nothing is ever sent back.
 */
#ifndef TAPFEED_PROTO_WORKER_H
#define TAPFEED_PROTO_WORKER_H

#include <assert.h>
#include <stdint.h>

#define WORKER_VERSION 1u

struct worker_feed {
	uint32_t version;  /* WORKER_VERSION */
	uint32_t reserved; /* must be zero */
	/*
	 * Frames that the interface has taken since it is there, as the kernel
	 * counts them: a killed injector may have written one more than it
	 * counted. 0: not known.
	 */
	uint64_t frames_taken;
};

static_assert(sizeof(struct worker_feed) == 16, "layout");

enum worker_gate_flags {
	/* What the command waits for is there; never taken back. */
	WORKER_GATE_OPEN = 1 << 0,
	/* Nobody reads the interface: write nothing until this is unset. */
	WORKER_GATE_PAUSED = 1 << 1,
};

/* How things stand with the gate, all of it in each message. */
struct worker_gate {
	uint32_t version; /* WORKER_VERSION */
	uint32_t flags;	  /* enum worker_gate_flags; no others */
	/*
	 * Readers have taken all of so many frames from their queues: where
	 * that is all there is, the interface need not linger. 0: not known.
	 */
	uint64_t frames_read;
	uint64_t reserved; /* must be zero */
};

static_assert(sizeof(struct worker_gate) == 24, "layout");

#endif
