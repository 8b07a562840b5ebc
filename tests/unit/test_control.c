/* SPDX-License-Identifier: Apache-2.0 */
/* injector/control.c: what is the end of the control socket, and what is not.
 */
#include <config.h>

#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/fd.h"
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

/* What messages without a byte come to, with a signal every period_us (0:
 * none). */
static enum control take_empty(int rounds, uint64_t period_us)
{
	struct itimerval timer = {
		.it_interval.tv_usec = (suseconds_t)period_us,
		.it_value.tv_usec = (suseconds_t)period_us,
	};
	struct sigaction action = { .sa_handler = hear }, before;
	enum control what = CONTROL_NOTHING;

	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
	for (int i = 0; i < rounds && what == CONTROL_NOTHING; i++) {
		uint64_t frames_taken;
		int fd;

		while (send(ends[1], "", 0, MSG_NOSIGNAL) < 0)
			assert_int_equal(errno, EINTR);
		what = control_take(ends[0], &fd, &frames_taken);
	}
	timer.it_interval.tv_usec = timer.it_value.tv_usec = 0;
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	return what;
}

static void test_empty_messages(void **state)
{
	(void)state;
	assert_int_equal(take_empty(10, 0), CONTROL_NOTHING);
}

static void test_empty_messages_under_signals(void **state)
{
	(void)state;
	assert_int_equal(take_empty(ROUNDS, SIGNAL_US), CONTROL_NOTHING);
}

static void test_end(void **state)
{
	uint64_t frames_taken;
	int fd;

	(void)state;
	assert_int_equal(take_empty(1, 0), CONTROL_NOTHING);
	fd_close(&ends[1]);
	assert_int_equal(control_take(ends[0], &fd, &frames_taken),
			 CONTROL_END);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty_messages),
		TEST(test_empty_messages_under_signals),
		TEST(test_end),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
