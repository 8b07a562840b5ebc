/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's client against a lying helper. */
#include <config.h>

#include "tests/unit/lyinghelper.h"

#define TAP_VNET ((enum tapfeed_kind)(TAPFEED_TAP | TAPFEED_VNET))

static const struct netdev_request tun_request = {
	.name = "tf%d", .kind = TAPFEED_TUN, .mtu = 1500, .queues = 1
};

static void test_valid(void **state)
{
	struct privileged_reply reply = valid();
	struct privileged_request sent = { 0 };
	enum privileged_step step;
	struct netdev netdev;
	size_t n;

	(void)state;
	answer(&reply, sizeof(reply), 1, O_WRONLY | O_NONBLOCK);
	assert_int_equal(ask(&netdev, &step), 0);
	assert_int_equal(step, PRIVILEGED_STEP_NONE);
	assert_string_equal(netdev.name, "tf0");
	assert_int_equal(netdev.kind, TAPFEED_TAP);
	assert_int_equal(netdev.ifindex, 7);
	assert_int_equal(netdev.mtu, 1500);
	assert_int_equal(netdev.queues, 1);
	assert_memory_equal(netdev.mac, reply.mac, 6);
	assert_int_equal(fcntl(netdev.queue_fd[0], F_GETFD), FD_CLOEXEC);
	close(netdev.queue_fd[0]);

	assert_int_equal(fdpass_recv(sock_pair[1], &sent, sizeof(sent), NULL, 0,
				     &n, MSG_DONTWAIT),
			 sizeof(sent));
	assert_int_equal(sent.version, PRIVILEGED_VERSION);
	assert_int_equal(sent.op, PRIVILEGED_CREATE);
	assert_int_equal(sent.kind, TAPFEED_TAP);
	assert_int_equal(sent.mtu, 1500);
	assert_int_equal(sent.queues, 1);
	assert_string_equal(sent.name, "tf%d");
}

static void test_refused(void **state)
{
	struct privileged_reply reply = { .version = PRIVILEGED_VERSION,
					  .error = EBUSY,
					  .step = PRIVILEGED_STEP_ATTACH };
	enum privileged_step step;
	struct netdev netdev;

	(void)state;
	answer(&reply, sizeof(reply), 0, 0);
	assert_int_equal(ask(&netdev, &step), -EBUSY);
	assert_int_equal(step, PRIVILEGED_STEP_ATTACH);
}

/* Every length but the right one; more and fewer descriptors than told. */
static void test_shapes(void **state)
{
	struct privileged_reply twice[2] = { valid(), valid() };
	const int mode = O_WRONLY | O_NONBLOCK;

	(void)state;
	for (size_t len = 1; len <= sizeof(twice); len++)
		assert_int_equal(ask_after(twice, len, 1, mode),
				 len == sizeof(twice[0]) ? 0 : -EPROTO);
	for (size_t n = 0; n <= 3; n++)
		assert_int_equal(ask_after(twice, sizeof(twice[0]), n, mode),
				 n == 1 ? 0 : -EPROTO);
	twice[0].queues = 0; /* success without a queue */
	assert_int_equal(ask_after(twice, sizeof(twice[0]), 0, mode), -EPROTO);
	/* Empty, which looks like the end, with a descriptor. */
	assert_int_equal(ask_after(twice, 0, 1, mode), -ECONNRESET);
}

static void test_fields(void **state)
{
#define ROW(change)                                                            \
	do {                                                                   \
		struct privileged_reply reply = valid();                       \
		change;                                                        \
		assert_int_equal(ask_after(&reply, sizeof(reply), 1,           \
					   O_WRONLY | O_NONBLOCK),             \
				 -EPROTO);                                     \
	} while (0)

	(void)state;
	ROW(reply.version = 0);
	ROW(reply.version = 2);
	ROW(reply.error = EBUSY; reply.step = PRIVILEGED_STEP_ATTACH);
	ROW(reply.error = -1);
	ROW(reply.step = PRIVILEGED_STEP_UP);
	ROW(reply.ifindex = 0);
	ROW(reply.ifindex = UINT32_MAX);
	ROW(reply.mtu = 1499);
	ROW(reply.queues = 0);
	ROW(reply.queues = 2);
	ROW(reply.reserved[17] = 1);
	ROW(memset(reply.name, 'a', sizeof(reply.name)));
	ROW(memset(reply.name, 0, sizeof(reply.name)));
	ROW(memcpy(reply.name, "eth0", 5));
	ROW(memcpy(reply.name, "tf", 3));
	ROW(memcpy(reply.name, "tf0x", 5));
	ROW(reply.mac[0] = 1);
	ROW(memset(reply.mac, 0, sizeof(reply.mac)));
#undef ROW
}

