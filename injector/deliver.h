/* SPDX-License-Identifier: Apache-2.0 */
/* From the queue to the interface: pacing, writing, and what a write's result
 * means. */
#ifndef TAPFEED_INJECTOR_DELIVER_H
#define TAPFEED_INJECTOR_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options.h"
#include "common/pace.h"
#include "injector/account.h"
#include "injector/lanes.h"
#include "injector/queue.h"
#include "injector/writer.h"

/* Frames of one queue written before others have their turn. */
#define DELIVER_ROUND_FRAMES 256

struct deliver {
	struct writer *writer;
	struct lanes *lanes; /* NULL or without any: this thread writes all */
	struct counters_injector *counters;
	struct pace pace;
	enum when_full when_full;
	const char *interface; /* its name, for messages */
	uint64_t retry_ns;     /* no write before then; 0: none waits */
	uint64_t began_ns;     /* the first hand-over to lanes; 0: none */
	uint64_t written_ns;   /* the last frame */
	bool unpaced;	       /* draining: as fast as it goes */
	uint64_t down_ns;      /* the first write that failed so; 0: it is up */
	bool down_said;
	bool paused;	     /* nobody reads: nothing more is written */
	uint64_t resumed_ns; /* it was paused until then; 0: never */
	bool gone; /* the interface was deleted: nothing can be written */
};

/*
 * Before a turn of all queues. true: something has to be tried again, and the
 * lanes gave all back. deliver_collect() for each queue then, before anything
 * is written: what is behind would go first otherwise.
 */
bool deliver_begin(struct deliver *deliver);

/* Counts what the lanes are done with; returns how many frames. */
size_t deliver_collect(struct deliver *deliver, struct queue *queue,
		       struct account *account, uint64_t now_ns);

/*
 * Writes what is due of the queue, at most one round's worth, or hands it over
 * to the lanes; counts each frame that is done with, and returns how many those
 * are.
 */
size_t deliver_run(struct deliver *deliver, struct queue *queue,
		   struct account *account, uint64_t now_ns);

/* Whether the lanes are at work: what is left of the queue is not held up. */
bool deliver_busy(const struct deliver *deliver, const struct queue *queue);

/* When deliver_run() can go on with the queue, now or later; CLOCK_NEVER: it is
 * empty, or the lanes' bell tells. */
uint64_t deliver_next_ns(const struct deliver *deliver,
			 const struct queue *queue);

/* Counts what is left of the queue as outcome and empties it. */
void deliver_discard(struct deliver *deliver, struct queue *queue,
		     struct account *account, enum outcome outcome);

#endif
