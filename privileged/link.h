/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface's settings by rtnetlink(7). Each change is one message, and the
 * kernel's acknowledgement is awaited. All return 0 or a negative errno.
 */
#ifndef TAPFEED_PRIVILEGED_LINK_H
#define TAPFEED_PRIVILEGED_LINK_H

#include <linux/netlink.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/limits.h"

/* The largest request is some 150 bytes; what the kernel tells of an interface
 * some 1600. */
#define LINK_MESSAGE_MAX 8192

struct link {
	struct mnl_socket *nl;
	int fd; /* of nl, which can be used; set to -1 before link_init() */
	uint32_t seq;
	int ifindex;
	union {
		struct nlmsghdr header;
		char bytes[LINK_MESSAGE_MAX];
	} message; /* the request under way, then its answer */
};

/* Of a link that is zeroed but for fd. It stays for the process's life. */
int link_init(struct link *link);

/*
 * Finds the interface of that name, which all the others then mean, and holds
 * it against what was made: tunlink_check(). -EUSERS: anybody could attach a
 * queue and change it before it had an owner (tun_set_owner()). With all the
 * queues ours, what holds goes on holding.
 */
int link_check(struct link *link, const char *name, enum tapfeed_kind kind,
	       uint32_t queues);

/* Deletes it, whoever else has a queue: before link_check() found it, the one
 * of that name. */
int link_delete(struct link *link, const char *name);

/* MTU, no IPv6 by itself; flags that it gets (IFF_NOARP); the address (NULL: it
 * has none; all zero: a random local one, written there). */
int link_set(struct link *link, uint32_t mtu, unsigned int flags, uint8_t *mac);

/*
 * The shield: the host's stack sees nothing that is written to the interface
 * (ingress, behind the packet sockets), and they nothing that the host sends
 * (egress). clsact with classic BPF in direct action; gone with the interface.
 */
int link_shield(struct link *link);

/* Sets the alias "tapfeed uid=N", which ip(8) shows, and brings it up. */
int link_up(struct link *link, uid_t uid);

#endif
