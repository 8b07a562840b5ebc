/* SPDX-License-Identifier: Apache-2.0 */
/* When a process that died is started again. Pure: the caller brings the time.
 */
#ifndef TAPFEED_LAUNCHER_RESTART_H
#define TAPFEED_LAUNCHER_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many deaths within ten minutes end the feed. */
#define RESTART_DEATHS_MAX 5

struct restart {
	uint64_t deaths_ns[RESTART_DEATHS_MAX]; /* the latest ones */
	size_t count;				/* of them */
};

/*
 * Notes a death. Returns whether a new start is due, then after *ret_delay_ns:
 * at once, then 1, 2, 4 s.
 */
bool restart_note(struct restart *restart, uint64_t now_ns,
		  uint64_t *ret_delay_ns);

#endif
