/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors handed over at start, as systemd does it: LISTEN_PID, LISTEN_FDS
 * and LISTEN_FDNAMES, see sd_listen_fds_with_names(3).
 */
#ifndef TAPFEED_COMMON_LISTEN_H
#define TAPFEED_COMMON_LISTEN_H

#define LISTEN_FDS_START 3
#define LISTEN_FDS_MAX	 80

/*
 * Reads and removes the three variables, sets close-on-exec on the descriptors
 * and closes every other one above 2. 0, or -EINVAL where they contradict
 * themselves.
 */
int listen_init(void);

/* The descriptor of that name, now the caller's; -1 where there is none. */
int listen_take(const char *name);

/* Closes what nobody took. */
void listen_done(void);

#endif
