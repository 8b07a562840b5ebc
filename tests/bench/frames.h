/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of all benchmarks, so that the kernel has the same work with each
 * of them: Ethernet to nobody of this host, IPv4, UDP, each a flow of its own.
 */
#ifndef TAPFEED_TESTS_BENCH_FRAMES_H
#define TAPFEED_TESTS_BENCH_FRAMES_H

#include <stdint.h>

/* A multiple of the mix's 12, and of the 64 writes that go in one call. */
#define FRAMES 768u

struct frames {
	uint8_t *data; /* back to back, bytes long in all, page-aligned */
	uint32_t bytes;
	uint32_t offset[FRAMES];
	uint32_t len[FRAMES];
};

/*
 * Makes all of them; size: "mix" (64, 576 and 1500 bytes as 7:4:1, evenly
 * spread) or a number from 60 to 9000. 0, -EINVAL or -ENOMEM.
 */
int frames_init(struct frames *frames, const char *size);

void frames_done(struct frames *frames);

#endif
