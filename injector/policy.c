/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row a system call: its name, what its arguments must be, why. There is no
 * ioctl: the queue's descriptor is a bundle of powers, where it is kept at all.
 * There is no sendmsg, by which it could go to somebody else.
 */
#include <config.h>

#include "injector/policy.h"

#include <linux/io_uring.h>
#include <sys/socket.h>

#include "common/policy.h"
#include "injector/queue.h"
#include "proto/limits.h"

/* Frames of peers that join, and messages. */
#define MEMORY_BYTES (64u << 20)

#define CONTROL SANDBOX_FD(0, POLICY_INJECTOR_CONTROL)
#define LISTEN	SANDBOX_FD(0, POLICY_INJECTOR_LISTEN)
#define NOTIFY	SANDBOX_FD(0, POLICY_INJECTOR_NOTIFY)
#define RING	SANDBOX_FD(0, POLICY_INJECTOR_RING)
/* Of io_uring_enter(2): waiting, and nothing else; no set of signals. */
#define RING_WAITS	SANDBOX_MASK(3, 0xffffffffu & ~IORING_ENTER_GETEVENTS, 0)
#define RING_NO_SIGNALS SANDBOX_MASK(4, UINT64_MAX, 0)

/* clang-format off */
static const struct sandbox_row rows[] = {
	SANDBOX_ALLOW(write, "frames to the queue where there is no ring, Welcome and Report to peers, log lines"),
	SANDBOX_ALLOW3(io_uring_enter, RING, RING_WAITS, RING_NO_SIGNALS, "frames to the queue by the ring, which can do nothing else"),
	SANDBOX_ALLOW2(sendto, NOTIFY, POLICY_NO_ADDRESS, "notifications"),
	SANDBOX_ALLOW1(send, NOTIFY, "the same on 32 bits"),
	SANDBOX_ALLOW1(recvmsg, CONTROL, "a new feed after a restart"),
	SANDBOX_ALLOW1(accept4, LISTEN, "captures that join"),
	SANDBOX_ALLOW1(getsockopt, POLICY_OF_SOCKET, "who joins; what kind of socket a new feed is"),
	SANDBOX_ALLOW(getpeername, "whether a new feed is connected"),
	SANDBOX_ALLOW1(fcntl, POLICY_GETFL, "a new feed is made non-blocking"),
	SANDBOX_ALLOW2(fcntl, POLICY_SETFL, POLICY_FL_VALUE, "the same"),
	SANDBOX_ALLOW1(fcntl64, POLICY_GETFL, "the same on 32 bits"),
	SANDBOX_ALLOW2(fcntl64, POLICY_SETFL, POLICY_FL_VALUE, "the same"),
};
/* clang-format on */

struct sandbox_policy policy_injector(const struct sandbox_fds *fds,
				      uint32_t queue_size)
{
	const uint64_t queue_bytes =
		(uint64_t)queue_size * sizeof(struct queue_entry);

	return (struct sandbox_policy){
		.name = "tapfeed-injector",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.more_rows = policy_common,
		.more_row_count = policy_common_count,
		.fds = fds,
		.fd_classes = POLICY_INJECTOR_FDS,
		/* Those who join, one that is refused, a new feed. */
		.fds_more = TAPFEED_PEERS_MAX + 2,
		.memory_bytes = MEMORY_BYTES + TAPFEED_PEERS_MAX * queue_bytes,
	};
}
