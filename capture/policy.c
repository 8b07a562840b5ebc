/* SPDX-License-Identifier: Apache-2.0 */
/* One row a system call: its name, what its arguments must be, why. */
#include <config.h>

#include "capture/policy.h"

#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/policy.h"

/* Programs of a filter, messages; each file's blocks and zstd's window. */
#define MEMORY_BYTES (64u << 20)
#define SOURCE_BYTES (UINT64_C(32) << 20)

#define HANDLE	SANDBOX_FD(0, POLICY_CAPTURE_HANDLES)
#define CONTROL SANDBOX_FD(0, POLICY_CAPTURE_CONTROL)
#define NOTIFY	SANDBOX_FD(0, POLICY_CAPTURE_NOTIFY)

/* clang-format off */
static const struct sandbox_row rows[] = {
	/* A packet socket sends what is written to it: handles are left out. */
	SANDBOX_ALLOW1(write, SANDBOX_FD(0, POLICY_CAPTURE_WRITTEN), "the feed, log lines"),
	SANDBOX_ALLOW2(sendto, NOTIFY, POLICY_NO_ADDRESS, "notifications"),
	SANDBOX_ALLOW1(send, NOTIFY, "the same on 32 bits"),
	SANDBOX_ALLOW1(recvmsg, CONTROL, "a new feed after the injector's restart"),
	SANDBOX_ALLOW1(getsockopt, POLICY_OF_SOCKET, "what kind of socket a new feed is; libpcap: a handle's error"),
	SANDBOX_ALLOW1(fcntl, POLICY_GETFL, "a new feed is made non-blocking"),
	SANDBOX_ALLOW2(fcntl, POLICY_SETFL, POLICY_FL_VALUE, "the same"),
	SANDBOX_ALLOW1(fcntl64, POLICY_GETFL, "the same on 32 bits"),
	SANDBOX_ALLOW2(fcntl64, POLICY_SETFL, POLICY_FL_VALUE, "the same"),

	/* Interfaces: receiving is reading a ring that is mapped already. */
	SANDBOX_ALLOW3(getsockopt, HANDLE, SANDBOX_INT(1, SOL_PACKET), SANDBOX_INT(2, PACKET_STATISTICS), "what the kernel dropped"),
	SANDBOX_ALLOW1(getsockname, HANDLE, "libpcap and we, once the interface is down: is it gone?"),
	SANDBOX_ALLOW2(ioctl, HANDLE, SANDBOX_INT(1, SIOCGIFFLAGS), "libpcap, once the interface is down"),

	/* Files. */
	SANDBOX_ALLOW(lseek, "--loop"),
	SANDBOX_ALLOW(_llseek, "the same on 32 bits"),
	SANDBOX_ALLOW1(mremap, SANDBOX_INT(3, MREMAP_MAYMOVE), "a larger block: realloc"),
};
/* clang-format on */

struct sandbox_policy policy_capture(const struct sandbox_fds *fds,
				     size_t source_count)
{
	return (struct sandbox_policy){
		.name = "tapfeed-capture",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.more_rows = policy_common,
		.more_row_count = policy_common_count,
		.fds = fds,
		.fd_classes = POLICY_CAPTURE_FDS,
		.fds_more = POLICY_CAPTURE_FDS_MORE,
		.memory_bytes = MEMORY_BYTES + source_count * SOURCE_BYTES,
	};
}
