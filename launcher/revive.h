/* SPDX-License-Identifier: Apache-2.0 */
/* Starting again what died: the injector, or a live capture. */
#ifndef TAPFEED_LAUNCHER_REVIVE_H
#define TAPFEED_LAUNCHER_REVIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/supervise.h"

/*
 * Called with a process that was killed. Returns whether it will be started
 * again, and plans that; then *ret_delay_ns says when.
 */
bool revive_plan(struct feed *feed, enum feed_child child, uint64_t now_ns,
		 uint64_t *ret_delay_ns);

/* Starts what is due; both ends of a new feed go to injector and capture. */
void revive_due(struct feed *feed, uint64_t now_ns);

/* When revive_due() has something to do. */
uint64_t revive_next_ns(const struct feed *feed);

/* Nothing is started again from now on. */
void revive_never(struct feed *feed);

#endif
