/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any holder of a queue may have changed the interface; what is told of it is
 * the kernel's, and well-formed.
 */
#include <config.h>

#include "common/tunlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#define UNTOLD UINT32_MAX

struct told {
	uint32_t type; /* ARPHRD_x */
	uint32_t up;
	uint32_t carrier;
	/* By IFLA_TUN_x; those that later kernels may have are none of ours. */
	uint32_t tun[IFLA_TUN_NUM_DISABLED_QUEUES + 1];
	uint32_t depth; /* of attributes, while they are read */
};

static int read_attribute(const struct nlattr *attr, void *data)
{
	static const uint16_t inwards[] = { IFLA_LINKINFO, IFLA_INFO_DATA };
	uint16_t type = mnl_attr_get_type(attr);
	struct told *told = data;

	if (told->depth == 0 && type == IFLA_CARRIER)
		told->carrier = mnl_attr_get_u8(attr);
	if (told->depth < 2 && type == inwards[told->depth]) {
		told->depth++;
		(void)mnl_attr_parse_nested(attr, read_attribute, told);
		told->depth--;
	} else if (told->depth == 2 && type <= IFLA_TUN_NUM_DISABLED_QUEUES) {
		told->tun[type] = mnl_attr_get_payload_len(attr) == 1
					  ? mnl_attr_get_u8(attr)
					  : mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

int tunlink_check(const struct nlmsghdr *answer, enum tapfeed_kind kind,
		  uint32_t queues, int *ret_ifindex)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(answer);
	const bool tun = kind & TAPFEED_TUN, several = queues > 1;
	const struct told wanted = {
		.type = tun ? ARPHRD_NONE : ARPHRD_ETHER,
		.carrier = 1,
		.tun = { [IFLA_TUN_UNSPEC] = UNTOLD,
			 [IFLA_TUN_GROUP] = UNTOLD,
			 [IFLA_TUN_TYPE] = tun ? IFF_TUN : IFF_TAP,
			 [IFLA_TUN_VNET_HDR] = (kind & TAPFEED_VNET) != 0,
			 [IFLA_TUN_MULTI_QUEUE] = several,
			 [IFLA_TUN_NUM_QUEUES] = several ? queues : UNTOLD,
			 [IFLA_TUN_NUM_DISABLED_QUEUES] =
				 several ? 0 : UNTOLD },
	};
	struct told told = { .type = info->ifi_type,
			     .up = info->ifi_flags & IFF_UP };

	memset(told.tun, 0xff, sizeof(told.tun)); /* UNTOLD */
	(void)mnl_attr_parse(answer, sizeof(*info), read_attribute, &told);
	*ret_ifindex = info->ifi_index;
	return memcmp(&told, &wanted, sizeof(told)) == 0 ? 0 : -EUSERS;
}
