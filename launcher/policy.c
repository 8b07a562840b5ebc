/* SPDX-License-Identifier: Apache-2.0 */
/* One row a system call: its name, what its arguments must be, why. */
#include <config.h>

#include "launcher/policy.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/policy.h"
#include "launcher/statusd.h"

#define MEMORY_BYTES  (64u << 20)
#define IN_FLIGHT_MAX 1024u

#define NETLINK SANDBOX_FD(0, POLICY_LAUNCHER_NETLINK)
#define CONTROL SANDBOX_FD(0, POLICY_LAUNCHER_CONTROL)
#define LISTEN	SANDBOX_FD(0, POLICY_LAUNCHER_LISTEN)
#define DIR	SANDBOX_FD(0, POLICY_LAUNCHER_DIRS)

/* clang-format off */
static const struct sandbox_row rows[] = {
	SANDBOX_ALLOW(write, "report, log lines"),
	SANDBOX_ALLOW1(sendto, POLICY_NO_ADDRESS, "commands to the spawner, how the gate stands to the injector, who reads to the kernel, replies to tapfeed status"),
	SANDBOX_ALLOW(send, "the same on 32 bits"),
	SANDBOX_ALLOW(recvfrom, "notifications: descriptors sent along are dropped; who reads"),
	SANDBOX_ALLOW(recv, "the same on 32 bits"),

	/* Interfaces that come and go. */
	SANDBOX_ALLOW1(sendto, NETLINK, "to the kernel's address: what interfaces there are"),
	SANDBOX_ALLOW1(recvmsg, NETLINK, "its answers"),

	SANDBOX_ALLOW1(mremap, SANDBOX_INT(3, MREMAP_MAYMOVE), "more of them: realloc"),

	/* A new feed between its children after the death of one. */
	SANDBOX_ALLOW2(socketpair, SANDBOX_INT(0, AF_UNIX), SANDBOX_INT(1, SOCK_STREAM | SOCK_CLOEXEC), "a new feed"),
	SANDBOX_ALLOW2(setsockopt, POLICY_OF_SOCKET, SANDBOX_INT(2, SO_SNDBUF), "its buffer"),
	SANDBOX_ALLOW1(sendmsg, CONTROL, "its two ends to injector and capture"),
	SANDBOX_ALLOW(wait4, "the spawner's end"),

	/* tapfeed status. */
	SANDBOX_ALLOW1(accept4, LISTEN, "who asks"),
	SANDBOX_ALLOW1(getsockopt, POLICY_OF_SOCKET, "which user asks"),
	SANDBOX_ALLOW(geteuid, "which user asks"),
	SANDBOX_ALLOW(geteuid32, "the same on 32 bits"),
	SANDBOX_ALLOW2(renameat2, DIR, SANDBOX_FD(2, POLICY_LAUNCHER_DIRS), "its socket gets the interface's name"),
	SANDBOX_ALLOW1(unlinkat, DIR, "its sockets are removed at the end"),
	SANDBOX_ALLOW1(newfstatat, DIR, "whether they are still its own"),
	SANDBOX_ALLOW1(fstatat64, DIR, "the same on 32 bits"),
	SANDBOX_ALLOW1(statx, DIR, "the same, where time_t grew"),
	SANDBOX_ALLOW1(flock, DIR, "one at a time"),

	/* Standard streams. */
	SANDBOX_ALLOW2(newfstatat, SANDBOX_INT(0, 1), SANDBOX_INT(3, AT_EMPTY_PATH), "stdio: what standard output is"),
	SANDBOX_ALLOW(fstat, "the same in older libc, and again from glibc 2.39 on"),
	SANDBOX_ALLOW(fstat64, "the same on 32 bits"),
	SANDBOX_ALLOW2(statx, SANDBOX_INT(0, 1), SANDBOX_MASK(2, AT_EMPTY_PATH, AT_EMPTY_PATH), "the same, where time_t grew"),
	SANDBOX_ALLOW1(ioctl, SANDBOX_INT(1, TIOCGWINSZ), "how wide the progress line may be"),
	SANDBOX_ALLOW1(ioctl, SANDBOX_INT(1, TCGETS), "stdio: whether it is a terminal"),
	SANDBOX_ALLOW1(ioctl, SANDBOX_INT(1, TCGETS2), "the same from glibc 2.42 on"),
	SANDBOX_ALLOW(lseek, "stdio, at the end"),
	SANDBOX_ALLOW(_llseek, "the same on 32 bits"),
	SANDBOX_ALLOW(rt_sigaction, "who waits for a reader of the report can be interrupted"),
};
/* clang-format on */

struct sandbox_policy policy_launcher(const struct sandbox_fds *fds,
				      const int *dirs)
{
	return (struct sandbox_policy){
		.name = "tapfeed",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.more_rows = policy_common,
		.more_row_count = policy_common_count,
		.fds = fds,
		.fd_classes = POLICY_LAUNCHER_FDS,
		.dirs = dirs,
		.allow = landlock_allow,
		/* Who asks for the status, a new feed's two ends; and what is
		 * on its way between any processes of this user counts against
		 * the limit of one who sends some, unix(7). */
		.fds_more = STATUSD_CLIENTS + 3 + IN_FLIGHT_MAX,
		.memory_bytes = MEMORY_BYTES,
	};
}
