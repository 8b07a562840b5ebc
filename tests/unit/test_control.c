/* SPDX-License-Identifier: Apache-2.0 */
/* injector/control.c: what is the end of the control socket, and what is not;
 * messages about the gate. */
#include <config.h>

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/fd.h"
#include "common/fdpass.h"
#include "common/log.h"
#include "injector/control.h"

#define ROUNDS	  20000
#define SIGNAL_US 20

static int ends[2];

static int set_up(void **state)
{
	(void)state;
	log_init((enum log_level)0, NULL, false);
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return 0;
}

static void hear(int signal_number)
{
	(void)signal_number;
}

/* Whether messages without a byte are the end, with a signal every period_us
 * (0: none). */
static bool take_empty(int rounds, uint64_t period_us)
{
	struct itimerval timer = {
		.it_interval.tv_usec = (suseconds_t)period_us,
		.it_value.tv_usec = (suseconds_t)period_us,
	};
	struct sigaction action = { .sa_handler = hear }, before;
	struct control control = { 0 };

	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
	for (int i = 0; i < rounds && !control.end; i++) {
		while (send(ends[1], "", 0, MSG_NOSIGNAL) < 0)
			assert_int_equal(errno, EINTR);
		control_take(ends[0], &control);
		assert_int_equal(control.feed_fd, -1);
		assert_false(control.gate_said);
	}
	timer.it_interval.tv_usec = timer.it_value.tv_usec = 0;
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	return control.end;
}

static void test_empty_messages(void **state)
{
	(void)state;
	assert_false(take_empty(10, 0));
}

static void test_empty_messages_under_signals(void **state)
{
	(void)state;
	assert_false(take_empty(ROUNDS, SIGNAL_US));
}

static void test_end(void **state)
{
	struct control control;

	(void)state;
	assert_false(take_empty(1, 0));
	fd_close(&ends[1]);
	control_take(ends[0], &control);
	assert_true(control.end);
}

static void say(const void *message, size_t len, int fd)
{
	assert_int_equal(
		fdpass_send(ends[1], message, len, &fd, fd >= 0 ? 1 : 0), 0);
}

static void test_gate(void **state)
{
	struct worker_gate gate = { .version = WORKER_VERSION,
				    .flags = WORKER_GATE_PAUSED,
				    .frames_read = 7 };
	struct control control;

	(void)state;
	say(&gate, sizeof(gate), -1);
	gate.flags = WORKER_GATE_OPEN;
	say(&gate, sizeof(gate), -1);
	control_take(ends[0], &control);
	assert_true(control.gate_said);
	assert_false(control.end);
	assert_int_equal(control.feed_fd, -1);
	assert_int_equal(control.gate.flags, WORKER_GATE_OPEN);
	assert_int_equal(control.gate.frames_read, 7);
	control_take(ends[0], &control);
	assert_false(control.gate_said);
}

/* Neither takes what the other says away. */
static void test_gate_and_feed(void **state)
{
	const struct worker_gate gate = { .version = WORKER_VERSION,
					  .flags = WORKER_GATE_OPEN };
	const struct worker_feed feed = { .version = WORKER_VERSION,
					  .frames_taken = 5 };
	struct control control;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	say(&gate, sizeof(gate), -1);
	say(&feed, sizeof(feed), pair[0]);
	say("?", 1, -1);
	control_take(ends[0], &control);
	assert_true(control.gate_said);
	assert_true(control.feed_fd >= 0);
	assert_int_equal(control.frames_taken, 5);
	fd_close(&control.feed_fd);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

static void test_bad_gates(void **state)
{
	static const struct {
		struct worker_gate gate;
		size_t len;
		bool with_fd;
	} bad[] = {
		{ { 0, WORKER_GATE_OPEN, 0, 0 }, 24, false },
		{ { WORKER_VERSION + 1, WORKER_GATE_OPEN, 0, 0 }, 24, false },
		{ { WORKER_VERSION, 4, 0, 0 }, 24, false },
		{ { WORKER_VERSION, UINT32_MAX, 0, 0 }, 24, false },
		{ { WORKER_VERSION, WORKER_GATE_OPEN, 0, 1 }, 24, false },
		{ { WORKER_VERSION, WORKER_GATE_OPEN, 0, 0 }, 23, false },
		{ { WORKER_VERSION, WORKER_GATE_OPEN, 0, 0 }, 16, false },
		{ { WORKER_VERSION, WORKER_GATE_OPEN, 0, 0 }, 8, false },
		{ { WORKER_VERSION, WORKER_GATE_OPEN, 0, 0 }, 24, true },
	};
	const size_t fds = open_fds();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct control control;

		say(&bad[i].gate, bad[i].len, bad[i].with_fd ? ends[0] : -1);
		control_take(ends[0], &control);
		assert_false(control.gate_said);
		assert_false(control.end);
		assert_int_equal(control.feed_fd, -1);
		assert_int_equal(open_fds(), fds);
	}
}

