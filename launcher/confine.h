/* SPDX-License-Identifier: Apache-2.0 */
/* The supervising half's own confinement, and whom root's processes become. */
#ifndef TAPFEED_LAUNCHER_CONFINE_H
#define TAPFEED_LAUNCHER_CONFINE_H

#include "launcher/run.h"

/* Finds the users. -1 to go on, or the exit status; messages are out. */
int confine_find_users(struct run *run);

/* Once the spawner is forked and everything is open: gives up privilege and
 * seals. 0, or the exit status; messages are out. */
int confine(const struct run *run);

#endif
