/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tapfeed sends to injector and capture over `control` (AF_UNIX,
 * SOCK_SEQPACKET): one struct worker_feed in a message of exactly its size,
 * with exactly one descriptor, the worker's end of a new feed (connected,
 * stream). End of file means stop. Nothing is ever sent back.
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

#endif
