/* SPDX-License-Identifier: Apache-2.0 */
/* What a descriptor of the TUN/TAP driver is attached to. */
#ifndef TAPFEED_COMMON_TUNFD_H
#define TAPFEED_COMMON_TUNFD_H

#include <linux/if_tun.h>
#include <stddef.h>

#include "proto/limits.h"

/* The flags of TUNSETIFF for an interface of that kind with so many queues, as
 * TUNGETIFF must repeat them. */
static inline int tunfd_flags(enum tapfeed_kind kind, size_t queues)
{
	return (kind & TAPFEED_TUN ? IFF_TUN : IFF_TAP) | IFF_NO_PI |
	       (kind & TAPFEED_VNET ? IFF_VNET_HDR : 0) |
	       (queues > 1 ? IFF_MULTI_QUEUE : 0);
}

/*
 * Holds fd against what was asked for: a queue, the only one where queues is 1,
 * of an interface of that kind whose name is what the kernel may make of
 * pattern (a valid name or pattern); frames with a header of the driver's only
 * where kind has TAPFEED_VNET; not persistent. How many others there are it
 * cannot tell. Writes the name. 0; -EPROTO where it is something else; -EBADFD
 * where the interface is gone; or another negative errno.
 */
int tunfd_check(int fd, const char *pattern, enum tapfeed_kind kind,
		size_t queues, char ret_name[static TAPFEED_IFNAME_SIZE]);

#endif
