/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --wait-for-file: whether a file is there, by inotify(7): the directory is
 * looked at once, with the caller's rights, and from then on the kernel tells
 * what comes to be in it, whoever this process has become. Names of files in
 * it are hostile.
 */
#ifndef TAPFEED_LAUNCHER_WAITFILE_H
#define TAPFEED_LAUNCHER_WAITFILE_H

#include <stddef.h>

/*
 * Watches for path, whose directory has to be there. 1: it is there already,
 * and *ret_fd is -1. 0: *ret_fd, which is non-blocking, has input when
 * something happens. Or a negative errno.
 */
int waitfile_open(const char *path, int *ret_fd);

/*
 * Takes what there is to read. 1: the file came, or was written to; 0: not yet;
 * -ESTALE: it cannot come any more, the directory is gone; -EOVERFLOW: the
 * kernel could not tell everything; else a negative errno of read(2).
 */
int waitfile_take(int fd, const char *path);

/* The same of events that were read. */
int waitfile_parse(const char *path, const void *events, size_t len);

#endif
