/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a file. Input: the kernel's events, with names that anybody who
 * may write to the directory chooses. */
#include <config.h>

#include "launcher/waitfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"

/* A file that was there counts when somebody writes to it: touch(1). */
#define COMES (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE)
#define MOVED IN_MOVE_SELF /* the directory: no longer at this path */
#define GONE  (IN_IGNORED | IN_UNMOUNT | MOVED)

/* Reads in one turn, and room for some events in each. */
#define TURN	    8
#define EVENT_BYTES (sizeof(struct inotify_event) + NAME_MAX + 1)

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int waitfile_open(const char *path, int *ret_fd)
{
	const char *name = name_of(path);
	char folder[PATH_MAX] = ".";
	struct stat st;
	int r;

	*ret_fd = -1;
	if (*name == '\0' || strlen(name) > NAME_MAX ||
	    (size_t)(name - path) >= sizeof(folder))
		return -ENAMETOOLONG;
	if (name != path)
		snprintf(folder, sizeof(folder), "%.*s", (int)(name - path),
			 path);
	*ret_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (*ret_fd < 0)
		return -errno;
	if (inotify_add_watch(*ret_fd, folder, COMES | MOVED | IN_ONLYDIR) < 0)
		r = -errno;
	else if (lstat(path, &st) == 0) /* watched before: nothing is missed */
		r = 1;
	else
		r = errno == ENOENT ? 0 : -errno;
	if (r != 0)
		fd_close(ret_fd);
	return r;
}

int waitfile_parse(const char *path, const void *events, size_t len)
{
	const char *name = name_of(path), *at = events;
	struct inotify_event event;
	int found = 0;

	while (len >= sizeof(event)) {
		memcpy(&event, at, sizeof(event));
		at += sizeof(event);
		len -= sizeof(event);
		if (event.len > len)
			return -EPROTO;
		if (event.mask & COMES && event.len > strlen(name) &&
		    strncmp(at, name, event.len) == 0)
			return 1;
		if (event.mask & GONE)
			found = -ESTALE;
		else if (event.mask & IN_Q_OVERFLOW && found == 0)
			found = -EOVERFLOW;
		at += event.len;
		len -= event.len;
	}
	return len > 0 ? -EPROTO : found;
}

int waitfile_take(int fd, const char *path)
{
	char events[4 * EVENT_BYTES];
	int found = 0;

	for (int i = 0; i < TURN && found == 0; i++) {
		ssize_t n = read(fd, events, sizeof(events));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		found = waitfile_parse(path, events, (size_t)n);
	}
	return found;
}
