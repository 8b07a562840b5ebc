/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lying helper, for the tests of its client: its reply lies in the socket
 * before it is asked. Linked with
 * -Wl,--wrap=ioctl,--wrap=fd_poll,--wrap=clock_gettime.
 */
#ifndef TAPFEED_TESTS_UNIT_LYINGHELPER_H
#define TAPFEED_TESTS_UNIT_LYINGHELPER_H

#include "tests/unit/unit.h"

#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "injector/netdev.h"

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_fd_poll(struct pollfd *fds, size_t n, uint64_t deadline_ns);
int __wrap_fd_poll(struct pollfd *fds, size_t n, uint64_t deadline_ns);
int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

/* What TUNGETIFF says of /dev/null; no name: it fails. */
static struct {
	const char *name;
	int flags;
	int error;
	int other; /* this descriptor is of tf8 */
	/* What was set last, and the request that fails. */
	int sndbuf;
	uintptr_t offload;
	unsigned long refused;
} tun = { .other = -1 };

static time_t clock_offset_s;
static uint64_t longest_wait_ns;

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct ifreq *ifr;
	va_list args;

	va_start(args, request);
	ifr = va_arg(args, struct ifreq *);
	va_end(args);
	if (request == TUNSETSNDBUF || request == TUNSETOFFLOAD) {
		if (request == TUNSETSNDBUF)
			memcpy(&tun.sndbuf, ifr, sizeof(tun.sndbuf));
		else
			tun.offload = (uintptr_t)ifr;
		errno = EBADFD;
		return request == tun.refused ? -1 : 0;
	}
	if (request != TUNGETIFF)
		return __real_ioctl(fd, request, ifr);
	if (!tun.name) {
		errno = tun.error;
		return -1;
	}
	memcpy(ifr->ifr_name, tun.name, strnlen(tun.name, IFNAMSIZ));
	if (fd == tun.other)
		memcpy(ifr->ifr_name, "tf8", sizeof("tf8"));
	ifr->ifr_flags = (short)tun.flags;
	return 0;
}

/* Waits for nothing: the clock jumps a second instead. */
int __wrap_fd_poll(struct pollfd *fds, size_t n, uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();
	int ready = __real_fd_poll(fds, n, now_ns);

	if (deadline_ns - now_ns > longest_wait_ns)
		longest_wait_ns = deadline_ns - now_ns;
	if (ready == 0)
		clock_offset_s++;
	return ready;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = __real_clock_gettime(id, ts);

	ts->tv_sec += clock_offset_s;
	return r;
}

static int sock_pair[2];
static const struct netdev_request request = {
	.name = "tf%d", .kind = TAPFEED_TAP, .mtu = 1500, .queues = 1
};

static inline struct privileged_reply valid(void)
{
	return (struct privileged_reply){
		.version = PRIVILEGED_VERSION,
		.ifindex = 7,
		.mtu = 1500,
		.queues = 1,
		.name = "tf0",
		.mac = { 2, 0, 0, 0, 0, 1 },
	};
}

static inline int set_up(void **state)
{
	(void)state;
	tun.name = "tf0";
	tun.flags = IFF_TAP | IFF_NO_PI;
	tun.error = ENOTTY;
	tun.refused = 0;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock_pair);
}

static inline int tear_down(void **state)
{
	(void)state;
	fd_close(&sock_pair[0]);
	fd_close(&sock_pair[1]);
	return 0;
}

/* Answers with len bytes and n descriptors, opened with flags. */
static inline void answer(const void *reply, size_t len, size_t n, int flags)
{
	int fds[PRIVILEGED_QUEUES_MAX + 1];

	assert_true(n <= COUNT(fds));

	for (size_t i = 0; i < n; i++)
		fds[i] = open("/dev/null", flags | O_CLOEXEC);
	assert_int_equal(fdpass_send(sock_pair[1], reply, len, fds, n), 0);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* Asks; where that fails, no descriptor may be left and nothing written. */
static inline int ask_for(const struct netdev_request *wanted,
			  struct netdev *ret, enum privileged_step *ret_step)
{
	struct netdev before;
	size_t fds = open_fds();
	int r;

	memset(ret, 0x5a, sizeof(*ret));
	before = *ret;
	r = netdev_create(sock_pair[0], wanted, ret, ret_step);
	assert_int_equal(open_fds(), r == 0 ? fds + wanted->queues : fds);
	if (r != 0)
		assert_memory_equal(ret, &before, sizeof(before));
	return r;
}

static inline int ask(struct netdev *ret, enum privileged_step *ret_step)
{
	return ask_for(&request, ret, ret_step);
}

/* The descriptor's name is always the reply's here. */
static inline int ask_after(const struct privileged_reply *reply, size_t len,
			    size_t n, int flags)
{
	char name[TAPFEED_IFNAME_SIZE + 1] = { 0 };
	enum privileged_step step;
	struct netdev netdev;
	int r;

	memcpy(name, reply->name, TAPFEED_IFNAME_SIZE);
	set_up(NULL);
	tun.name = name;
	answer(reply, len, n, flags);
	r = ask(&netdev, &step);
	tear_down(NULL);
	if (r == 0)
		close(netdev.queue_fd[0]);
	else
		assert_int_equal(step, PRIVILEGED_STEP_NONE);
	return r;
}

#endif
