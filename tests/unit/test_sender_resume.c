/* SPDX-License-Identifier: Apache-2.0 */
/* capture/sender.c over several feeds: injectors that die and are followed by
 * others. */
#include <config.h>

#include "tests/unit/senderfeed.h"

#include "common/fdpass.h"
#include "proto/worker.h"

static int add(uint64_t i)
{
	return add_frame(1500, 1500, i, 0);
}

/* Sends a new feed over the control socket, and makes its far end ours. */
static void give_feed(void)
{
	struct worker_feed message = { .version = WORKER_VERSION };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(fdpass_send(control, &message, sizeof(message),
				     &ends[0], 1),
			 0);
	close(ends[0]);
	fd_close(&far);
	far = ends[1];
}

static void expect_hello(uint64_t sequence)
{
	Tapfeed__Frame *frame = must_hear();

	assert_int_equal(frame->message_case, TAPFEED__FRAME__MESSAGE_HELLO);
	assert_int_equal(frame->hello->sequence, sequence);
	tapfeed__frame__free_unpacked(frame, NULL);
}

static void expect_batch(uint64_t sequence, size_t n)
{
	Tapfeed__Frame *frame = must_hear();

	assert_int_equal(frame->message_case, TAPFEED__FRAME__MESSAGE_BATCH);
	assert_int_equal(frame->batch->sequence, sequence);
	assert_int_equal(frame->batch->n_captured_len, n);
	tapfeed__frame__free_unpacked(frame, NULL);
}

static void wait_once(void)
{
	assert_int_equal(
		sender_wait(sender, NULL, 0, clock_now_ns() + NS_PER_S), 0);
}

/* What was collected, and not sent, goes over the new feed. */
static void test_between_batches(void **state)
{
	(void)state;
	assert_int_equal(add(0), 0);
	assert_int_equal(sender_flush(sender), 0);
	expect_batch(0, 1);
	assert_int_equal(add(1), 0);
	assert_int_equal(add(2), 0);
	fd_close(&far);
	wait_once();
	assert_false(sender_welcome(sender));
	give_feed();
	wait_once();
	expect_hello(1);
	assert_int_equal(open_gate(), 0);
	assert_int_equal(add(3), 0);
	assert_int_equal(sender_flush(sender), 0);
	expect_batch(1, 3);
}

/* The batch that was under way is lost; its successor is waited for. */
static void test_while_sending(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) { /* an injector that dies, and the next one */
		uint64_t next;

		alarm(CHILD_SECONDS);
		sender_free(sender);
		usleep(50000);
		give_feed();
		{
			Tapfeed__Frame *frame = must_hear();

			next = frame->hello->sequence;
		}
		say_welcome(TAPFEED_FEED_VERSION);
		for (;;) {
			Tapfeed__Frame *frame = must_hear();

			if (frame->message_case ==
			    TAPFEED__FRAME__MESSAGE_END) {
				say_report(0);
				_exit(frame->end->sequence == next ? 0 : 2);
			}
			if (frame->batch->sequence != next)
				_exit(3);
			next += frame->batch->n_captured_len;
		}
	}
	fd_close(&far);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(add(i), 0);
	assert_int_equal(sender_end(sender, &counters), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Nobody has answered End: it is said again. */
static void test_before_report(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		Tapfeed__Frame *frame;

		alarm(CHILD_SECONDS);
		sender_free(sender);
		frame = must_hear();
		if (frame->message_case != TAPFEED__FRAME__MESSAGE_BATCH)
			_exit(1);
		frame = must_hear();
		if (frame->message_case != TAPFEED__FRAME__MESSAGE_END)
			_exit(2);
		give_feed();
		frame = must_hear();
		if (frame->hello->sequence != 1)
			_exit(3);
		say_welcome(TAPFEED_FEED_VERSION);
		frame = must_hear();
		if (frame->message_case != TAPFEED__FRAME__MESSAGE_END ||
		    frame->end->sequence != 1)
			_exit(4);
		say_report(1);
		_exit(0);
	}
	fd_close(&far);
	assert_int_equal(add(0), 0);
	assert_int_equal(sender_end(sender, &counters), 0);
	assert_int_equal(counters.told_injected, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Started without a feed, and behind others that were fed. */
static void test_first_by_control(void **state)
{
	(void)state;
	sender_free(sender);
	fd_close(&far);
	assert_int_equal(sender_new(-1, near_control, "eth1", 1000, &sender),
			 0);
	assert_int_equal(sender_hello(sender), 0);
	give_feed();
	wait_once();
	expect_hello(1000);
	assert_int_equal(open_gate(), 0);
	assert_int_equal(add(0), 0);
	assert_int_equal(sender_flush(sender), 0);
	expect_batch(1000, 1);
}

/* While stopping, nobody starts an injector any more. */
static void test_lost_and_stopped(void **state)
{
	(void)state;
	assert_int_equal(add(0), 0);
	fd_close(&far);
	wait_once();
	fd_close(&control);
	assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), -EPIPE);
	assert_true(sender_stop(sender));
	assert_int_equal(sender_end(sender, &counters), -EPIPE);
}

/* Whatever else comes over the control socket changes nothing. */
static void test_bad_control(void **state)
{
	static const struct {
		uint32_t version, reserved;
		size_t len, fds;
	} rows[] = {
		{ WORKER_VERSION, 0, sizeof(struct worker_feed), 0 },
		{ WORKER_VERSION, 0, sizeof(struct worker_feed), 2 },
		{ WORKER_VERSION, 0, sizeof(struct worker_feed) - 1, 1 },
		{ WORKER_VERSION, 0, sizeof(struct worker_feed) + 1, 1 },
		{ WORKER_VERSION, 1, sizeof(struct worker_feed), 1 },
		{ WORKER_VERSION + 1, 0, sizeof(struct worker_feed), 1 },
		{ 0, 0, 1, 1 },
		{ 0, 0, 1, 0 },
	};
	const int fds[2] = { STDERR_FILENO, STDERR_FILENO };
	size_t before = open_fds();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct {
			struct worker_feed feed;
			char more;
		} message = { { rows[i].version, rows[i].reserved, 0 }, 0 };

		assert_int_equal(fdpass_send(control, &message, rows[i].len,
					     fds, rows[i].fds),
				 0);
		wait_once();
		if (!sender_welcome(sender) || sender_stop(sender))
			fail_msg("row %zu had an effect", i);
	}
	assert_int_equal(open_fds(), before);
	assert_int_equal(add(0), 0);
	assert_int_equal(sender_flush(sender), 0);
	expect_batch(0, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		OPEN(test_between_batches),  OPEN(test_while_sending),
		OPEN(test_before_report),    TEST(test_first_by_control),
		OPEN(test_lost_and_stopped), OPEN(test_bad_control),
	};

	return cmocka_run_group_tests_name("sender resume", tests, NULL, NULL);
}
