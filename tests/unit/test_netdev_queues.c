/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces of several queues: a lying helper, and what was stored. */
#include <config.h>

#include "tests/unit/lyinghelper.h"

#include <limits.h>

/* As many queues as were asked for, each of its own, and of one kind. */
static void test_queues(void **state)
{
	static const int several = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE;
	static const struct {
		uint32_t wanted, told;
		size_t sent;
		int flags, result;
	} rows[] = {
		{ 4, 4, 4, several, 0 },
		{ 8, 8, 8, several, 0 },
		{ 1, 1, 1, IFF_TAP | IFF_NO_PI, 0 },
		{ 4, 4, 3, several, -EPROTO },
		{ 4, 3, 3, several, -EPROTO },
		{ 4, 3, 4, several, -EPROTO },
		{ 4, 5, 5, several, -EPROTO },
		{ 8, 9, 9, several, -EPROTO },
		{ 1, 2, 2, several, -EPROTO },
		{ 2, 1, 1, several, -EPROTO },
		{ 1, 1, 1, several, -EPROTO },
		{ 4, 4, 4, IFF_TAP | IFF_NO_PI, -EPROTO },
		{ 4, 4, 4, several | IFF_VNET_HDR, -EPROTO },
		{ 4, 0, 0, several, -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct netdev_request wanted = request;
		struct privileged_reply reply = valid();
		enum privileged_step step;
		struct netdev netdev;

		wanted.queues = rows[i].wanted;
		reply.queues = rows[i].told;
		set_up(NULL);
		tun.flags = rows[i].flags;
		answer(&reply, sizeof(reply), rows[i].sent,
		       O_WRONLY | O_NONBLOCK);
		if (ask_for(&wanted, &netdev, &step) != rows[i].result)
			fail_msg("row %zu", i);
		tear_down(NULL);
		if (rows[i].result < 0)
			continue;
		assert_int_equal(netdev.queues, rows[i].wanted);
		while (netdev.queues > 0)
			close(netdev.queue_fd[--netdev.queues]);
	}
}

/* What others may have set while the interface was not root's yet. */
static void test_set_anew(void **state)
{
	static const unsigned long requests[] = { 0, TUNSETSNDBUF,
						  TUNSETOFFLOAD };
	struct privileged_reply reply = valid();
	enum privileged_step step;
	struct netdev netdev;

	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		set_up(NULL);
		tun.sndbuf = 1;
		tun.offload = 1;
		tun.refused = requests[i];
		answer(&reply, sizeof(reply), 1, O_WRONLY | O_NONBLOCK);
		assert_int_equal(ask(&netdev, &step), i ? -EPROTO : 0);
		tear_down(NULL);
		if (i == 0) {
			assert_int_equal(tun.sndbuf, INT_MAX);
			assert_int_equal(tun.offload, 0);
			close(netdev.queue_fd[0]);
		}
	}
}

/* One queue twice, or one of another interface: none is taken. */
static void test_queues_adopted(void **state)
{
	int fds[PRIVILEGED_QUEUES_MAX];
	struct netdev netdev;

	(void)state;
	tun.name = "tf7";
	tun.flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE;
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = open("/dev/null", O_WRONLY | O_NONBLOCK);
	for (size_t n = 2; n <= COUNT(fds); n++) {
		int kept = fds[n - 1];

		assert_int_equal(
			netdev_adopt(fds, n, "tf%d", TAPFEED_TAP, &netdev), 0);
		assert_string_equal(netdev.name, "tf7");
		assert_int_equal(netdev.queues, n);
		assert_memory_equal(netdev.queue_fd, fds, n * sizeof(*fds));
		fds[n - 1] = dup(fds[0]);
		assert_int_equal(netdev_adopt(fds, n, "tf%d", TAPFEED_TAP,
					      &netdev),
				 -EPROTO);
		close(fds[n - 1]);
		assert_int_equal(netdev_adopt(fds, n, "tf%d", TAPFEED_TAP,
					      &netdev),
				 -EBADF);
		fds[n - 1] = kept;
		tun.other = fds[n - 1];
		assert_int_equal(netdev_adopt(fds, n, "tf%d", TAPFEED_TAP,
					      &netdev),
				 -EPROTO);
		tun.other = -1;
	}
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_set_anew),
		cmocka_unit_test(test_queues_adopted),
	};

	return cmocka_run_group_tests_name("netdev queues", tests, NULL, NULL);
}
