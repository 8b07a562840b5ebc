/* SPDX-License-Identifier: Apache-2.0 */
/* A new interface: its name was checked before, what came of it is here. */
#include <config.h>

#include "privileged/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "common/clock.h"
#include "common/tunfd.h"

/* A writer that just died lets go of its interface 20 to 40 ms later. */
#define TAKEN_RETRY_NS (200 * NS_PER_MS)
#define TAKEN_PAUSE_NS (10 * NS_PER_MS)

int tun_open(int *ret_fd)
{
	int fd = open("/dev/net/tun", O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int tun_attach(int fd, const char *pattern, enum tapfeed_kind kind)
{
	struct ifreq ifr = { 0 };

	/* The kernel takes any flag bits: none comes from a request. */
	ifr.ifr_flags = (short)(tunfd_flags(kind) | IFF_TUN_EXCL);
	memcpy(ifr.ifr_name, pattern, strnlen(pattern, IFNAMSIZ - 1));
	return ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
}

int tun_create(int fd, const char *pattern, enum tapfeed_kind kind,
	       char ret_name[static TAPFEED_IFNAME_SIZE])
{
	static const struct timespec pause = { .tv_nsec = TAKEN_PAUSE_NS };
	uint64_t deadline_ns = clock_now_ns() + TAKEN_RETRY_NS;
	int r;

	while ((r = tun_attach(fd, pattern, kind)) == -EBUSY &&
	       clock_now_ns() < deadline_ns)
		nanosleep(&pause, NULL);
	/* The kernel expands "%d" and would cut a long name. */
	return r < 0 ? r : tunfd_check(fd, pattern, kind, ret_name);
}

int tun_set_owner(int fd)
{
	return ioctl(fd, TUNSETOWNER, 0) < 0 ? -errno : 0;
}
