/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row a system call: its name, what its arguments must be, why. It may open
 * files, but only to read them, and only where Landlock lets it; and it may
 * connect, but only to sockets of this host's file system.
 */
#include <config.h>

#include "launcher/status_policy.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/policy.h"
#include "common/selftest.h"
#include "launcher/runtime.h"
#include "launcher/statusask.h"

/* Two rounds of as many feeds and their replies as there may be. */
#define MEMORY_BYTES                                                           \
	(2u * STATUSASK_FEEDS_MAX *                                            \
		 (sizeof(struct statusask_feed) + 2u * CONTROL_REPLY_MAX) +    \
	 (64u << 20))

/* Nothing that writes, creates or cuts: O_ACCMODE is O_RDONLY. */
#define READ_ONLY(arg)                                                         \
	SANDBOX_MASK(arg,                                                      \
		     0xffffffffu & ~(uint64_t)(O_CLOEXEC | O_DIRECTORY |       \
					       O_NOFOLLOW | O_NONBLOCK |       \
					       O_LARGEFILE | O_PATH),          \
		     0)
#define STREAM SANDBOX_INT(1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

/* clang-format off */
static const struct sandbox_row rows[] = {
	/* Runtime directories, /proc/PID/status. */
	SANDBOX_ALLOW1(openat, READ_ONLY(2), "runtime directories, sockets' files, /proc/PID/status"),
	SANDBOX_ALLOW1(open, READ_ONLY(1), "the same in older libc"),
	SANDBOX_ALLOW(getdents64, "what is in a runtime directory"),
	SANDBOX_ALLOW(newfstatat, "whose a directory is, whether a file is a socket; stdio"),
	SANDBOX_ALLOW(fstatat64, "the same on 32 bits"),
	SANDBOX_ALLOW(fstat, "the same in older libc, and again from glibc 2.39 on"),
	SANDBOX_ALLOW(fstat64, "the same on 32 bits"),
	SANDBOX_ALLOW(stat, "glob(3) in older libc"),
	SANDBOX_ALLOW(lstat, "the same"),
	SANDBOX_ALLOW(statx, "the same on 32 bits"),
	SANDBOX_ALLOW1(fcntl, POLICY_GETFL, "fdopendir(3)"),
	SANDBOX_ALLOW1(fcntl64, POLICY_GETFL, "the same on 32 bits"),
	SANDBOX_ALLOW1(fcntl, SANDBOX_INT(1, F_SETFD), "opendir(3) in older libc"),

	/* Sockets of feeds that died. */
	SANDBOX_ALLOW(flock, "one at a time"),
	SANDBOX_ALLOW1(unlinkat, SANDBOX_INT(2, 0), "removed; never a directory"),

	/* Feeds. */
	SANDBOX_ALLOW3(socket, SANDBOX_INT(0, AF_UNIX), STREAM, SANDBOX_INT(2, 0), "to ask a feed"),
	SANDBOX_ALLOW(connect, "the same"),
	SANDBOX_ALLOW1(getsockopt, POLICY_OF_SOCKET, "as which user it listens"),
	SANDBOX_ALLOW1(sendto, POLICY_NO_ADDRESS, "the question"),
	SANDBOX_ALLOW(send, "the same on 32 bits"),
	SANDBOX_ALLOW(recv, "its answer on 32 bits"),
	SANDBOX_ALLOW(geteuid, "whether that user is believed"),
	SANDBOX_ALLOW(geteuid32, "the same on 32 bits"),

	/* Standard streams. */
	SANDBOX_ALLOW(write, "what is shown, log lines"),
	SANDBOX_ALLOW1(ioctl, SANDBOX_INT(1, TCGETS), "stdio: whether it is a terminal"),
	SANDBOX_ALLOW1(ioctl, SANDBOX_INT(1, TCGETS2), "the same from glibc 2.42 on"),
	SANDBOX_ALLOW(lseek, "stdio, at the end"),
	SANDBOX_ALLOW(_llseek, "the same on 32 bits"),

	/* Memory. */
	SANDBOX_ALLOW1(mremap, SANDBOX_INT(3, MREMAP_MAYMOVE), "a text that grows: realloc"),
	SANDBOX_ALLOW(sysinfo, "qsort(3): how much memory there is"),
};
/* clang-format on */

struct sandbox_policy status_policy(const int *dirs, const int *read_dirs)
{
	return (struct sandbox_policy){
		.name = "tapfeed status",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.more_rows = policy_common,
		.more_row_count = policy_common_count,
		.dirs = dirs,
		.read_dirs = read_dirs,
		.allow = landlock_allow,
		/* Each feed and directory, and what is open for a moment. */
		.fds_more = STATUSASK_FEEDS_MAX + 2 * RUNTIME_DIRS_MAX + 8,
		.memory_bytes = MEMORY_BYTES,
	};
}

int status_seal(void)
{
	const uint64_t keep = UINT64_C(1) << CAP_DAC_OVERRIDE;
	int parents[RUNTIME_PARENTS_MAX], read[RUNTIME_PARENTS_MAX + 1];
	struct sandbox_policy policy = status_policy(parents, read);
	size_t n = 0;
	/* Root asks everybody's feeds, and removes what dead ones left. */
	int r = sandbox_drop(NULL,
			     geteuid() == 0 && sandbox_holds(CAP_DAC_OVERRIDE)
				     ? keep
				     : 0);

	if (r < 0)
		return r;
	runtime_open_parents(parents);
	for (; parents[n] >= 0; n++)
		read[n] = parents[n];
	read[n] = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	read[n + 1] = -1;
	policy.trap = selftest_armed();
	r = sandbox_seal(&policy);
	for (n = 0; read[n] >= 0; n++)
		fd_close(&read[n]);
	return r;
}
