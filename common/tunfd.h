/* SPDX-License-Identifier: Apache-2.0 */
/* What a descriptor of the TUN/TAP driver is attached to. */
#ifndef TAPFEED_COMMON_TUNFD_H
#define TAPFEED_COMMON_TUNFD_H

#include "proto/limits.h"

/* The flags of TUNSETIFF for that kind, as TUNGETIFF must repeat them. */
int tunfd_flags(enum tapfeed_kind kind);

/*
 * Holds fd against what was asked for: a queue, the only one, of an interface
 * of that kind whose name is what the kernel may make of pattern (a valid name
 * or pattern); frames without any header of the driver's; not persistent.
 * Writes the name. 0; -EPROTO where it is something else; -EBADFD where the
 * interface is gone; or another negative errno.
 */
int tunfd_check(int fd, const char *pattern, enum tapfeed_kind kind,
		char ret_name[static TAPFEED_IFNAME_SIZE]);

#endif
