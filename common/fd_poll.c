/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for several at once, with the stop signals let in; apart from fd.c:
 * the helper, which has one peer and no such signals, does not link them. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/signals.h"

int fd_poll(struct pollfd *fds, size_t n, uint64_t deadline_ns)
{
	struct timespec timeout;
	const struct timespec *wait = NULL;
	int ready;

	if (signals_unheard())
		deadline_ns = 0;
	if (deadline_ns != CLOCK_NEVER) {
		timeout = clock_until(clock_now_ns(), deadline_ns);
		wait = &timeout;
	}
	ready = ppoll(fds, n, wait, signals_wait_mask());
	/* With something ready at once, ppoll lets no pending signal in. */
	if (ready > 0)
		signals_check();
	if (ready >= 0)
		return ready;
	if (errno != EINTR)
		return -errno;
	for (size_t i = 0; i < n; i++)
		fds[i].revents = 0;
	return 0;
}

int fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}
