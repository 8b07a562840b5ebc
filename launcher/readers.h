/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reads an interface: the packet sockets that are bound to it, as the
 * kernel tells them over sock_diag(7) in the network namespace in which the
 * socket was opened. It takes no privilege. Driven by the supervising half's
 * loop; never waits.
 */
#ifndef TAPFEED_LAUNCHER_READERS_H
#define TAPFEED_LAUNCHER_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct readers_set {
	uint32_t count; /* running, for every protocol, bound to it alone */
	/* The same, and those for one protocol: */
	uint32_t rings; /* read by a ring: what waits is not to be seen */
	uint64_t queued_bytes; /* in the queues of all others */
	uint64_t mark;	       /* another one for other readers */
};

struct readers {
	int fd; /* -1: closed */
	uint32_t sequence;
	bool asked; /* answers are under way */
	struct readers_set building;
};

/* Opens the socket and asks once: 0, or a negative errno, -ENOENT where the
 * kernel cannot tell. */
int readers_init(struct readers *readers);
void readers_done(struct readers *readers);

/* Asks anew, unless answers are under way. 0 or a negative errno. */
int readers_ask(struct readers *readers);

/*
 * Takes what has come of the answer: 1 and the whole set, 0 where some is still
 * to come (call it again), or a negative errno: ask anew.
 */
int readers_take(struct readers *readers, uint32_t ifindex,
		 struct readers_set *ret_set);

/*
 * Adds the sockets of one datagram, aligned as a struct nlmsghdr is, to set. 1
 * at the end of the answer to sequence, 0 where more has to come, or a negative
 * errno.
 */
int readers_parse(struct readers_set *set, uint32_t ifindex, uint32_t sequence,
		  const void *data, size_t len);

#endif
