/* SPDX-License-Identifier: Apache-2.0 */
/* common/signals.c with fd_poll(): no stop signal is lost. Each test in a
 * process of its own. */
#include <config.h>

#include "tests/unit/unit.h"

#include <poll.h>
#include <signal.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/signals.h"

#define SOON (clock_now_ns() + 100 * NS_PER_MS)

static int counted(void)
{
	EXPECT(signals_wait_mask() == NULL);
	EXPECT(signals_init(false) == 0);
	EXPECT(signals_wait_mask() != NULL);
	EXPECT(signals_stop_count() == 0);
	kill(getpid(), SIGTERM);
	signals_check();
	EXPECT(signals_stop_count() == 1);
	EXPECT(signals_last_stop() == SIGTERM);
	kill(getpid(), SIGINT);
	signals_check();
	EXPECT(signals_stop_count() == 2);
	EXPECT(signals_last_stop() == SIGINT);
	signals_check();
	EXPECT(signals_stop_count() == 2);
	return 0;
}

static int blocked_outside_poll(void)
{
	EXPECT(signals_init(false) == 0);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
	usleep(1000);
	EXPECT(signals_stop_count() == 0);
	EXPECT(fd_poll(NULL, 0, SOON) == 0);
	EXPECT(signals_stop_count() == 2); /* both, in one poll */
	return 0;
}

/* Sends number to the parent a little later. */
static void send_later(int number)
{
	if (fork() != 0)
		return;
	usleep(50000);
	kill(getppid(), number);
	_exit(0);
}

static int wakes_poll(void)
{
	struct pollfd fd = { .fd = -1, .revents = POLLIN };

	EXPECT(signals_init(false) == 0);
	send_later(SIGTERM);
	EXPECT(fd_poll(&fd, 1, CLOCK_NEVER) == 0);
	EXPECT(fd.revents == 0);
	EXPECT(signals_stop_count() == 1);
	/* Blocked again. */
	kill(getpid(), SIGTERM);
	EXPECT(signals_stop_count() == 1);
	return 0;
}

static int child_wakes_poll(void)
{
	uint64_t start = clock_now_ns();

	EXPECT(signals_init(true) == 0);
	send_later(SIGCHLD);
	EXPECT(fd_poll(NULL, 0, start + 20 * NS_PER_S) == 0);
	EXPECT(clock_now_ns() - start < 10 * NS_PER_S);
	EXPECT(signals_stop_count() == 0);
	kill(getpid(), SIGCHLD);
	signals_check();
	EXPECT(signals_stop_count() == 0);
	return 0;
}

static int child_does_not_wake_poll(void)
{
	uint64_t deadline = SOON;

	EXPECT(signals_init(false) == 0);
	kill(getpid(), SIGCHLD);
	EXPECT(fd_poll(NULL, 0, deadline) == 0);
	EXPECT(clock_now_ns() >= deadline);
	return 0;
}

static int ready_and_deadline(void)
{
	uint64_t deadline = SOON;
	struct pollfd fd = { .events = POLLIN };
	int ends[2];

	EXPECT(signals_init(false) == 0);
	EXPECT(pipe(ends) == 0);
	fd.fd = ends[0];
	EXPECT(fd_poll(&fd, 1, 0) == 0); /* long past */
	EXPECT(fd_poll(&fd, 1, deadline) == 0);
	EXPECT(clock_now_ns() >= deadline);
	EXPECT(write(ends[1], "x", 1) == 1);
	EXPECT(fd_poll(&fd, 1, CLOCK_NEVER) == 1);
	EXPECT(fd.revents == POLLIN);
	return 0;
}

/* However many come: the count goes up and does not overflow. */
static int many(void)
{
	EXPECT(signals_init(false) == 0);
	for (int i = 0; i < 1000; i++) {
		int before = signals_stop_count();

		kill(getpid(), SIGINT);
		signals_check();
		EXPECT(signals_stop_count() >= before);
	}
	EXPECT(signals_stop_count() >= 3 && signals_stop_count() <= 1000);
	return 0;
}

static int broken_pipe(void)
{
	int ends[2];

	EXPECT(signals_init(false) == 0);
	EXPECT(pipe(ends) == 0);
	close(ends[0]);
	EXPECT(fd_write(ends[1], "x", 1) == -EPIPE);
	kill(getpid(), SIGXFSZ); /* ignored too */
	return 0;
}

/* What a child finds at its start: the defaults, stop signals waiting. */
static int reset(void)
{
	sigset_t mask, pending;

	EXPECT(signals_init(true) == 0);
	kill(getpid(), SIGTERM);
	signals_reset();
	for (int number = 1; number <= SIGSYS; number++) {
		struct sigaction action;

		EXPECT(sigaction(number, NULL, &action) == 0);
		EXPECT(action.sa_handler == SIG_DFL);
	}
	EXPECT(sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
	for (int number = 1; number <= SIGSYS; number++)
		EXPECT(sigismember(&mask, number) ==
		       (number == SIGTERM || number == SIGINT));
	EXPECT(sigpending(&pending) == 0);
	EXPECT(sigismember(&pending, SIGTERM));
	return 0;
}

/*
 * Busy descriptors must not keep a stop signal out for ever: ppoll(2) does not
 * deliver one where something is ready, and nobody calls signals_check().
 */
static int stop_beside_ready_fd(void)
{
	struct pollfd fd = { .events = POLLIN };
	int ends[2];

	EXPECT(signals_init(false) == 0);
	EXPECT(pipe(ends) == 0);
	EXPECT(write(ends[1], "x", 1) == 1);
	fd.fd = ends[0];
	kill(getpid(), SIGTERM);
	for (int i = 0; i < 10; i++)
		(void)fd_poll(&fd, 1, CLOCK_NEVER);
	EXPECT(signals_stop_count() == 1);
	return 0;
}

/* One that was taken elsewhere, in a log line say, does not wait for an event.
 */
static int unheard(void)
{
	uint64_t began = clock_now_ns();

	EXPECT(stop_beside_ready_fd() == 0);
	kill(getpid(), SIGINT);
	signals_check();
	EXPECT(signals_unheard());
	EXPECT(fd_poll(NULL, 0, began + 5 * NS_PER_S) == 0);
	EXPECT(clock_now_ns() < began + NS_PER_S);
	EXPECT(signals_stop_count() == 2);
	/* Asked about, it is no reason any more. */
	EXPECT(!signals_unheard());
	EXPECT(fd_poll(NULL, 0, clock_now_ns() + 50 * NS_PER_MS) == 0);
	EXPECT(clock_now_ns() >= began + 50 * NS_PER_MS);
	return 0;
}

#define TEST(name)                                                             \
	static void test_##name(void **state)                                  \
	{                                                                      \
		(void)state;                                                   \
		run_in_child(name);                                            \
	}

TEST(counted)
TEST(blocked_outside_poll)
TEST(wakes_poll)
TEST(child_wakes_poll)
TEST(child_does_not_wake_poll)
TEST(ready_and_deadline)
TEST(many)
TEST(broken_pipe)
TEST(reset)
TEST(stop_beside_ready_fd)
TEST(unheard)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_blocked_outside_poll),
		cmocka_unit_test(test_wakes_poll),
		cmocka_unit_test(test_child_wakes_poll),
		cmocka_unit_test(test_child_does_not_wake_poll),
		cmocka_unit_test(test_ready_and_deadline),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_broken_pipe),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_stop_beside_ready_fd),
		cmocka_unit_test(test_unheard),
	};

	return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
