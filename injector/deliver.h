/* SPDX-License-Identifier: Apache-2.0 */
/* From the queue to the interface: pacing, writing, and what a write's result
 * means. */
#ifndef TAPFEED_INJECTOR_DELIVER_H
#define TAPFEED_INJECTOR_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options.h"
#include "injector/account.h"
#include "injector/pace.h"
#include "injector/queue.h"
#include "injector/writer.h"

/* Frames of one queue written before others have their turn. */
#define DELIVER_ROUND_FRAMES 256

struct deliver {
	struct writer *writer;
	struct counters_injector *counters;
	struct pace pace;
	enum when_full when_full;
	const char *interface; /* its name, for messages */
	uint64_t retry_ns;     /* no write before then; 0: none waits */
	bool unpaced;	       /* draining: as fast as it goes */
	uint64_t down_ns;      /* the first write that failed so; 0: it is up */
	bool down_said;
	bool gone; /* the interface was deleted: nothing can be written */
};

/*
 * Writes what is due of the queue, at most one round's worth, and counts each
 * frame that is done with; returns how many those are. Fewer than a round with
 * some left: the pace or the interface holds them up.
 */
size_t deliver_run(struct deliver *deliver, struct queue *queue,
		   struct account *account, uint64_t now_ns);

/* When deliver_run() can go on with a queue that is not empty; now or later. */
uint64_t deliver_next_ns(const struct deliver *deliver);

/* Counts the whole queue as outcome and empties it. */
void deliver_discard(struct queue *queue, struct account *account,
		     enum outcome outcome);

#endif
