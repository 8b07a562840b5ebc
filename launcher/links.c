/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces by rtnetlink(7). Only the kernel is believed on this socket. */
#include <config.h>

#include "launcher/links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_BYTES ((size_t)32 * 1024)

/* The kernel stacks no deeper. */
#define DEPTH_MAX 8

/* Of reading all interfaces, while others come and go. */
#define TRIES 64

int links_init(struct links *links)
{
	*links = (struct links){ 0 };
	links->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!links->socket)
		return -errno;
	if (mnl_socket_bind(links->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int error = errno;

		links_done(links);
		return -error;
	}
	return 0;
}

void links_done(struct links *links)
{
	if (links->socket)
		mnl_socket_close(links->socket);
	free(links->entries);
	*links = (struct links){ 0 };
}

static struct links_entry *add(struct links *links)
{
	if (links->count == links->room) {
		size_t room = links->room ? 2 * links->room : 64;
		struct links_entry *entries =
			realloc(links->entries, room * sizeof(*entries));

		if (!entries)
			return NULL;
		links->entries = entries;
		links->room = room;
	}
	return &links->entries[links->count++];
}

static int on_attribute(const struct nlattr *attribute, void *data)
{
	struct links_entry *entry = data;
	const void *value = mnl_attr_get_payload(attribute);
	size_t len = mnl_attr_get_payload_len(attribute);
	struct rtnl_link_stats64 stats;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		if (len <= sizeof(entry->name))
			memcpy(entry->name, value, len);
		entry->name[sizeof(entry->name) - 1] = '\0';
		break;
	case IFLA_MASTER:
		memcpy(&entry->master, value, sizeof(entry->master));
		break;
	case IFLA_LINK:
		memcpy(&entry->lower, value, sizeof(entry->lower));
		break;
	case IFLA_LINK_NETNSID: /* that number is of another namespace */
		entry->lower_foreign = true;
		break;
	case IFLA_STATS64:
		if (len < sizeof(stats))
			break;
		memcpy(&stats, value, sizeof(stats));
		entry->rx_frames = stats.rx_packets;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *header, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct links_entry *entry;

	if (header->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	entry = add(data);
	if (!entry)
		return MNL_CB_ERROR;
	*entry = (struct links_entry){
		.ifindex = (unsigned int)info->ifi_index,
		.up = info->ifi_flags & IFF_UP,
	};
	return mnl_attr_parse(header, sizeof(*info), on_attribute, entry);
}

/* Whether a dump ends in these messages. */
static bool has_end(const void *buf, int len)
{
	const struct nlmsghdr *header = buf;

	for (; mnl_nlmsg_ok(header, len); header = mnl_nlmsg_next(header, &len))
		if (header->nlmsg_type == NLMSG_DONE ||
		    header->nlmsg_type == NLMSG_ERROR)
			return true;
	return false;
}

/*
 * Reads a dump to its end: what was left would be taken for the next one. 0 or
 * a negative errno: -EINTR where an interface came or went meanwhile.
 */
static int read_dump(struct links *links)
{
	alignas(struct nlmsghdr) char buf[BUFFER_BYTES];
	unsigned int port = mnl_socket_get_portid(links->socket);
	bool interrupted = false;
	int r = MNL_CB_OK;

	while (r > MNL_CB_STOP) {
		ssize_t n =
			mnl_socket_recvfrom(links->socket, buf, sizeof(buf));

		r = n < 0 ? MNL_CB_ERROR
			  : mnl_cb_run(buf, (size_t)n, 0, port, on_link, links);
		if (r < 0 && n > 0 && errno == EINTR) {
			interrupted = true;
			r = has_end(buf, (int)n) ? MNL_CB_STOP : MNL_CB_OK;
		}
	}
	if (r < 0)
		return -errno;
	return interrupted ? -EINTR : 0;
}

int links_load(struct links *links)
{
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < TRIES; i++) {
		alignas(struct nlmsghdr) char buf[MNL_ALIGN(64)] = { 0 };
		struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

		request->nlmsg_type = RTM_GETLINK;
		request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
		if (mnl_socket_sendto(links->socket, request,
				      request->nlmsg_len) < 0)
			return -errno;
		links->count = 0;
		r = read_dump(links);
	}
	return r;
}

const struct links_entry *links_find(const struct links *links,
				     unsigned int ifindex)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->entries[i].ifindex == ifindex)
			return &links->entries[i];
	return NULL;
}

static bool carries(const struct links *links, unsigned int upper,
		    unsigned int lower, int depth)
{
	const struct links_entry *entry = links_find(links, lower);

	if (upper == lower)
		return true;
	if (!entry || depth == DEPTH_MAX)
		return false;
	if (entry->master && carries(links, upper, entry->master, depth + 1))
		return true;
	for (size_t i = 0; i < links->count; i++)
		if (links->entries[i].lower == lower &&
		    !links->entries[i].lower_foreign &&
		    links->entries[i].ifindex != lower &&
		    carries(links, upper, links->entries[i].ifindex, depth + 1))
			return true;
	return false;
}

bool links_carries(const struct links *links, unsigned int upper,
		   unsigned int lower)
{
	return carries(links, upper, lower, 0);
}

/* Whether port is in a bridge or bond that carries lower. */
static bool in_one(const struct links *links, const struct links_entry *port,
		   unsigned int lower)
{
	return port && port->master &&
	       links_carries(links, port->master, lower);
}

bool links_bridged(const struct links *links, unsigned int port,
		   unsigned int lower)
{
	const struct links_entry *entry = links_find(links, port);

	/* As a veth's lower one the kernel names its other end. */
	return in_one(links, entry, lower) ||
	       (entry && entry->lower && !entry->lower_foreign &&
		in_one(links, links_find(links, entry->lower), lower));
}
