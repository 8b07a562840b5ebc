/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket. tapfeed is at its other end, which reads what children
 * say: it is believed no more than they are. */
#include <config.h>

#include "injector/control.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "common/fdpass.h"
#include "common/log.h"
#include "common/sock.h"

/* Messages taken in one go. */
#define TAKE_MAX 64

union message {
	struct worker_feed feed;
	struct worker_gate gate;
};

static bool feed_valid(const struct worker_feed *feed, size_t len, size_t n,
		       int fd)
{
	return len == sizeof(*feed) && feed->version == WORKER_VERSION &&
	       feed->reserved == 0 && n == 1 &&
	       sock_is_connected(fd, SOCK_STREAM);
}

static bool gate_valid(const struct worker_gate *gate, size_t len, size_t n)
{
	const uint32_t known = WORKER_GATE_OPEN | WORKER_GATE_PAUSED;

	return len == sizeof(*gate) && gate->version == WORKER_VERSION &&
	       (gate->flags & ~known) == 0 && gate->reserved == 0 && n == 0;
}

/* A message without a byte looks like the end of file; poll(2) does not. One
 * that a signal broke off says nothing: the end is still there to be seen. */
static bool hung_up(int sock)
{
	struct pollfd pollfd = { .fd = sock, .events = 0 };

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & POLLHUP);
}

/* Acts on one message, and closes the descriptor that it does not keep. */
static void take_message(struct control *control, const union message *message,
			 size_t len, int *fd, size_t n)
{
	if (feed_valid(&message->feed, len, n, *fd)) {
		fd_close(&control->feed_fd);
		control->feed_fd = *fd;
		control->frames_taken = message->feed.frames_taken;
		return;
	}
	if (n > 0)
		fd_close(fd);
	if (gate_valid(&message->gate, len, n)) {
		control->gate_said = true;
		control->gate = message->gate;
		return;
	}
	log_warning("a message on the control socket is not understood; it is "
		    "left out");
}

void control_take(int sock, struct control *ret_control)
{
	*ret_control = (struct control){ .feed_fd = -1 };
	for (int i = 0; i < TAKE_MAX; i++) {
		union message message = { 0 };
		int fd = -1;
		size_t n = 0;
		ssize_t len = fdpass_recv(sock, &message, sizeof(message), &fd,
					  1, &n, MSG_DONTWAIT);

		if (len == -EAGAIN)
			return;
		if ((len < 0 && len != -EPROTO) ||
		    (len == 0 && n == 0 && hung_up(sock))) {
			fd_close(&ret_control->feed_fd);
			ret_control->end = true;
			return;
		}
		take_message(ret_control, &message, len > 0 ? (size_t)len : 0,
			     &fd, n);
	}
}
