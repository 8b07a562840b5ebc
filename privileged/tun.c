/* SPDX-License-Identifier: Apache-2.0 */
/* A new interface: its name was checked before, what came of it is here. */
#include <config.h>

#include "privileged/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/ifname.h"
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

static int tun_attach(struct tun *tun, size_t i)
{
	return ioctl(tun->fds[i], TUNSETIFF, &tun->ifr) < 0 ? -errno : 0;
}

int tun_create(struct tun *tun, const char *pattern, enum tapfeed_kind kind)
{
	static const struct timespec pause = { .tv_nsec = TAKEN_PAUSE_NS };
	int flags = tunfd_flags(kind, tun->count);
	int pauses = TAKEN_PAUSES;
	int r;

	/* The kernel takes any flag bits: none comes from a request. */
	tun->ifr.ifr_flags = (short)(flags | IFF_TUN_EXCL);
	memcpy(tun->ifr.ifr_name, pattern, strnlen(pattern, IFNAMSIZ - 1));
	while ((r = tun_attach(tun, 0)) == -EBUSY && pauses-- > 0)
		nanosleep(&pause, NULL);
	tun->ifr.ifr_flags = (short)flags;
	return r;
}

int tun_set_owner(const struct tun *tun)
{
	return ioctl(*tun->fds, TUNSETOWNER, 0) < 0 ? -errno : 0;
}

int tun_join(struct tun *tun)
{
	int r = 0;

	for (size_t i = 1; r == 0 && i < tun->count; i++)
		r = tun_attach(tun, i);
	return r;
}

int tun_name(const struct tun *tun, const char *pattern,
	     char ret_name[static TAPFEED_IFNAME_SIZE])
{
	struct ifreq ifr = { 0 };

	if (ioctl(*tun->fds, TUNGETIFF, &ifr) < 0)
		return -errno;
	memcpy(ret_name, ifr.ifr_name, IFNAMSIZ);
	return !pattern || ifname_matches(pattern, ret_name) ? 0 : -EPROTO;
}
