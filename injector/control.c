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
#include "proto/worker.h"

/* Messages taken in one go. */
#define TAKE_MAX 64

static bool feed_valid(const struct worker_feed *message, size_t len, size_t n,
		       int fd)
{
	return len == sizeof(*message) && message->version == WORKER_VERSION &&
	       message->reserved == 0 && n == 1 &&
	       sock_is_connected(fd, SOCK_STREAM);
}

/* A message without a byte looks like the end of file; poll(2) does not. One
 * that a signal broke off says nothing: the end is still there to be seen. */
static bool hung_up(int sock)
{
	struct pollfd pollfd = { .fd = sock, .events = 0 };

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & POLLHUP);
}

enum control control_take(int sock, int *ret_fd, uint64_t *ret_frames_taken)
{
	enum control what = CONTROL_NOTHING;

	for (int i = 0; i < TAKE_MAX; i++) {
		struct worker_feed message = { 0 };
		int fd = -1;
		size_t n = 0;
		ssize_t len = fdpass_recv(sock, &message, sizeof(message), &fd,
					  1, &n, MSG_DONTWAIT);

		if (len == -EAGAIN)
			break;
		if ((len < 0 && len != -EPROTO) ||
		    (len == 0 && n == 0 && hung_up(sock))) {
			if (what == CONTROL_FEED)
				fd_close(ret_fd);
			return CONTROL_END;
		}
		if (len < 0 || !feed_valid(&message, (size_t)len, n, fd)) {
			log_warning("a message on the control socket is not "
				    "understood; it is left out");
			if (len >= 0 && n > 0)
				fd_close(&fd);
			continue;
		}
		if (what == CONTROL_FEED)
			fd_close(ret_fd);
		what = CONTROL_FEED;
		*ret_fd = fd;
		*ret_frames_taken = message.frames_taken;
	}
	return what;
}
