/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory into which feed frames are decoded and from which packets are
 * written: a few large slots, each holding one or many decoded batches. A slot
 * is used again when nothing in it is referred to any more. Allocated once.
 */
#ifndef TAPFEED_INJECTOR_ARENA_H
#define TAPFEED_INJECTOR_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

struct arena_slot {
	uint8_t *base;
	size_t used;
	size_t limit; /* of the decoding under way */
	uint32_t refs;
};

struct arena {
	uint8_t *memory;
	size_t size;
	struct arena_slot slots[TAPFEED_SLOT_COUNT];
	/* Beside the slots: for what is decoded only to be counted and dropped.
	 */
	struct arena_slot scratch;
	size_t current;
};

/* 0 or -ENOMEM. */
int arena_init(struct arena *arena);
void arena_done(struct arena *arena);

/*
 * A slot with room to decode a frame of frame_len bytes (at most
 * TAPFEED_FEED_FRAME_MAX), with one reference for the caller; NULL where every
 * slot is in use. Decoding a valid frame takes no more room than that; a frame
 * made to swell fails.
 */
struct arena_slot *arena_acquire(struct arena *arena, size_t frame_len);

/* The scratch slot, emptied, with one reference. Never fails; one user at a
 * time. */
struct arena_slot *arena_scratch(struct arena *arena);

/* Whether arena_acquire() would find room for the largest frame. */
bool arena_has_room(const struct arena *arena);

static inline void arena_ref(struct arena_slot *slot)
{
	slot->refs++;
}

/* Gives one reference back; the last one frees the slot. */
void arena_unref(struct arena_slot *slot);

/* An allocator that takes from the slot until its limit; free does nothing. */
ProtobufCAllocator arena_allocator(struct arena_slot *slot);

#endif
