/* SPDX-License-Identifier: Apache-2.0 */
/* A decoded PacketBatch: checked once, then walked packet by packet. */
#ifndef TAPFEED_INJECTOR_BATCH_H
#define TAPFEED_INJECTOR_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "injector/queue.h"
#include "proto/feed.pb-c.h"
#include "proto/limits.h"

struct batch {
	struct arena_slot
		*slot; /* one reference is the batch's; NULL: no batch */
	const uint32_t *captured_len;
	const uint64_t *time_ns;
	const uint32_t *flags; /* NULL: all 0 */
	const uint8_t *payload;
	size_t count;	   /* frames */
	uint32_t headroom; /* bytes before each of them in payload */
	size_t next;	   /* the first one not yet taken */
	/* Where latency counts from: see batch_live(). Any number. */
	uint64_t handed_ns;
	bool live;
	uint64_t now_ns;
	uint64_t real_ns;
};

/*
 * Holds message, decoded into slot, against proto/feed.proto: array lengths
 * agree, each frame is one that an interface of that kind (with TAPFEED_VNET or
 * not: then frames have room before them) takes and shows,
 * their lengths sum up to the payload's, the sequence is the expected one, a
 * packet's frames do not cross batches. 0 and *ret_batch, which takes over the
 * reference to slot; or -EPROTO.
 */
int batch_check(const Tapfeed__PacketBatch *message, struct arena_slot *slot,
		enum tapfeed_kind kind, uint64_t sequence,
		struct batch *ret_batch);

/*
 * The packets' times are those at which they came to this host: latency counts
 * from there, not from when capture handed them over. now_ns (CLOCK_MONOTONIC)
 * and real_ns (CLOCK_REALTIME) are the same moment.
 */
void batch_live(struct batch *batch, uint64_t now_ns, uint64_t real_ns);

/* Whole packets, each of one or more frames. */
size_t batch_packets(const struct batch *batch);

/* The frames of the packet at batch->next: 1 or more. */
size_t batch_packet_frames(const struct batch *batch);

/* The next frame, with the room before it and a slot reference of its own.
 * There must be one. Its since_ns is what capture says: 0 where that cannot be,
 * but any number. */
struct queue_entry batch_take(struct batch *batch);

/* Gives the batch's own reference back. */
void batch_done(struct batch *batch);

#endif
