/* SPDX-License-Identifier: Apache-2.0 */
/* common/tunlink.c: an interface is as it was made, or it is not. */
#include <config.h>

#include "tests/unit/unit.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#include "common/tunlink.h"

#define NONE	UINT32_MAX /* leave it out */
#define TUN_MAX IFLA_TUN_NUM_DISABLED_QUEUES

/* What the kernel tells. */
struct state {
	uint16_t type;
	uint32_t flags, carrier;
	uint32_t tun[TUN_MAX + 2]; /* and one of a later kernel */
};

static union {
	struct nlmsghdr header;
	char bytes[1024];
} message;

/* A TAP of four queues, of one, and a TUN of one. */
static struct state made(enum tapfeed_kind kind, uint32_t queues)
{
	struct state state = { ARPHRD_ETHER,
			       IFF_BROADCAST | IFF_MULTICAST,
			       1,
			       { NONE, 0, NONE, IFF_TAP, 0, 0, 0, 1, queues, 0,
				 NONE } };

	if (queues == 1) {
		state.tun[IFLA_TUN_MULTI_QUEUE] = 0;
		state.tun[IFLA_TUN_NUM_QUEUES] = NONE;
		state.tun[IFLA_TUN_NUM_DISABLED_QUEUES] = NONE;
	}
	state.tun[IFLA_TUN_VNET_HDR] = (kind & TAPFEED_VNET) != 0;
	if (kind & TAPFEED_TUN) {
		state.type = ARPHRD_NONE;
		state.tun[IFLA_TUN_TYPE] = IFF_TUN;
	}
	return state;
}

static bool is_number(size_t type)
{
	return type == IFLA_TUN_OWNER || type == IFLA_TUN_GROUP ||
	       type >= IFLA_TUN_NUM_QUEUES;
}

static void put_tun(struct nlmsghdr *answer, const uint32_t *tun)
{
	struct nlattr *data = mnl_attr_nest_start(answer, IFLA_INFO_DATA);

	for (uint16_t i = 0; i <= TUN_MAX + 1; i++) {
		if (tun[i] == NONE)
			continue;
		if (is_number(i))
			mnl_attr_put_u32(answer, i, tun[i]);
		else
			mnl_attr_put_u8(answer, i, (uint8_t)tun[i]);
	}
	mnl_attr_nest_end(answer, data);
}

/* As the kernel tells it, with some more around it. */
static int told(const struct state *state, enum tapfeed_kind kind,
		uint32_t queues, int *ret_ifindex)
{
	struct nlmsghdr *answer = mnl_nlmsg_put_header(&message);
	struct ifinfomsg *info =
		mnl_nlmsg_put_extra_header(answer, sizeof(*info));
	struct nlattr *link;

	info->ifi_index = 7;
	info->ifi_type = state->type;
	info->ifi_flags = state->flags;
	mnl_attr_put_strz(answer, IFLA_IFNAME, "tf0");
	mnl_attr_put_u32(answer, IFLA_MTU, 1500);
	if (state->carrier != NONE)
		mnl_attr_put_u8(answer, IFLA_CARRIER, (uint8_t)state->carrier);
	link = mnl_attr_nest_start(answer, IFLA_LINKINFO);
	mnl_attr_put_strz(answer, IFLA_INFO_KIND, "tun");
	put_tun(answer, state->tun);
	mnl_attr_nest_end(answer, link);
	/* The same numbers elsewhere mean something else. */
	link = mnl_attr_nest_start(answer, IFLA_AF_SPEC);
	put_tun(answer, (uint32_t[TUN_MAX + 2]){ 9, 9, 9, 9, 9, 9, 9, 9 });
	mnl_attr_nest_end(answer, link);
	return tunlink_check(answer, kind, queues, ret_ifindex);
}

static void test_made(void **state)
{
	(void)state;
	for (uint32_t queues = 1; queues <= 8; queues++)
		for (int i = 0; i < 4; i++) {
			enum tapfeed_kind kind =
				tapfeed_vnet(i & 1 ? TAPFEED_TUN : TAPFEED_TAP,
					     i & 2);
			struct state good = made(kind, queues);
			int ifindex = 0;

			assert_int_equal(told(&good, kind, queues, &ifindex),
					 0);
			assert_int_equal(ifindex, 7);
			good.tun[TUN_MAX + 1] = 3;
			assert_int_equal(told(&good, kind, queues, &ifindex),
					 0);
		}
}

/* Every single thing that may differ, on each sort of interface. */
static void test_changed(void **state)
{
	(void)state;
	for (uint32_t queues = 1; queues <= 4; queues += 3)
		for (int i = 0; i < 4; i++) {
			enum tapfeed_kind kind =
				tapfeed_vnet(i & 1 ? TAPFEED_TUN : TAPFEED_TAP,
					     i & 2);
			const struct state good = made(kind, queues);
			struct state bad;
			int ifindex;

			for (size_t at = 1; at <= TUN_MAX; at++)
				for (uint32_t to = 0; to < 7; to++) {
					bad = good;
					/* 6: it is not told */
					bad.tun[at] = to == 6 ? NONE : to;
					if (bad.tun[at] == good.tun[at])
						continue;
					if (told(&bad, kind, queues,
						 &ifindex) != -EUSERS)
						fail_msg("%zu: %u", at, to);
				}
			bad = good;
			bad.carrier = 0;
			assert_int_equal(told(&bad, kind, queues, &ifindex),
					 -EUSERS);
			bad.carrier = NONE;
			assert_int_equal(told(&bad, kind, queues, &ifindex),
					 -EUSERS);
			bad = good;
			bad.flags |= IFF_UP;
			assert_int_equal(told(&bad, kind, queues, &ifindex),
					 -EUSERS);
			bad = good;
			bad.type = ARPHRD_PPP;
			assert_int_equal(told(&bad, kind, queues, &ifindex),
					 -EUSERS);
		}
}

/* Large numbers, of which some bits are as they should be. */
static void test_users(void **state)
{
	static const uint32_t numbers[] = { 1000, 65534, 65536, 1u << 31,
					    UINT32_MAX - 1 };
	int ifindex;

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct state bad = made(TAPFEED_TAP, 2);

		bad.tun[IFLA_TUN_OWNER] = numbers[i];
		assert_int_equal(told(&bad, TAPFEED_TAP, 2, &ifindex), -EUSERS);
		bad = made(TAPFEED_TAP, 2);
		bad.tun[IFLA_TUN_GROUP] = numbers[i];
		assert_int_equal(told(&bad, TAPFEED_TAP, 2, &ifindex), -EUSERS);
	}
}

/* Another kind of interface, an older kernel: nothing of it is told. */
static void test_untold(void **state)
{
	struct nlmsghdr *answer = mnl_nlmsg_put_header(&message);
	struct ifinfomsg *info =
		mnl_nlmsg_put_extra_header(answer, sizeof(*info));
	struct nlattr *link;
	int ifindex;

	(void)state;
	info->ifi_type = ARPHRD_ETHER;
	assert_int_equal(tunlink_check(answer, TAPFEED_TAP, 1, &ifindex),
			 -EUSERS);
	mnl_attr_put_u8(answer, IFLA_CARRIER, 1);
	link = mnl_attr_nest_start(answer, IFLA_LINKINFO);
	mnl_attr_put_strz(answer, IFLA_INFO_KIND, "tun");
	mnl_attr_nest_end(answer, link);
	assert_int_equal(tunlink_check(answer, TAPFEED_TAP, 1, &ifindex),
			 -EUSERS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_untold),
	};

	return cmocka_run_group_tests_name("tunlink", tests, NULL, NULL);
}
