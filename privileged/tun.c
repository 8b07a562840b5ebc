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
#include <unistd.h>

#include "common/tunfd.h"

/* A writer that just died lets go of its interface 20 to 40 ms later. */
#define TAKEN_PAUSES   20
#define TAKEN_PAUSE_NS 10000000

int tun_open(struct tun *tun)
{
	int fd;

	while (tun->count < PRIVILEGED_QUEUES_MAX) {
		fd = open("/dev/net/tun", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		tun->fds[tun->count++] = fd;
	}
	return 0;
}

void tun_keep(struct tun *tun, size_t n)
{
	while (tun->count > n)
		close(tun->fds[--tun->count]);
}

/* The kernel takes any flag bits: none comes from a request. */
static int tun_attach(int fd, const char *pattern, int flags)
{
	struct ifreq ifr = { .ifr_flags = (short)flags };

	memcpy(ifr.ifr_name, pattern, strnlen(pattern, IFNAMSIZ - 1));
	return ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
}

int tun_create(struct tun *tun, const char *pattern, enum tapfeed_kind kind,
	       char ret_name[static TAPFEED_IFNAME_SIZE])
{
	static const struct timespec pause = { .tv_nsec = TAKEN_PAUSE_NS };
	int pauses = TAKEN_PAUSES;
	int flags, r;

	tun->flags = tunfd_flags(kind, tun->count);
	flags = tun->flags | IFF_TUN_EXCL;
	while ((r = tun_attach(*tun->fds, pattern, flags)) == -EBUSY &&
	       pauses-- > 0)
		nanosleep(&pause, NULL);
	if (r < 0)
		return r;
	/* The kernel expands "%d" and would cut a long name. */
	return tunfd_check(*tun->fds, pattern, kind, tun->count, ret_name);
}

int tun_set_owner(const struct tun *tun)
{
	return ioctl(*tun->fds, TUNSETOWNER, 0) < 0 ? -errno : 0;
}

int tun_join(const struct tun *tun, const char *name)
{
	int r = 0;

	for (size_t i = 1; r == 0 && i < tun->count; i++)
		r = tun_attach(tun->fds[i], name, tun->flags);
	return r;
}
