/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors. What is read through them is not looked at here. */
#include <config.h>

#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/signals.h"

#define SOON_NS (200 * NS_PER_MS)

ssize_t fd_read(int fd, void *buf, size_t size)
{
	for (;;) {
		ssize_t n = read(fd, buf, size);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
	}
}

ssize_t fd_write(int fd, const void *buf, size_t size)
{
	for (;;) {
		ssize_t n = write(fd, buf, size);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
	}
}

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

void fd_write_soon(int fd, const void *buf, size_t size)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	if (fd_poll(&pollfd, 1, clock_now_ns() + SOON_NS) > 0)
		(void)fd_write(fd, buf, size);
}

int fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_sanitise(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

int fd_close_from(int first)
{
	return close_range((unsigned int)first, UINT_MAX, 0) < 0 ? -errno : 0;
}
