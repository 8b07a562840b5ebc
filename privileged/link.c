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
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/bytes.h"

/* The largest message below is some 150 bytes; an error repeats its request. */
#define MESSAGE_MAX 1024

union message {
	struct nlmsghdr header;
	char bytes[MESSAGE_MAX];
};

int link_init(struct link *link)
{
	link->nl = mnl_socket_open(NETLINK_ROUTE);
	if (!link->nl || mnl_socket_bind(link->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return 0;
}

void link_done(struct link *link)
{
	if (link->nl)
		mnl_socket_close(link->nl);
}

int link_fd(const struct link *link)
{
	return link->nl ? mnl_socket_get_fd(link->nl) : -1;
}

/* Sends a request and waits for its acknowledgement. */
static int transact(struct link *link, struct nlmsghdr *request)
{
	unsigned int port = mnl_socket_get_portid(link->nl);
	union message answer;
	ssize_t n;
	int r;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = ++link->seq;
	if (mnl_socket_sendto(link->nl, request, request->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(link->nl, &answer, sizeof(answer));
	if (n < 0)
		return -errno;
	r = mnl_cb_run(&answer, (size_t)n, link->seq, port, NULL, NULL);
	if (r < 0)
		return -errno;
	return r == MNL_CB_STOP ? 0 : -EPROTO;
}

/* Begins an RTM_NEWLINK that sets flags. */
static struct nlmsghdr *link_message(const struct link *link,
				     union message *message, unsigned int flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(message);
	struct ifinfomsg *info;

	request->nlmsg_type = RTM_NEWLINK;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_index = link->ifindex;
	info->ifi_flags = flags;
	info->ifi_change = flags;
	return request;
}

/* EAFNOSUPPORT is as good: a kernel without IPv6, or an MTU too small for it.
 */
static int no_autoconfiguration(struct link *link)
{
	union message message;
	struct nlmsghdr *request = link_message(link, &message, 0);
	struct nlattr *families = mnl_attr_nest_start(request, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(request, AF_INET6);
	int r;

	mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE,
			IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request, inet6);
	mnl_attr_nest_end(request, families);
	r = transact(link, request);
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

int link_set(struct link *link, const char *name, uint32_t mtu, uint8_t *mac)
{
	union message message;
	struct nlmsghdr *request;
	struct ifreq ifr = { 0 };
	int r;

	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (ioctl(link_fd(link), SIOCGIFINDEX, &ifr) < 0)
		return -errno;
	link->ifindex = ifr.ifr_ifindex;
	r = mac && bytes_zero(mac, 6) ? random_mac(mac) : 0;
	if (r < 0)
		return r;
	request = link_message(link, &message, IFF_NOARP);
	if (mac)
		mnl_attr_put(request, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(request, IFLA_MTU, mtu);
	r = transact(link, request);
	/* Last: below 1280 the kernel forgets it together with all of IPv6. */
	return r < 0 ? r : no_autoconfiguration(link);
}

/* Begins a traffic control message, which makes what is not there yet. */
static struct nlmsghdr *tc_message(const struct link *link,
				   union message *message, uint16_t type,
				   uint32_t parent, const char *kind)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(message);
	struct tcmsg *tcm;

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	tcm = mnl_nlmsg_put_extra_header(request, sizeof(*tcm));
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
	union message message;
	struct nlmsghdr *request =
		tc_message(link, &message, RTM_NEWTFILTER,
			   TC_H_MAKE(TC_H_CLSACT, side), "bpf");
	struct nlattr *options = mnl_attr_nest_start(request, TCA_OPTIONS);

	mnl_attr_put_u16(request, TCA_BPF_OPS_LEN, 1);
	mnl_attr_put(request, TCA_BPF_OPS, sizeof(program), program);
	mnl_attr_put_u32(request, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(request, options);
	return transact(link, request);
}

int link_shield(struct link *link)
{
	union message message;
	int r = transact(link, tc_message(link, &message, RTM_NEWQDISC,
					  TC_H_CLSACT, "clsact"));

	if (r == 0)
		r = drop_all(link, TC_H_MIN_INGRESS);
	if (r == 0)
		r = drop_all(link, TC_H_MIN_EGRESS);
	return r;
}

int link_up(struct link *link, uid_t uid)
{
	union message message;
	struct nlmsghdr *request = link_message(link, &message, IFF_UP);
	char alias[32];

	snprintf(alias, sizeof(alias), "tapfeed uid=%u", (unsigned int)uid);
	mnl_attr_put_str(request, IFLA_IFALIAS, alias);
	return transact(link, request);
}
