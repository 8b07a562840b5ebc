/* SPDX-License-Identifier: Apache-2.0 */
/* How the processes of a feed are connected. */
#ifndef TAPFEED_LAUNCHER_WIRING_H
#define TAPFEED_LAUNCHER_WIRING_H

#include "launcher/run.h"

/*
 * Fills the spawner's table and what the supervising half holds of each
 * process: descriptors, counters, programs and their arguments. 0 or a negative
 * errno.
 */
int wiring_make(struct run *run);

/* A socket pair that holds a batch or two. 0 or a negative errno. */
int wiring_pair(int ends[2], int type);

#endif
