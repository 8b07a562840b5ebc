/* SPDX-License-Identifier: Apache-2.0 */
/* Where the feed comes from. */
#ifndef TAPFEED_CAPTURE_FEED_H
#define TAPFEED_CAPTURE_FEED_H

/*
 * The feed: handed over, or behind path (NULL, or short enough for an address);
 * -1 where it comes by the control socket (-1: there is none). 0, or the exit
 * status after a log line.
 */
int feed_find(const char *path, int control_fd, int *ret_fd);

#endif
