/* SPDX-License-Identifier: Apache-2.0 */
/* A new TAP interface: its name was checked before, what came of it is here. */
#include <config.h>

#include "privileged/tun.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "common/clock.h"
#include "common/ifname.h"

/* A writer that just died lets go of its interface 20 to 40 ms later. */
#define TAKEN_RETRY_NS (200 * NS_PER_MS)
#define TAKEN_PAUSE_NS (10 * NS_PER_MS)
#define TUN_WANTED     (IFF_TAP | IFF_NO_PI)
#define TUN_NEVER      (IFF_TUN | IFF_VNET_HDR | IFF_MULTI_QUEUE | IFF_PERSIST)

static_assert(TAPFEED_IFNAME_SIZE == IFNAMSIZ, "names");

int tun_open(int *ret_fd)
{
	int fd = open("/dev/net/tun", O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int tun_attach(int fd, const char *pattern)
{
	struct ifreq ifr = { 0 };

	/* The kernel takes any flag bits: none comes from a request. */
	ifr.ifr_flags = (short)(TUN_WANTED | IFF_TUN_EXCL);
	memcpy(ifr.ifr_name, pattern, strnlen(pattern, IFNAMSIZ - 1));
	return ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
}

/* What came of it: the kernel expands "%d" and would cut a long name. */
static int tun_check(int fd, const char *pattern, char *ret_name)
{
	struct ifreq ifr = { 0 };
	int flags;

	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return -errno;
	flags = (unsigned short)ifr.ifr_flags;
	if ((flags & TUN_WANTED) != TUN_WANTED || (flags & TUN_NEVER) ||
	    !ifname_matches(pattern, ifr.ifr_name))
		return -EPROTO;
	memcpy(ret_name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

int tun_create(int fd, const char *pattern,
	       char ret_name[static TAPFEED_IFNAME_SIZE])
{
	static const struct timespec pause = { .tv_nsec = TAKEN_PAUSE_NS };
	uint64_t deadline_ns = clock_now_ns() + TAKEN_RETRY_NS;
	int r;

	while ((r = tun_attach(fd, pattern)) == -EBUSY &&
	       clock_now_ns() < deadline_ns)
		nanosleep(&pause, NULL);
	return r < 0 ? r : tun_check(fd, pattern, ret_name);
}

int tun_set_owner(int fd)
{
	return ioctl(fd, TUNSETOWNER, 0) < 0 ? -errno : 0;
}
