/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink by libmnl. Only the kernel answers; values were checked before. */
#include <config.h>

#include "privileged/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/tunlink.h"

int link_init(struct link *link)
{
	link->nl = mnl_socket_open(NETLINK_ROUTE);
	if (!link->nl || mnl_socket_bind(link->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	link->fd = mnl_socket_get_fd(link->nl);
	return 0;
}

/* Sends the request and waits for its acknowledgement, or where it asks for
 * the one message that tells. */
static int transact(struct link *link)
{
	unsigned int port = mnl_socket_get_portid(link->nl);
	struct nlmsghdr *message = &link->message.header;
	ssize_t n;
	bool asks = message->nlmsg_type == RTM_GETLINK;
	int r;

	message->nlmsg_flags |= NLM_F_REQUEST | (asks ? 0 : NLM_F_ACK);
	message->nlmsg_seq = ++link->seq;
	if (mnl_socket_sendto(link->nl, message, message->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(link->nl, message, sizeof(link->message));
	if (n < 0)
		return -errno;
	r = mnl_cb_run(message, (size_t)n, link->seq, port, NULL, NULL);
	if (r < 0)
		return -errno;
	return r == (asks ? MNL_CB_OK : MNL_CB_STOP) ? 0 : -EPROTO;
}

/* Begins a request about the interface; one that changes it sets flags. */
static struct nlmsghdr *link_message(struct link *link, uint16_t type,
				     unsigned int flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(&link->message);
	struct ifinfomsg *info =
		mnl_nlmsg_put_extra_header(request, sizeof(*info));

	request->nlmsg_type = type;
	info->ifi_index = link->ifindex;
	info->ifi_flags = flags;
	info->ifi_change = flags;
	return request;
}

static int transact_by_name(struct link *link, uint16_t type, const char *name)
{
	mnl_attr_put_strz(link_message(link, type, 0), IFLA_IFNAME, name);
	return transact(link);
}

int link_check(struct link *link, const char *name, enum tapfeed_kind kind,
	       uint32_t queues)
{
	int r = transact_by_name(link, RTM_GETLINK, name);

	return r < 0 ? r
		     : tunlink_check(&link->message.header, kind, queues,
				     &link->ifindex);
}

int link_delete(struct link *link, const char *name)
{
	return transact_by_name(link, RTM_DELLINK, name);
}

/* EAFNOSUPPORT is as good: no IPv6 in the kernel, or none with that MTU. */
static int no_autoconfiguration(struct link *link)
{
	struct nlmsghdr *request = link_message(link, RTM_NEWLINK, 0);
	struct nlattr *families = mnl_attr_nest_start(request, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(request, AF_INET6);
	int r;

	mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE,
			IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request, inet6);
	mnl_attr_nest_end(request, families);
	r = transact(link);
	return r == -EAFNOSUPPORT ? 0 : r;
}

/* A random address: locally administered, unicast. */
static int random_mac(uint8_t mac[6])
{
	/* Not by libc, which maps memory for it from glibc 2.41 on. */
	if (syscall(SYS_getrandom, mac, 6, 0) != 6)
		return -errno;
	mac[0] = (uint8_t)((mac[0] & ~0x01) | 0x02);
	return 0;
}

int link_set(struct link *link, uint32_t mtu, unsigned int flags, uint8_t *mac)
{
	struct nlmsghdr *request;
	int r = mac && bytes_zero(mac, 6) ? random_mac(mac) : 0;

	if (r < 0)
		return r;
	request = link_message(link, RTM_NEWLINK, flags);
	if (mac)
		mnl_attr_put(request, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(request, IFLA_MTU, mtu);
	r = transact(link);
	/* Last: below 1280 the kernel forgets it together with all of IPv6. */
	return r < 0 ? r : no_autoconfiguration(link);
}

/* Begins a traffic control message, which makes what is not there yet. */
static struct nlmsghdr *tc_message(struct link *link, uint16_t type,
				   uint32_t parent, const char *kind)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(&link->message);
	struct tcmsg *tcm = mnl_nlmsg_put_extra_header(request, sizeof(*tcm));

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	tcm->tcm_ifindex = link->ifindex;
	tcm->tcm_parent = parent;
	if (type == RTM_NEWTFILTER) /* priority and protocol */
		tcm->tcm_info = TC_H_MAKE(1u << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(request, TCA_KIND, kind);
	return request;
}

/* tc filter add dev X SIDE protocol all prio 1 bpf da bytecode '1,6 0 0 2' */
static int drop_all(struct link *link, uint32_t side)
{
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
	};
	struct nlmsghdr *request =
		tc_message(link, RTM_NEWTFILTER, TC_H_MAKE(TC_H_CLSACT, side),
			   "bpf");
	struct nlattr *options = mnl_attr_nest_start(request, TCA_OPTIONS);

	mnl_attr_put_u16(request, TCA_BPF_OPS_LEN, 1);
	mnl_attr_put(request, TCA_BPF_OPS, sizeof(program), program);
	mnl_attr_put_u32(request, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(request, options);
	return transact(link);
}

int link_shield(struct link *link)
{
	int r;

	(void)tc_message(link, RTM_NEWQDISC, TC_H_CLSACT, "clsact");
	r = transact(link);
	if (r == 0)
		r = drop_all(link, TC_H_MIN_INGRESS);
	return r < 0 ? r : drop_all(link, TC_H_MIN_EGRESS);
}

int link_up(struct link *link, uid_t uid)
{
	struct nlmsghdr *request = link_message(link, RTM_NEWLINK, IFF_UP);
	char alias[32];

	snprintf(alias, sizeof(alias), "tapfeed uid=%u", (unsigned int)uid);
	mnl_attr_put_str(request, IFLA_IFALIAS, alias);
	return transact(link);
}