static void test_refused_wrongly(void **state)
{
	static const struct {
		int32_t error;
		uint32_t step;
	} rows[] = {
		{ EBUSY, PRIVILEGED_STEP_NONE },
		{ EBUSY, PRIVILEGED_STEP_COUNT },
		{ EBUSY, UINT32_MAX },
		{ -EBUSY, PRIVILEGED_STEP_ATTACH },
		{ INT32_MIN, PRIVILEGED_STEP_ATTACH },
		{ 0, PRIVILEGED_STEP_ATTACH },
		{ 0, PRIVILEGED_STEP_NONE }, /* success without a queue */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct privileged_reply reply = { .version = 1,
						  .error = rows[i].error,
						  .step = rows[i].step };

		assert_int_equal(ask_after(&reply, sizeof(reply), 0, 0),
				 -EPROTO);
	}
}

static void test_descriptors(void **state)
{
	static const int modes[] = { O_RDONLY | O_NONBLOCK, O_RDWR | O_NONBLOCK,
				     O_WRONLY };
	static const struct {
		const char *name;
		int flags;
	} rows[] = {
		{ NULL, 0 },
		{ "tf0", IFF_TUN | IFF_NO_PI },
		{ "tf0", IFF_TAP },
		{ "tf0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR },
		{ "tf0", IFF_TAP | IFF_NO_PI | IFF_PERSIST },
		{ "tf0", IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE },
		{ "tf0", IFF_TAP | IFF_TUN | IFF_NO_PI },
		{ "tf1", IFF_TAP | IFF_NO_PI },
		{ "eth0", IFF_TAP | IFF_NO_PI },
	};
	struct privileged_reply reply = valid();

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		assert_int_equal(ask_after(&reply, sizeof(reply), 1, modes[i]),
				 -EPROTO);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum privileged_step step;
		struct netdev netdev;

		set_up(NULL);
		tun.name = rows[i].name;
		tun.flags = rows[i].flags;
		answer(&reply, sizeof(reply), 1, O_WRONLY | O_NONBLOCK);
		assert_int_equal(ask(&netdev, &step), -EPROTO);
		tear_down(NULL);
	}
}

