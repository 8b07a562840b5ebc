/* SPDX-License-Identifier: Apache-2.0 */
/* Learns from rtnetlink when the feed's interface is gone. */
#ifndef TAPFEED_LAUNCHER_LINKWATCH_H
#define TAPFEED_LAUNCHER_LINKWATCH_H

#include <stdbool.h>

struct mnl_socket;

struct linkwatch {
	struct mnl_socket *socket;
	unsigned int ifindex; /* 0: not known yet */
	bool gone;
	bool changed; /* something about some interface; the reader resets it */
};

/* Opens the socket, in the caller's network namespace. 0 or a negative errno.
 */
int linkwatch_init(struct linkwatch *watch);
void linkwatch_done(struct linkwatch *watch);

/* To be polled for input; -1: closed. */
int linkwatch_fd(const struct linkwatch *watch);

/* Watches this interface from now on. */
void linkwatch_set(struct linkwatch *watch, unsigned int ifindex);

/* Reads what has come; watch->gone says the rest. */
void linkwatch_read(struct linkwatch *watch);

#endif
