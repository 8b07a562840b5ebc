/* SPDX-License-Identifier: Apache-2.0 */
/* Watching an interface. Only the kernel is believed on this socket. */
#include <config.h>

#include "launcher/linkwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdalign.h>

#include "common/fd.h"

#define BUFFER_BYTES ((size_t)32 * 1024)

int linkwatch_init(struct linkwatch *watch)
{
	int r;

	*watch = (struct linkwatch){ 0 };
	watch->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!watch->socket)
		return -errno;
	r = fd_set_nonblock(mnl_socket_get_fd(watch->socket));
	if (r == 0 &&
	    mnl_socket_bind(watch->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	if (r < 0)
		linkwatch_done(watch);
	return r;
}

void linkwatch_done(struct linkwatch *watch)
{
	if (watch->socket)
		mnl_socket_close(watch->socket);
	watch->socket = NULL;
}

int linkwatch_fd(const struct linkwatch *watch)
{
	return watch->socket ? mnl_socket_get_fd(watch->socket) : -1;
}

/*
 * For what happened before, or while the socket's buffer was full: the kernel
 * answers by this same socket, with ENODEV where it is gone.
 */
static void ask(struct linkwatch *watch)
{
	alignas(struct nlmsghdr) char buf[MNL_ALIGN(64)] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info;

	if (!watch->ifindex)
		return;
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_index = (int)watch->ifindex;
	(void)mnl_socket_sendto(watch->socket, request, request->nlmsg_len);
}

void linkwatch_set(struct linkwatch *watch, unsigned int ifindex)
{
	watch->ifindex = ifindex;
	ask(watch);
}

static int on_message(const struct nlmsghdr *header, void *data)
{
	struct linkwatch *watch = data;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);

	watch->changed = true;
	/* A port that leaves a bridge is told of as deleted, of AF_BRIDGE. */
	if (header->nlmsg_type == RTM_DELLINK &&
	    info->ifi_family == AF_UNSPEC && info->ifi_index > 0 &&
	    (unsigned int)info->ifi_index == watch->ifindex)
		watch->gone = true;
	return MNL_CB_OK;
}

void linkwatch_read(struct linkwatch *watch)
{
	alignas(struct nlmsghdr) char buf[BUFFER_BYTES];
	ssize_t n = mnl_socket_recvfrom(watch->socket, buf, sizeof(buf));

	if (n > 0 && mnl_cb_run(buf, (size_t)n, 0, 0, on_message, watch) < 0) {
		watch->gone = watch->gone || errno == ENODEV;
	} else if (n < 0 && errno == ENOBUFS) {
		watch->changed = true;
		ask(watch);
	}
}