/* A TUN: asked for, got, with no address. */
static void test_tun(void **state)
{
	static const struct {
		int flags;
		uint8_t mac_last;
		int result;
	} rows[] = {
		{ IFF_TUN | IFF_NO_PI, 0, 0 },
		{ IFF_TUN | IFF_NO_PI, 1, -EPROTO },
		{ IFF_TAP | IFF_NO_PI, 0, -EPROTO },
		{ IFF_TUN, 0, -EPROTO },
		{ IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, 0, -EPROTO },
		{ IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE, 0, -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct privileged_reply reply = valid();
		struct privileged_request sent = { 0 };
		enum privileged_step step;
		struct netdev netdev;
		size_t n;

		memset(reply.mac, 0, sizeof(reply.mac));
		reply.mac[5] = rows[i].mac_last;
		set_up(NULL);
		tun.flags = rows[i].flags;
		answer(&reply, sizeof(reply), 1, O_WRONLY | O_NONBLOCK);
		assert_int_equal(ask_for(&tun_request, &netdev, &step),
				 rows[i].result);
		assert_int_equal(fdpass_recv(sock_pair[1], &sent, sizeof(sent),
					     NULL, 0, &n, MSG_DONTWAIT),
				 sizeof(sent));
		assert_int_equal(sent.kind, TAPFEED_TUN);
		tear_down(NULL);
		if (rows[i].result < 0)
			continue;
		assert_int_equal(netdev.kind, TAPFEED_TUN);
		assert_memory_equal(netdev.mac, reply.mac, 6);
		close(netdev.queue_fd[0]);
	}
}

/* Queues that an earlier injector left: fd is looked at, and never closed. */
static void test_adopt(void **state)
{
	static const int tap = IFF_TAP | IFF_NO_PI,
			 only_tun = IFF_TUN | IFF_NO_PI;
	static const struct {
		const char *pattern, *name; /* asked for, and the kernel's */
		enum tapfeed_kind kind;
		int flags, error, mode, result;
	} rows[] = {
		{ "tf%d", "tf7", TAPFEED_TAP, tap, 0, O_WRONLY, 0 },
		{ "tf7", "tf7", TAPFEED_TUN, only_tun, 0, O_WRONLY, 0 },
		{ "tf7", "tf7", TAPFEED_TUN, tap, 0, O_WRONLY, -EPROTO },
		{ "tf7", "tf7", TAPFEED_TAP, only_tun, 0, O_WRONLY, -EPROTO },
		{ "tf7", "tf8", TAPFEED_TAP, tap, 0, O_WRONLY, -EPROTO },
		{ "tf%d", "tfx", TAPFEED_TAP, tap, 0, O_WRONLY, -EPROTO },
		{ "tf%d", "eth0", TAPFEED_TAP, tap, 0, O_WRONLY, -EPROTO },
		{ "tf%d", "", TAPFEED_TAP, tap, 0, O_WRONLY, -EPROTO },
		{ "tf7", "tf7", TAPFEED_TAP, tap | IFF_PERSIST, 0, O_WRONLY,
		  -EPROTO },
		{ "tf7", "tf7", TAPFEED_TAP, tap, 0, O_RDWR, -EPROTO },
		{ "tf7", "tf7", TAPFEED_TAP, tap, 0, O_RDONLY, -EPROTO },
		{ "tf7", NULL, TAPFEED_TAP, 0, ENOTTY, O_WRONLY, -EPROTO },
		{ "tf7", NULL, TAPFEED_TAP, 0, EBADFD, O_WRONLY, -EBADFD },
		{ "tf7", NULL, TAPFEED_TUN, 0, EBADFD, O_WRONLY, -EBADFD },
		{ "tf7", "tf7", TAP_VNET, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, 0,
		  O_WRONLY, 0 },
		{ "tf7", "tf7", TAP_VNET, IFF_TAP | IFF_NO_PI, 0, O_WRONLY,
		  -EPROTO },
		{ "tf7", "tf7", TAPFEED_TAP, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
		  0, O_WRONLY, -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = open("/dev/null", rows[i].mode | O_NONBLOCK);
		struct netdev netdev, before;
		int r;

		memset(&netdev, 0x5a, sizeof(netdev));
		before = netdev;
		tun.name = rows[i].name;
		tun.flags = rows[i].flags;
		tun.error = rows[i].error;
		r = netdev_adopt(&fd, 1, rows[i].pattern, rows[i].kind,
				 &netdev);
		if (r != rows[i].result)
			fail_msg("row %zu: %d", i, r);
		assert_true(fcntl(fd, F_GETFD) >= 0);
		close(fd);
		if (r < 0) {
			assert_memory_equal(&netdev, &before, sizeof(before));
			continue;
		}
		assert_string_equal(netdev.name, rows[i].name);
		assert_int_equal(netdev.kind,
				 tapfeed_vnet(rows[i].kind, false));
		assert_int_equal(netdev.queues, 1);
		assert_int_equal(netdev.queue_fd[0], fd);
		assert_int_equal(netdev.ifindex, 0);
		assert_int_equal(netdev.mtu, 0);
	}
	assert_int_equal(netdev_adopt((int[]){ -1 }, 1, "tf7", TAPFEED_TAP,
				      &(struct netdev){ 0 }),
			 -EBADF);
}

/* A descriptor that would block is none of ours. */
static void test_blocking(void **state)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct netdev netdev;

	(void)state;
	set_up(NULL);
	assert_int_equal(netdev_adopt(&fd, 1, "tf0", TAPFEED_TAP, &netdev),
			 -EPROTO);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(netdev_adopt(&fd, 1, "tf0", TAPFEED_TAP, &netdev), 0);
	tear_down(NULL);
	close(fd);
}

static void test_explicit_mac(void **state)
{
	struct netdev_request with_mac = request;
	struct privileged_reply reply = valid();
	enum privileged_step step;
	struct netdev netdev;

	(void)state;
	memcpy(with_mac.mac, reply.mac, sizeof(with_mac.mac));
	for (int same = 1; same >= 0; same--) {
		int r;

		reply.mac[5] = same ? 1 : 2;
		answer(&reply, sizeof(reply), 1, O_WRONLY | O_NONBLOCK);
		r = netdev_create(sock_pair[0], &with_mac, &netdev, &step);
		assert_int_equal(r, same ? 0 : -EPROTO);
		if (r == 0)
			close(netdev.queue_fd[0]);
	}
}

static void test_gone(void **state)
{
	enum privileged_step step;
	struct netdev netdev;

	(void)state;
	fd_close(&sock_pair[1]);
	assert_int_equal(ask(&netdev, &step), -ECONNRESET);
	assert_int_equal(step, PRIVILEGED_STEP_NONE);
}

static void test_silent(void **state)
{
	enum privileged_step step;
	struct netdev netdev;
	uint64_t start_ns = clock_now_ns();

	(void)state;
	longest_wait_ns = 0;
	assert_int_equal(ask(&netdev, &step), -ETIMEDOUT);
	assert_int_equal(step, PRIVILEGED_STEP_NONE);
	assert_in_range(longest_wait_ns, 4900 * NS_PER_MS, 5 * NS_PER_S);
	assert_in_range(clock_now_ns() - start_ns, 5 * NS_PER_S, 7 * NS_PER_S);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_valid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up,
						tear_down),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_refused_wrongly),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_tun),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_blocking),
		cmocka_unit_test_setup_teardown(test_explicit_mac, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_silent, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("netdev", tests, NULL, NULL);
}
