/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TUN/TAP driver (Documentation/networking/tuntap.rst). The interface lives
 * as long as a descriptor of it: closing the last one destroys it.
 */
#ifndef TAPFEED_PRIVILEGED_TUN_H
#define TAPFEED_PRIVILEGED_TUN_H

#include "proto/limits.h"

/*
 * Opens /dev/net/tun for writing alone, non-blocking: its holder cannot read
 * the host's frames. 0 or a negative errno.
 */
int tun_open(int *ret_fd);

/*
 * Makes a new interface of that name (a valid name or pattern) on fd; never
 * attaches to one that exists. A name that is taken is tried again for 200 ms.
 * Blocks so long. Writes the name it got. 0 or a negative errno, -EBUSY: taken.
 */
int tun_create(int fd, const char *pattern, enum tapfeed_kind kind,
	       char ret_name[static TAPFEED_IFNAME_SIZE]);

/* Makes uid 0 the owner: nobody else can attach. 0 or a negative errno. */
int tun_set_owner(int fd);

#endif
