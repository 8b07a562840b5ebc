/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writer threads. Under load the main thread reads and checks, and each lane's
 * thread writes: the frames of the queues that are its own, in the order in
 * which they were handed over. A lane is a ring of pointers with one side each;
 * nothing is locked. The threads are made before the system-call filter, which
 * holds them like the main thread; they see lengths and results, no message of
 * a peer.
 *
 * All functions are the main thread's.
 */
#ifndef TAPFEED_INJECTOR_LANES_H
#define TAPFEED_INJECTOR_LANES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "injector/queue.h"
#include "injector/writer.h"

/* Entries handed over to one lane at a time; a power of two. What a killed
 * process has written and not counted is bounded so, too. */
#define LANE_ENTRIES 2048u
/* Of all lanes together. */
#define LANES_ENTRIES (LANE_ENTRIES * WRITER_LANES_MAX)

struct lanes;

struct lane {
	struct lanes *lanes;
	struct queue_entry *entries[LANE_ENTRIES];
	int bell;      /* eventfd on which the thread sleeps */
	uint32_t seen; /* done, when the main thread last looked */
	/* Counts of entries since the start: written by one side each. */
	_Alignas(64) _Atomic uint32_t pushed; /* by the main thread */
	_Atomic bool stop;		    /* rest, whatever there is to do */
	_Alignas(64) _Atomic uint32_t done; /* by the lane's */
	_Atomic bool halted; /* one has to be tried again: rests till stopped */
	_Atomic bool rests;
};

struct lanes {
	size_t count; /* 0: the main thread writes all by itself */
	struct writer *writer;
	int bell; /* eventfd for the main thread; -1: there are no lanes */
	_Atomic bool awaited; /* the main thread sleeps, or is about to */
	struct lane lane[WRITER_LANES_MAX];
};

/* How many lanes are worth it for an interface of so many queues: none where
 * the main thread, which spins or not, leaves them no processor of their own.
 */
size_t lanes_wanted(size_t queues, bool spins);

/*
 * Starts count threads (0: none, and nothing to undo); lane i writes by the
 * writer's lane i. Before any descriptor's number is told to a filter, see
 * lanes_run(). 0 or a negative errno.
 */
int lanes_init(struct lanes *lanes, struct writer *writer, size_t count);

/* Starts the threads, once all but the filter is in force for this one: that is
 * what they inherit. Returns when all of them run. For sandbox_policy: data is
 * the struct lanes. 0: there are fewer lanes where no more can be started. */
int lanes_start(void *data);

/* Whether nothing is handed over: the main thread may write by lane 0. */
bool lanes_idle(const struct lanes *lanes);

/* Whether lanes_push() would take it. */
bool lanes_have_room(const struct lanes *lanes,
		     const struct queue_entry *entry);

/* Hands an entry over, which must stay where it is until it has a result or
 * lanes_stop(). false: its lane is full. */
bool lanes_push(struct lanes *lanes, struct queue_entry *entry);

/* Wakes the threads that sleep and have something to do. */
void lanes_kick(struct lanes *lanes);

/* Whether a lane rests because something has to be tried again: lanes_stop(),
 * then, and look at all that was handed over before anything else is. */
bool lanes_halted(const struct lanes *lanes);

/* Takes back what no lane has begun. Afterwards they are idle; all that was
 * handed over has its result, or none at all. Blocks for a batch's time. */
void lanes_stop(struct lanes *lanes);

/* Results are about to be looked at. */
void lanes_look(struct lanes *lanes);

/*
 * The main thread is going to wait for the bell. false: there are results since
 * lanes_look(), or a lane has halted, that it should look at instead.
 */
bool lanes_await(struct lanes *lanes);

/* It did, and the bell had rung or not. */
void lanes_awake(struct lanes *lanes, bool rung);

#endif
