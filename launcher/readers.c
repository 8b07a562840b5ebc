/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet sockets, by sock_diag(7). Only the kernel is believed on this socket,
 * which is connected to it: nobody else's messages arrive, and none can be sent
 * to anybody else. What it says is bounded and checked all the same.
 */
#include <config.h>

#include "launcher/readers.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fd.h"

/* The kernel fills no larger ones. */
#define BUFFER_BYTES ((size_t)32 * 1024)

/* Datagrams of one turn: some 4000 sockets. */
#define TURN_DATAGRAMS 16

/* Of the first answer. */
#define FIRST_TURNS 64

struct found {
	bool has_info;
	bool ring;
	struct packet_diag_info info;
	uint32_t fanout;
	uint32_t rmem;
};

/* splitmix64's last step: sums of it tell sets apart, in any order. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static int on_attribute(const struct nlattr *attribute, void *data)
{
	struct found *found = data;
	const void *value = mnl_attr_get_payload(attribute);
	size_t len = mnl_attr_get_payload_len(attribute);

	switch (mnl_attr_get_type(attribute)) {
	case PACKET_DIAG_INFO:
		found->has_info = len >= sizeof(found->info);
		if (found->has_info)
			memcpy(&found->info, value, sizeof(found->info));
		break;
	case PACKET_DIAG_RX_RING:
		found->ring = true;
		break;
	case PACKET_DIAG_FANOUT:
		if (len >= sizeof(found->fanout))
			memcpy(&found->fanout, value, sizeof(found->fanout));
		break;
	case PACKET_DIAG_MEMINFO: /* SK_MEMINFO_RMEM_ALLOC is the first one */
		if (len >= sizeof(found->rmem))
			memcpy(&found->rmem, value, sizeof(found->rmem));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* One socket. Those of lldpd, DHCP clients and the like, which want one
 * protocol, are no readers; nor are those of all interfaces (ifindex 0). */
static void on_socket(struct readers_set *set, uint32_t ifindex,
		      const struct nlmsghdr *header)
{
	const struct packet_diag_msg *message = mnl_nlmsg_get_payload(header);
	struct found found = { 0 };

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message) ||
	    message->pdiag_family != AF_PACKET)
		return;
	(void)mnl_attr_parse(header, sizeof(*message), on_attribute, &found);
	if (!found.has_info || found.info.pdi_index != ifindex ||
	    !(found.info.pdi_flags & PDI_RUNNING))
		return;
	if (found.ring)
		set->rings++;
	else
		set->queued_bytes += found.rmem;
	if (message->pdiag_num != ETH_P_ALL)
		return;
	set->count++;
	set->mark += mix((uint64_t)message->pdiag_cookie[1] << 32 |
			 message->pdiag_cookie[0]) +
		     mix((uint64_t)message->pdiag_ino << 32 | found.fanout) +
		     found.ring;
}

/* The kernel's refusal: a negative errno. */
static int error_of(const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*error) ||
	    error->error >= 0 || error->error < -4095)
		return -EPROTO;
	return error->error;
}

/* Whether the message is there, with the padding that libmnl counts to it. It
 * takes a length beyond 2^31 for a negative one, which fits. */
static bool is_whole(const struct nlmsghdr *header, int left)
{
	size_t len = left < (int)sizeof(*header) ? 0 : header->nlmsg_len;

	return mnl_nlmsg_ok(header, left) &&
	       len + -len % MNL_ALIGNTO <= (size_t)left;
}

int readers_parse(struct readers_set *set, uint32_t ifindex, uint32_t sequence,
		  const void *data, size_t len)
{
	const struct nlmsghdr *header = data;
	int left = len > INT32_MAX ? 0 : (int)len;

	for (; is_whole(header, left); header = mnl_nlmsg_next(header, &left)) {
		if (header->nlmsg_seq != sequence) /* was given up before */
			continue;
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (header->nlmsg_type == NLMSG_ERROR)
			return error_of(header);
		if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			on_socket(set, ifindex, header);
	}
	return 0;
}

int readers_ask(struct readers *readers)
{
	alignas(struct nlmsghdr) char buf[MNL_ALIGN(64)] = { 0 };
	struct nlmsghdr *header = mnl_nlmsg_put_header(buf);
	struct packet_diag_req *request;

	if (readers->asked)
		return 0;
	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = ++readers->sequence;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->sdiag_family = AF_PACKET;
	request->pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_RING_CFG |
			      PACKET_SHOW_FANOUT | PACKET_SHOW_MEMINFO;
	/* send, not sendto: it is connected, and needs no address. */
	if (send(readers->fd, header, header->nlmsg_len, MSG_DONTWAIT) < 0)
		return -errno;
	readers->building = (struct readers_set){ 0 };
	readers->asked = true;
	return 0;
}

/* One datagram: 1 at the end of the answer, 0 for more, or a negative errno;
 * the kernel makes each as the one before is taken, so none is waited for. */
static int take_one(struct readers *readers, uint32_t ifindex)
{
	alignas(struct nlmsghdr) char buf[BUFFER_BYTES];
	struct sockaddr_nl from = { 0 };
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(readers->fd, buf, sizeof(buf),
			     MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from,
			     &size);

	if (n < 0)
		return -errno;
	if (size != sizeof(from) || from.nl_family != AF_NETLINK ||
	    from.nl_pid != 0) /* the kernel's */
		return 0;
	if ((size_t)n > sizeof(buf))
		return -EMSGSIZE;
	return readers_parse(&readers->building, ifindex, readers->sequence,
			     buf, (size_t)n);
}

int readers_take(struct readers *readers, uint32_t ifindex,
		 struct readers_set *ret_set)
{
	int r = 0;

	if (!readers->asked)
		return 0;
	for (int i = 0; r == 0 && i < TURN_DATAGRAMS; i++)
		r = take_one(readers, ifindex);
	if (r == 0)
		return 0;
	readers->asked = false;
	if (r > 0)
		*ret_set = readers->building;
	return r;
}

/* The first answer, now: it loads the kernel's module, and says whether there
 * is one. */
static int first_answer(struct readers *readers)
{
	struct readers_set set;
	int r = readers_ask(readers);

	for (int i = 0; r == 0 && i < FIRST_TURNS; i++)
		r = readers_take(readers, 0, &set);
	return r < 0 ? r : 0;
}

int readers_init(struct readers *readers)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int r;

	*readers = (struct readers){ 0 };
	readers->fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_SOCK_DIAG);
	if (readers->fd < 0)
		return -errno;
	if (connect(readers->fd, (const struct sockaddr *)&kernel,
		    sizeof(kernel)) < 0)
		r = -errno;
	else
		r = first_answer(readers);
	if (r < 0)
		readers_done(readers);
	return r;
}

void readers_done(struct readers *readers)
{
	fd_close(&readers->fd);
}
