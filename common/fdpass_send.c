/* SPDX-License-Identifier: Apache-2.0 */
/* The sender; apart from fdpass.c: the helper only sends. */
#include <config.h>

#include "common/fdpass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
};

int fdpass_send(int sock, const void *msg, size_t len, const int *fds, size_t n)
{
	union control control = { 0 };
	struct iovec iov = { .iov_len = len };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	assert(n <= FDPASS_MAX);
	memcpy(&iov.iov_base, &msg, sizeof(msg)); /* sendmsg does not write */
	if (n > 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
		header.msg_control = &control;
		header.msg_controllen = CMSG_LEN(n * sizeof(int));
	}
	do {
		sent = sendmsg(sock, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == len ? 0 : -EMSGSIZE;
}
