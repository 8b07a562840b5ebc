/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TUNGETIFF (drivers/net/tun.c). The descriptor may be anybody's: the kernel
 * answers, and what it answers is not taken for granted either.
 */
#include <config.h>

#include "common/tunfd.h"

#include <assert.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/ifname.h"

static_assert(TAPFEED_IFNAME_SIZE == IFNAMSIZ, "names");

int tunfd_check(int fd, const char *pattern, enum tapfeed_kind kind,
		size_t queues, char ret_name[static TAPFEED_IFNAME_SIZE])
{
	struct ifreq ifr = { 0 };

	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return errno == ENOTTY ? -EPROTO : -errno;
	/* Equal: no persistence beside it, no header that was not asked for,
	 * no other queues. */
	if ((unsigned short)ifr.ifr_flags != tunfd_flags(kind, queues) ||
	    !ifname_matches(pattern, ifr.ifr_name))
		return -EPROTO;
	memcpy(ret_name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}
