/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors over Unix sockets. The peer is hostile: it may send too many. */
#include <config.h>

#include "common/fdpass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
};

/* Takes the descriptors out of one control message; closes those above max. */
static void take_fds(struct cmsghdr *cmsg, int *fds, size_t max, size_t *n)
{
	size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
		if (*n < max)
			fds[(*n)++] = fd;
		else
			close(fd);
	}
}

ssize_t fdpass_recv(int sock, void *msg, size_t size, int *fds, size_t max,
		    size_t *ret_n, int flags)
{
	union control control = { 0 };
	struct iovec iov = { .iov_base = msg, .iov_len = size };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t n = 0;
	ssize_t len;

	assert(max <= FDPASS_MAX);
	if (max > 0) {
		header.msg_control = &control;
		/* CMSG_SPACE pads, and the kernel would fill the padding. */
		header.msg_controllen = CMSG_LEN(max * sizeof(int));
	}
	do {
		len = recvmsg(sock, &header, flags | MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header); cmsg;
	     cmsg = CMSG_NXTHDR(&header, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_RIGHTS)
			take_fds(cmsg, fds, max, &n);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (n > 0)
			close(fds[--n]);
		return -EPROTO;
	}
	*ret_n = n;
	return len;
}
