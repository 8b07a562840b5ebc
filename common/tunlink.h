/* SPDX-License-Identifier: Apache-2.0 */
/* What rtnetlink(7) tells of an interface of the TUN/TAP driver. */
#ifndef TAPFEED_COMMON_TUNLINK_H
#define TAPFEED_COMMON_TUNLINK_H

#include <linux/netlink.h>
#include <stdint.h>

#include "proto/limits.h"

/*
 * Holds the kernel's answer to RTM_GETLINK, a whole message, against an
 * interface as it is made: of that kind and link type, of uid 0 and no group,
 * not persistent, with the headers of its kind, with a carrier, not up, with
 * just so many queues (1: of no other kind than those of one) and none switched
 * off. Writes its index whatever comes of it. 0, or -EUSERS where it is
 * anything else or some of it is not told, as before Linux 4.17.
 */
int tunlink_check(const struct nlmsghdr *answer, enum tapfeed_kind kind,
		  uint32_t queues, int *ret_ifindex);

#endif