/* Closed, and the feed before is not forgotten for them. */
static void test_bad_feeds(void **state)
{
	static const struct {
		struct worker_feed feed;
		size_t len;
		int type; /* of the socket; 0: a directory */
	} bad[] = {
		{ { 0, 0, 5 }, 16, SOCK_STREAM },
		{ { WORKER_VERSION + 1, 0, 5 }, 16, SOCK_STREAM },
		{ { WORKER_VERSION, 1, 5 }, 16, SOCK_STREAM },
		{ { WORKER_VERSION, 0, 5 }, 15, SOCK_STREAM },
		{ { WORKER_VERSION, 0, 5 }, 8, SOCK_STREAM },
		{ { WORKER_VERSION, 0, 5 }, 16, SOCK_SEQPACKET },
		{ { WORKER_VERSION, 0, 5 }, 16, 0 },
	};
	const size_t fds = open_fds();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int pair[2] = { open("/", O_RDONLY | O_CLOEXEC), -1 };
		struct control control;

		if (bad[i].type) {
			fd_close(&pair[0]);
			assert_int_equal(
				socketpair(AF_UNIX, bad[i].type, 0, pair), 0);
		}
		say(&bad[i].feed, bad[i].len, pair[0]);
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		control_take(ends[0], &control);
		if (control.feed_fd >= 0)
			fail_msg("row %zu was taken", i);
		assert_int_equal(control.frames_taken, 0);
		assert_false(control.end);
		assert_int_equal(open_fds(), fds);
	}
}

/* The last one counts; and none does where the other end is gone. */
static void test_two_feeds(void **state)
{
	struct worker_feed feed = { .version = WORKER_VERSION };
	const size_t fds = open_fds();
	struct control control;
	int pair[2];

	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		for (uint64_t i = 1; i <= 2; i++) {
			feed.frames_taken = i;
			say(&feed, sizeof(feed), pair[0]);
		}
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		if (closed)
			fd_close(&ends[1]);
		control_take(ends[0], &control);
		assert_int_equal(control.end, closed);
		assert_int_equal(control.feed_fd >= 0, !closed);
		if (!closed)
			assert_int_equal(control.frames_taken, 2);
		fd_close(&control.feed_fd);
		assert_int_equal(open_fds(), fds - (size_t)closed);
	}
}

/* More than a message has, and more descriptors: left out, not the end. */
static void test_too_much(void **state)
{
	const struct worker_gate gate = { .version = WORKER_VERSION,
					  .flags = WORKER_GATE_OPEN };
	const uint8_t large[256] = { WORKER_VERSION };
	const int two[] = { ends[0], ends[0] };
	const size_t fds = open_fds();
	struct control control;

	(void)state;
	say(large, sizeof(large), -1);
	assert_int_equal(fdpass_send(ends[1], &gate, sizeof(gate), two, 2), 0);
	say(&gate, sizeof(gate), -1);
	control_take(ends[0], &control);
	assert_false(control.end);
	assert_true(control.gate_said);
	assert_int_equal(control.feed_fd, -1);
	assert_int_equal(open_fds(), fds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty_messages),
		TEST(test_empty_messages_under_signals),
		TEST(test_end),
		TEST(test_gate),
		TEST(test_gate_and_feed),
		TEST(test_bad_gates),
		TEST(test_bad_feeds),
		TEST(test_two_feeds),
		TEST(test_too_much),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
