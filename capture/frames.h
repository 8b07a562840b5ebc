/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between conversion and the feed: what becomes of frames that are longer than
 * the interface's MTU, were cut when they were captured, or have checksums
 * that nobody finished. Frames are hostile: any bytes.
 */
#ifndef TAPFEED_CAPTURE_FRAMES_H
#define TAPFEED_CAPTURE_FRAMES_H

#include "capture/convert.h"
#include "capture/sender.h"
#include "common/options.h"
#include "proto/counters.h"

struct frames {
	const struct options *options;
	struct counters_capture *counters;
	struct sender *sender;
};

/* What a packet became; all zero where it was skipped. */
struct frames_sent {
	size_t frames;
	size_t bytes; /* of them all */
};

/*
 * Sends the n frames (1 to CONVERT_FRAMES_MAX, COLLECT_PACKET_BYTES at most)
 * that packet became, as the options say, or skips it; counts what it did. 0
 * and *ret_sent, or the sender's negative errno.
 */
int frames_add(const struct frames *frames, const struct packet *packet,
	       const struct convert_frame *list, size_t n,
	       struct frames_sent *ret_sent);

/* The zeros that --truncated pad puts behind a frame: pad_max at most. */
uint32_t frames_pad(const struct convert_frame *frame, uint32_t pad_max);

#endif
