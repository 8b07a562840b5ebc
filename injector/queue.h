/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue of references to frames in the arena; no payload is copied.
 * One for each peer. Allocated once.
 */
#ifndef TAPFEED_INJECTOR_QUEUE_H
#define TAPFEED_INJECTOR_QUEUE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/pace.h"
#include "injector/arena.h"

/* No result of a write. */
#define QUEUE_UNWRITTEN INT_MIN

struct queue_entry {
	const uint8_t *data;	 /* in slot: what is written */
	struct arena_slot *slot; /* one reference is the entry's */
	uint64_t time_ns;	 /* of the capture, since 1970 */
	uint64_t since_ns;	 /* CLOCK_MONOTONIC: latency counts from there;
				    0: not said */
	uint64_t due_ns;	 /* by the pace; 0: none said so far */
	uint64_t written_ns;	 /* when result came */
	int result; /* of the write; QUEUE_UNWRITTEN. See queue_entry_written */
	uint32_t len;	/* bytes at data */
	uint16_t flags; /* PacketFlag of proto/feed.proto */
	uint16_t queue; /* of the interface, by flow; 0 of one */
};

struct queue {
	struct queue_entry *entries;
	size_t size;
	size_t head; /* index of the oldest entry */
	size_t used;
	size_t sent; /* of them, the oldest, handed over to writer threads */
	struct pace_clock clock; /* of the recorded times of what comes */
	uint64_t fresh_ns; /* there is something to write since then; 0: not */
};

/* Room for size entries. 0 or -ENOMEM. */
int queue_init(struct queue *queue, size_t size);
void queue_done(struct queue *queue);

static inline size_t queue_room(const struct queue *queue)
{
	return queue->size - queue->used;
}

/* Takes over the caller's reference to entry->slot. There must be room. It has
 * no result. */
void queue_push(struct queue *queue, const struct queue_entry *entry);

/* The entry that i older ones come before, i < used. */
struct queue_entry *queue_at(const struct queue *queue, size_t i);

/* Another thread has the result, and touches the entry no more. */
static inline void queue_entry_written(struct queue_entry *entry, int result,
				       uint64_t now_ns)
{
	entry->written_ns = now_ns;
	__atomic_store_n(&entry->result, result, __ATOMIC_RELEASE);
}

/* What it was; QUEUE_UNWRITTEN as long as there is none. */
static inline int queue_entry_result(const struct queue_entry *entry)
{
	return __atomic_load_n(&entry->result, __ATOMIC_ACQUIRE);
}

/* Removes the oldest entry and gives its slot reference back. */
void queue_pop(struct queue *queue);

/*
 * Removes those of the n oldest entries for which done is true. The others keep
 * their order and are the oldest ones then.
 */
void queue_remove(struct queue *queue, const bool *done, size_t n);

#endif
