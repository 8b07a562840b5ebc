/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface's settings by rtnetlink(7). Each change is one message, and the
 * kernel's acknowledgement is awaited. All return 0 or a negative errno.
 */
#ifndef TAPFEED_PRIVILEGED_LINK_H
#define TAPFEED_PRIVILEGED_LINK_H

#include <stdint.h>
#include <sys/types.h>

struct link {
	struct mnl_socket *nl;
	uint32_t seq;
	int ifindex;
};

/* Of a zeroed link; link_done() is due where it fails, too. */
int link_init(struct link *link);
void link_done(struct link *link);

/* Its netlink socket; -1: there is none. */
int link_fd(const struct link *link);

/* The interface of that name, which all the others then mean: MTU, no ARP, no
 * IPv6; the address (NULL: it has none; all zero: a random local one, written
 * there). */
int link_set(struct link *link, const char *name, uint32_t mtu, uint8_t *mac);

/*
 * The shield: the host's stack sees nothing that is written to the interface
 * (ingress, behind the packet sockets), and they nothing that the host sends
 * (egress). clsact with classic BPF in direct action; gone with the interface.
 */
int link_shield(struct link *link);

/* Sets the alias "tapfeed uid=N", which ip(8) shows, and brings it up. */
int link_up(struct link *link, uid_t uid);

#endif
