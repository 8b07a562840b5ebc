/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting a batch. */
#include <config.h>

#include "capture/collect.h"

#include <string.h>

bool collect_fits(const struct collect *collect, size_t frames, size_t bytes)
{
	assert(frames <= COLLECT_PACKET_FRAMES &&
	       bytes <= COLLECT_PACKET_BYTES);
	if (collect->count == 0)
		return true;
	bytes += frames * collect->headroom;
	return collect->payload_len + bytes <= TAPFEED_BATCH_TARGET_BYTES &&
	       collect->count + frames <= TAPFEED_BATCH_MAX_PACKETS;
}

uint8_t *collect_add(struct collect *collect, uint32_t len,
		     uint32_t original_len, uint64_t time_ns, bool more)
{
	uint8_t *place = collect->payload + collect->payload_len;
	size_t i = collect->count++;

	assert(i < TAPFEED_BATCH_MAX_PACKETS &&
	       collect->headroom + len <=
		       sizeof(collect->payload) - collect->payload_len);
	if (collect->headroom > 0)
		memset(place, 0, collect->headroom);
	place += collect->headroom;
	collect->captured_len[i] = len;
	collect->original_len[i] = original_len;
	collect->time_ns[i] = time_ns;
	collect->flags[i] = more ? TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES : 0;
	collect->any_flags = collect->any_flags || more;
	collect->payload_len += collect->headroom + len;
	return place;
}

void collect_unfinished(struct collect *collect)
{
	collect->flags[collect->count - 1] |=
		TAPFEED__PACKET_FLAG__PACKET_CHECKSUM_UNFINISHED;
	collect->any_flags = true;
}

void collect_fill(struct collect *collect, Tapfeed__PacketBatch *batch)
{
	batch->n_captured_len = collect->count;
	batch->captured_len = collect->captured_len;
	batch->n_original_len = collect->count;
	batch->original_len = collect->original_len;
	batch->n_time_ns = collect->count;
	batch->time_ns = collect->time_ns;
	batch->n_flags = collect->any_flags ? collect->count : 0;
	batch->flags = collect->flags;
	batch->payload.data = collect->payload;
	batch->payload.len = collect->payload_len;
}

void collect_clear(struct collect *collect)
{
	collect->count = 0;
	collect->payload_len = 0;
	collect->any_flags = false;
}
