/* SPDX-License-Identifier: Apache-2.0 */
/* injector/control.c: what is the end of the control socket, and what is not;
 * messages about the gate. */
#include <config.h>

#include "tests/unit/unit.h"

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
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
