/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub of tapfeed-privileged: asks it for an interface and believes nothing
 * it says; or takes over the one that an earlier injector has left. Called
 * once, before the sandbox.
 */
#ifndef TAPFEED_INJECTOR_NETDEV_H
#define TAPFEED_INJECTOR_NETDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"
#include "proto/privileged.h"

struct netdev_request {
	char name[TAPFEED_IFNAME_SIZE]; /* a valid name or pattern */
	enum tapfeed_kind kind;		/* with TAPFEED_VNET, or not */
	uint32_t mtu;
	uint8_t mac[6]; /* all zero: a random one; a TUN has none */
	uint32_t queues;
	bool host_visible; /* without the shield */
};

/* An interface that is up. Its descriptors can write and not read. */
struct netdev {
	char name[TAPFEED_IFNAME_SIZE];
	enum tapfeed_kind kind;
	unsigned int ifindex;
	uint32_t mtu;
	uint8_t mac[6]; /* all zero: a TUN, or an adopted one */
	int queue_fd[PRIVILEGED_QUEUES_MAX];
	size_t queues;
};

/*
 * Sends the request over sock (connected, SOCK_SEQPACKET; stays open) and waits
 * 5 s for the reply. On success fills *ret, whose queue fds are the caller's,
 * with send buffer and offloads as they are from the start. Returns 0, or a
 * negative errno: the helper's own, then *ret_step says where it failed; or
 * with PRIVILEGED_STEP_NONE -ETIMEDOUT (no answer), -ECONNRESET (it ended
 * without one), -EPROTO (an answer that cannot be) or what the socket said.
 */
int netdev_create(int sock, const struct netdev_request *request,
		  struct netdev *ret, enum privileged_step *ret_step);

/*
 * Takes over the n queues (1 to PRIVILEGED_QUEUES_MAX) that were stored for us,
 * checked like the helper's: each one of its own, write-only and non-blocking,
 * all of one interface of that kind with so many, whose name is what pattern
 * allows, with TAPFEED_VNET in kind or without, not persistent. Fills name,
 * kind and queues of *ret; ifindex and mtu, which are 0, are the caller's to
 * fill. 0; -EBADFD where the interface is gone; -EPROTO where one is not what
 * is asked for. fds become *ret's on success alone, and are never closed here.
 */
int netdev_adopt(const int *fds, size_t n, const char *pattern,
		 enum tapfeed_kind kind, struct netdev *ret);

/*
 * What an operator needs to know of a netdev_create() of name that failed with
 * step and error (negative): what failed, on what, why, what to do. One line;
 * returns buf. Looks at the system for it: call it before the sandbox.
 */
const char *netdev_explain(enum privileged_step step, int error, char *buf,
			   size_t size, const char *name);

/* The exit status for it. */
enum tapfeed_exit netdev_exit_status(enum privileged_step step, int error);

#endif
