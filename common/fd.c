/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors. What is read through them is not looked at here. */
#include <config.h>

#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define SOON_MS 200

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

void fd_write_soon(int fd, const void *buf, size_t size)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	if (poll(&pollfd, 1, SOON_MS) > 0)
		(void)fd_write(fd, buf, size);
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
