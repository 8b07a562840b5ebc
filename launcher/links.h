/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces there are and how they are stacked, as rtnetlink tells it. */
#ifndef TAPFEED_LAUNCHER_LINKS_H
#define TAPFEED_LAUNCHER_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

struct mnl_socket;

struct links_entry {
	unsigned int ifindex;
	unsigned int master; /* the bridge or bond it is in; 0: none */
	unsigned int lower;  /* what it stands on (VLAN, macvlan); 0: nothing */
	bool lower_foreign;  /* in another network namespace */
	bool up;
	uint64_t rx_frames; /* that came in: for a TAP, that were written */
	char name[TAPFEED_IFNAME_SIZE];
};

struct links {
	struct mnl_socket *socket;
	struct links_entry *entries;
	size_t count;
	size_t room;
};

/* Opens the socket, in the caller's network namespace. 0 or a negative errno.
 */
int links_init(struct links *links);
void links_done(struct links *links);

/* Reads them all anew. 0 or a negative errno. */
int links_load(struct links *links);

/* NULL: there is no such interface. */
const struct links_entry *links_find(const struct links *links,
				     unsigned int ifindex);

/*
 * Whether what comes in by lower also comes by upper: they are the same, or
 * upper is a bridge, bond, VLAN device or the like that stands on it, directly
 * or not.
 */
bool links_carries(const struct links *links, unsigned int upper,
		   unsigned int lower);

/*
 * Whether a bridge or bond that carries lower sends its frames out by port, or
 * to the other end of port's veth pair: so where lower has no shield.
 */
bool links_bridged(const struct links *links, unsigned int port,
		   unsigned int lower);

#endif
