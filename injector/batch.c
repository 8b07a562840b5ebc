/* SPDX-License-Identifier: Apache-2.0 */
/* Checking batches. Input is hostile: whatever capture sends. */
#include <config.h>

#include "injector/batch.h"

#include <assert.h>
#include <errno.h>

#define MORE_FRAMES ((uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES)
#define UNFINISHED  ((uint32_t)TAPFEED__PACKET_FLAG__PACKET_CHECKSUM_UNFINISHED)

static bool arrays_agree(const Tapfeed__PacketBatch *message)
{
	size_t n = message->n_captured_len;

	return n > 0 && n <= TAPFEED_BATCH_MAX_PACKETS &&
	       message->n_original_len == n && message->n_time_ns == n &&
	       (message->n_flags == 0 || message->n_flags == n);
}

/* Whether a TAP would show a frame of that length to anybody. */
static bool ethernet_valid(const uint8_t *frame, uint32_t len)
{
	if (len < TAPFEED_FRAME_MIN_BYTES)
		return false;
	if (len >= TAPFEED_TAGGED_FRAME_MIN_BYTES)
		return true;
	return !(frame[12] == 0x81 && frame[13] == 0x00) &&
	       !(frame[12] == 0x88 && frame[13] == 0xa8);
}

/* Whether a TUN takes it: the driver looks at the version alone, and answers
 * EINVAL to any other (tun_get_user). */
static bool ip_valid(const uint8_t *frame)
{
	return frame[0] >> 4 == 4 || frame[0] >> 4 == 6;
}

/* len is 1 or more. */
static bool frame_valid(enum tapfeed_kind kind, const uint8_t *frame,
			uint32_t len)
{
	if (len > TAPFEED_FRAME_MAX_BYTES)
		return false;
	return kind & TAPFEED_TUN ? ip_valid(frame)
				  : ethernet_valid(frame, len);
}

static bool frames_valid(const Tapfeed__PacketBatch *message,
			 enum tapfeed_kind kind)
{
	const ProtobufCBinaryData *payload = &message->payload;
	const uint32_t headroom = tapfeed_headroom(kind);
	const uint32_t allowed = MORE_FRAMES | (headroom ? UNFINISHED : 0);
	size_t used = 0;

	for (size_t i = 0; i < message->n_captured_len; i++) {
		uint32_t len = message->captured_len[i];

		/* data is NULL where payload is empty: no sum with it. */
		if (len == 0 || headroom > payload->len - used ||
		    len > payload->len - used - headroom ||
		    !frame_valid(kind, payload->data + used + headroom, len))
			return false;
		used += headroom + len;
	}
	for (size_t i = 0; i < message->n_flags; i++)
		if (message->flags[i] & ~allowed)
			return false;
	if (message->n_flags > 0 &&
	    (message->flags[message->n_flags - 1] & MORE_FRAMES))
		return false;
	return used == payload->len;
}

int batch_check(const Tapfeed__PacketBatch *message, struct arena_slot *slot,
		enum tapfeed_kind kind, uint64_t sequence,
		struct batch *ret_batch)
{
	if (!arrays_agree(message) || !frames_valid(message, kind) ||
	    message->sequence != sequence)
		return -EPROTO;
	*ret_batch = (struct batch){
		.slot = slot,
		.captured_len = message->captured_len,
		.time_ns = message->time_ns,
		.flags = message->n_flags > 0 ? message->flags : NULL,
		.payload = message->payload.data,
		.count = message->n_captured_len,
		.headroom = tapfeed_headroom(kind),
		.handed_ns = message->handed_ns, /* 0 where it is not there */
	};
	return 0;
}

void batch_live(struct batch *batch, uint64_t now_ns, uint64_t real_ns)
{
	batch->live = true;
	batch->now_ns = now_ns;
	batch->real_ns = real_ns;
}

/* By how long ago it was; 0 for what is to come, or before this host began. */
static uint64_t since(const struct batch *batch, uint64_t time_ns)
{
	uint64_t age_ns = batch->real_ns - time_ns;

	if (!batch->live)
		return batch->handed_ns;
	return time_ns <= batch->real_ns && age_ns < batch->now_ns
		       ? batch->now_ns - age_ns
		       : 0;
}

static uint32_t frame_flags(const struct batch *batch, size_t i)
{
	return batch->flags ? batch->flags[i] : 0;
}

size_t batch_packets(const struct batch *batch)
{
	size_t n = 0;

	for (size_t i = 0; i < batch->count; i++)
		n += !(frame_flags(batch, i) & MORE_FRAMES);
	return n;
}

size_t batch_packet_frames(const struct batch *batch)
{
	size_t i = batch->next;

	while (frame_flags(batch, i) & MORE_FRAMES)
		i++; /* the last frame has no such flag: checked */
	return i - batch->next + 1;
}

struct queue_entry batch_take(struct batch *batch)
{
	size_t i = batch->next++;
	struct queue_entry entry;

	assert(i < batch->count);
	entry = (struct queue_entry){
		.data = batch->payload,
		.slot = batch->slot,
		.time_ns = batch->time_ns[i],
		.since_ns = since(batch, batch->time_ns[i]),
		.len = batch->headroom + batch->captured_len[i],
		.flags = (uint16_t)frame_flags(batch, i),
	};
	batch->payload += entry.len;
	arena_ref(batch->slot);
	return entry;
}

void batch_done(struct batch *batch)
{
	if (batch->slot)
		arena_unref(batch->slot);
	*batch = (struct batch){ 0 };
}
