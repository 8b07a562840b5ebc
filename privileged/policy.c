/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row a system call: its name, what its arguments must be, why. There is no
 * mmap, and nothing that opens, creates, connects, starts or signals.
 */
#include <config.h>

#include "privileged/policy.h"

#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER	   SANDBOX_FD(0, POLICY_PRIVILEGED_PEER)
#define TUN	   SANDBOX_FD(0, POLICY_PRIVILEGED_TUN)
#define NETLINK	   SANDBOX_FD(0, POLICY_PRIVILEGED_NETLINK)
#define AUDIT	   SANDBOX_FD(0, POLICY_PRIVILEGED_AUDIT)
#define REQUEST(r) SANDBOX_INT(1, r)
#define ZERO(i)	   SANDBOX_MASK(i, UINT64_MAX, 0)

/* clang-format off */
static const struct sandbox_row rows[] = {
	SANDBOX_ALLOW1(recvmsg, PEER, "the request"),
	SANDBOX_ALLOW2(shutdown, PEER, SANDBOX_INT(1, SHUT_RD), "there is no second request"),
	SANDBOX_ALLOW1(sendmsg, PEER, "the reply and the queues' descriptors"),
	SANDBOX_ALLOW2(ioctl, TUN, REQUEST(TUNSETIFF), "making the interface and its queues"),
	SANDBOX_ALLOW2(ioctl, TUN, REQUEST(TUNGETIFF), "what came of it"),
	SANDBOX_ALLOW3(ioctl, TUN, REQUEST(TUNSETOWNER), ZERO(2), "nobody but root may attach"),
	SANDBOX_ALLOW1(sendto, NETLINK, "its settings and shield; its end where a step fails"),
	SANDBOX_ALLOW1(recvmsg, NETLINK, "the kernel's answers"),
	SANDBOX_ALLOW2(sendto, AUDIT, ZERO(4), "the line for the security log"),
	SANDBOX_ALLOW1(write, SANDBOX_INT(0, STDERR_FILENO), "log lines"),
	SANDBOX_ALLOW(close, "no queue is left when a refusal is told"),
	SANDBOX_ALLOW(getrandom, "a MAC address; malloc's key, where libc asks late"),
	SANDBOX_ALLOW(getpid, "the line for the security log"),
	SANDBOX_ALLOW(poll, "waiting for the request, or for a terminal"),
	SANDBOX_ALLOW(ppoll, "poll(3) where the architecture has no poll"),
	SANDBOX_ALLOW(ppoll_time64, "the same, where time_t grew"),
	SANDBOX_ALLOW(clock_nanosleep, "nanosleep(3) of newer libc: a name that is taken"),
	SANDBOX_ALLOW(clock_nanosleep_time64, "the same, where time_t grew"),
	SANDBOX_ALLOW(nanosleep, "nanosleep(3) of older libc"),
	SANDBOX_ALLOW(restart_syscall, "a wait that SIGSTOP and SIGCONT broke"),
	SANDBOX_ALLOW(brk, "free(3): the filter's own memory"),
	SANDBOX_ALLOW(munmap, "the same"),
	SANDBOX_ALLOW1(madvise, SANDBOX_INT(2, MADV_DONTNEED), "the same"),
	SANDBOX_ALLOW(exit_group, "the end"),
};
/* clang-format on */

struct sandbox_policy policy_privileged(
	const struct sandbox_fds fds[static POLICY_PRIVILEGED_FDS])
{
	return (struct sandbox_policy){
		.name = "tapfeed-privileged",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.fds = fds,
		.fd_classes = POLICY_PRIVILEGED_FDS,
		/* None comes; but what its user has under way between sockets
		 * counts against the limit when ours is sent. */
		.fds_more = 4096,
		.memory_bytes = 1u << 20, /* the stack */
	};
}
