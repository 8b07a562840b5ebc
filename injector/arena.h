/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory into which feed frames are decoded and from which packets are
 * written: a few large slots, each holding one or many decoded batches of one
 * peer. A slot is used again when nothing in it is referred to any more.
 * Allocated once.
 *
 * Each peer has a share: nobody takes a slot that a connected peer without any
 * might need.
 */
#ifndef TAPFEED_INJECTOR_ARENA_H
#define TAPFEED_INJECTOR_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

struct arena;
struct arena_slot;

/* One peer's. At a fixed address while it holds slots. */
struct arena_share {
	struct arena *arena;
	struct arena_slot *current; /* for small batches; NULL: none */
	size_t slots;		    /* held */
	bool joined;		    /* may take more */
};

struct arena_slot {
	struct arena_share *owner; /* NULL: free, or scratch */
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
	size_t free;  /* slots nobody holds */
	size_t needy; /* shares that have joined and hold none */
};

/* 0 or -ENOMEM. */
int arena_init(struct arena *arena);
void arena_done(struct arena *arena);

/* At most TAPFEED_PEERS_MAX shares at a time. */
void arena_join(struct arena *arena, struct arena_share *share);

/* The share takes no more; slots it holds stay its own until given back. */
void arena_leave(struct arena_share *share);

/*
 * A slot with room to decode a frame of frame_len bytes (at most
 * TAPFEED_FEED_FRAME_MAX), with one reference for the caller; NULL where the
 * share may have none now. Decoding a valid frame takes no more room than that;
 * a frame made to swell fails.
 */
struct arena_slot *arena_acquire(struct arena_share *share, size_t frame_len);

/* The scratch slot, emptied, with one reference. Never fails; one user at a
 * time. */
struct arena_slot *arena_scratch(struct arena *arena);

/* Whether arena_acquire() would find room for the largest frame. */
bool arena_has_room(const struct arena_share *share);

static inline void arena_ref(struct arena_slot *slot)
{
	slot->refs++;
}

/* Gives one reference back; the last one frees the slot. */
void arena_unref(struct arena_slot *slot);

/* An allocator that takes from the slot until its limit; free does nothing. */
ProtobufCAllocator arena_allocator(struct arena_slot *slot);

#endif
