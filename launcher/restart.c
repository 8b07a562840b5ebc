/* SPDX-License-Identifier: Apache-2.0 */
/* The back-off of restarts. */
#include <config.h>

#include "launcher/restart.h"

#include <string.h>

#include "common/clock.h"

#define WINDOW_NS (600 * NS_PER_S)

static void forget(struct restart *restart, uint64_t now_ns)
{
	size_t old = 0;

	while (old < restart->count &&
	       now_ns - restart->deaths_ns[old] >= WINDOW_NS)
		old++;
	restart->count -= old;
	memmove(restart->deaths_ns, restart->deaths_ns + old,
		restart->count * sizeof(restart->deaths_ns[0]));
}

bool restart_note(struct restart *restart, uint64_t now_ns,
		  uint64_t *ret_delay_ns)
{
	forget(restart, now_ns);
	if (restart->count < RESTART_DEATHS_MAX)
		restart->deaths_ns[restart->count++] = now_ns;
	if (restart->count == RESTART_DEATHS_MAX)
		return false;
	/* The first one at once: a live ring holds a second or so. */
	*ret_delay_ns =
		restart->count == 1 ? 0 : NS_PER_S << (restart->count - 2);
	return true;
}
