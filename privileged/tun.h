/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TUN/TAP driver (Documentation/networking/tuntap.rst). The interface lives
 * as long as a descriptor of it, anybody's: closing the last one destroys it.
 */
#ifndef TAPFEED_PRIVILEGED_TUN_H
#define TAPFEED_PRIVILEGED_TUN_H

#include <linux/if.h>
#include <stddef.h>

#include "proto/limits.h"
#include "proto/privileged.h"

/*
 * Descriptors of /dev/net/tun, one for each queue there may be: how many are
 * asked for is known only when nothing can be opened any more.
 */
struct tun {
	int fds[PRIVILEGED_QUEUES_MAX];
	size_t count;	  /* of them that are open */
	struct ifreq ifr; /* for TUNSETIFF: the name it got, its flags */
};

/*
 * Opens all of a zeroed tun for writing alone, non-blocking: their holder
 * cannot read the host's frames. 0, or a negative errno with fewer of them.
 */
int tun_open(struct tun *tun);

/* Closes all but the first n. */
void tun_keep(struct tun *tun, size_t n);

/*
 * Makes a new interface, on the first descriptor and for as many queues as are
 * open, of that name (a valid name or pattern); never attaches to one that
 * exists. A name that is taken is tried again for 200 ms. Blocks so long.
 * 0 or a negative errno, -EBUSY: taken.
 */
int tun_create(struct tun *tun, const char *pattern, enum tapfeed_kind kind);

/* Makes uid 0 the owner: nobody else can attach from now on; until then anybody
 * could, where there are several queues. 0 or a negative errno. */
int tun_set_owner(const struct tun *tun);

/* Attaches the other queues. 0 or a negative errno. */
int tun_join(struct tun *tun);

/* The name of the interface that the first descriptor, which is open, has. 0 or
 * a negative errno, -EBADFD: it has none; -EPROTO: its name is not what the
 * kernel may make of pattern (NULL: any is). */
int tun_name(const struct tun *tun, const char *pattern,
	     char ret_name[static TAPFEED_IFNAME_SIZE]);

#endif
