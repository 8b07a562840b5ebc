/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors. The only place that handles EINTR. */
#ifndef TAPFEED_COMMON_FD_H
#define TAPFEED_COMMON_FD_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* read(2) and write(2), tried again on EINTR. The count, or a negative errno.
 */
ssize_t fd_read(int fd, void *buf, size_t size);
ssize_t fd_write(int fd, const void *buf, size_t size);

/*
 * Writes where that does not wait longer than a moment: a terminal or pipe that
 * nobody reads must not stop us. What cannot be written then is lost.
 */
void fd_write_soon(int fd, const void *buf, size_t size);

/*
 * ppoll(2) until deadline_ns (CLOCK_MONOTONIC; CLOCK_NEVER: none) with the stop
 * signals of common/signals.h let in. Returns the number of ready fds, 0 also
 * where a signal came first or has not been asked about yet, or a negative
 * errno. This and the next are in fd_poll.c: the helper does not link them.
 */
int fd_poll(struct pollfd *fds, size_t n, uint64_t deadline_ns);

/* Sets O_NONBLOCK: one waits in fd_poll() alone. 0 or a negative errno. */
int fd_set_nonblock(int fd);

/* Closes *fd where it is one and sets it to -1. */
void fd_close(int *fd);

/*
 * Opens /dev/null on each of 0, 1 and 2 that is closed, so that no later
 * descriptor can be taken for a standard stream. 0 or a negative errno.
 */
int fd_sanitise(void);

/* Closes every descriptor from first on. 0 or a negative errno. */
int fd_close_from(int first);

#endif
