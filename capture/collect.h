/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batch that is being collected: one buffer and its columns, filled frame
 * by frame. Nothing here reads what frames say.
 */
#ifndef TAPFEED_CAPTURE_COLLECT_H
#define TAPFEED_CAPTURE_COLLECT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/feed.pb-c.h"
#include "proto/limits.h"

/* What one packet may become: as many frames, bytes in all. The bytes are those
 * of the largest frame cut into so many with usual headers. */
#define COLLECT_PACKET_FRAMES 1024u
#define COLLECT_PACKET_BYTES  (TAPFEED_FRAME_MAX_BYTES + 48u * 1024)

/* Four columns of 4, 4, 8 and 4 bytes a frame; tags and lengths. */
#define COLLECT_COLUMNS_BYTES(frames) ((frames)*20u + 256u)

static_assert(TAPFEED_BATCH_TARGET_BYTES + COLLECT_COLUMNS_BYTES(
						   TAPFEED_BATCH_MAX_PACKETS) <=
		      TAPFEED_FEED_FRAME_MAX,
	      "a full batch fits in a frame");
static_assert(COLLECT_PACKET_BYTES +
			      COLLECT_PACKET_FRAMES * TAPFEED_VNET_BYTES +
			      COLLECT_COLUMNS_BYTES(COLLECT_PACKET_FRAMES) <=
		      TAPFEED_FEED_FRAME_MAX,
	      "a packet alone fits in a frame");

struct collect {
	size_t count; /* frames */
	size_t payload_len;
	uint32_t captured_len[TAPFEED_BATCH_MAX_PACKETS];
	uint32_t original_len[TAPFEED_BATCH_MAX_PACKETS];
	uint64_t time_ns[TAPFEED_BATCH_MAX_PACKETS];
	uint32_t flags[TAPFEED_BATCH_MAX_PACKETS];
	bool any_flags;
	/* More than TAPFEED_BATCH_TARGET_BYTES only for one packet alone. */
	uint8_t payload[COLLECT_PACKET_BYTES +
			COLLECT_PACKET_FRAMES * TAPFEED_VNET_BYTES];
	uint32_t headroom; /* before each frame: 0 or TAPFEED_VNET_BYTES */
};

/* Whether a packet of so many frames and bytes finds room behind the others; an
 * empty batch has room for what COLLECT_PACKET_ allows. */
bool collect_fits(const struct collect *collect, size_t frames, size_t bytes);

/*
 * Adds a frame for which there is room, and returns the place for its bytes,
 * all of which the caller has to write. more: another one of the same packet
 * follows.
 */
uint8_t *collect_add(struct collect *collect, uint32_t len,
		     uint32_t original_len, uint64_t time_ns, bool more);

/* Says of the frame added last that its checksum is unfinished. */
void collect_unfinished(struct collect *collect);

/* The columns and the payload go to batch, which refers to them. */
void collect_fill(struct collect *collect, Tapfeed__PacketBatch *batch);

void collect_clear(struct collect *collect);

#endif
