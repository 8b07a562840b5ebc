/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/gate.c: what opens the gate, and what is told to the injector. The
 * kernel's answers and the time are what the test says they are. */
#include <config.h>

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "injector/control.h"
#include "launcher/gate.h"
#include "launcher/supervise.h"

#define MS NS_PER_MS

int __wrap_readers_ask(struct readers *readers);
int __wrap_readers_take(struct readers *readers, uint32_t ifindex,
			struct readers_set *ret_set);

static struct feed feed;
static struct counters_injector page;
static struct options options;
static int injector; /* its end of the control socket */
static uint64_t now;

static struct {
	struct readers_set set;
	int result; /* of the next answers */
	size_t asked;
} kernel;

int __wrap_readers_ask(struct readers *readers)
{
	readers->asked = true;
	kernel.asked++;
	return 0;
}

int __wrap_readers_take(struct readers *readers, uint32_t ifindex,
			struct readers_set *ret_set)
{
	assert_int_equal(ifindex, 7);
	if (kernel.result != 0)
		readers->asked = false;
	if (kernel.result > 0)
		*ret_set = kernel.set;
	return kernel.result;
}

static int set_up(void **state)
{
	int ends[2];

	(void)state;
	log_init((enum log_level)0, NULL, false);
	feed = (struct feed){ .injector = &page, .spawner_fd = -1 };
	page = (struct counters_injector){ 0 };
	options = (struct options){ .settle_ns = 1000 * MS, .readers = 1 };
	kernel.set = (struct readers_set){ 0 };
	kernel.result = 1;
	kernel.asked = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	injector = ends[0];
	feed.processes[FEED_INJECTOR].control_fd = ends[1];
	feed.deadline_ns = CLOCK_NEVER;
	feed.link.ifindex = 7;
	strcpy(feed.interface, "tf0");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gate_done(&feed.gate);
	fd_close(&injector);
	fd_close(&feed.processes[FEED_INJECTOR].control_fd);
	return 0;
}

static void begin_with(int file_fd)
{
	int fd = -1;

	options.hold = options.wait_for_reader || options.wait_for_start;
	if (options.ready_socket) {
		fd = socket(AF_UNIX, SOCK_DGRAM, 0);
		assert_true(fd >= 0);
	}
	assert_int_equal(gate_init(&feed.gate, &options, fd, file_fd), 0);
	/* Before the interface is up no delay has begun, or is over. */
	assert_int_equal((gate_waits(&feed.gate, clock_now_ns()) &
			  CONTROL_WAIT_DELAY) != 0,
			 options.startup_delay_ns > 0);
	gate_ready(&feed);
	now = clock_now_ns();
}

static void begin(void)
{
	begin_with(-1);
}

static void pass(uint64_t ms)
{
	for (uint64_t end = now + ms * MS; now < end; now += 50 * MS)
		gate_turn(&feed, now);
	gate_turn(&feed, now);
}

static void readers(uint32_t count, uint64_t mark)
{
	kernel.set.count = count;
	kernel.set.mark = mark;
}

/* What the injector was told since; flags -1: nothing. */
static void expect_told(int flags, uint64_t frames_read)
{
	struct control control;

	control_take(injector, &control);
	assert_false(control.end);
	assert_int_equal(control.feed_fd, -1);
	assert_int_equal(control.gate_said, flags >= 0);
	if (flags < 0)
		return;
	assert_int_equal(control.gate.flags, flags);
	assert_int_equal(control.gate.frames_read, frames_read);
}

static void test_nothing_asked(void **state)
{
	(void)state;
	begin();
	assert_false(gate_holds(&feed.gate));
	assert_true(feed.gate.open);
	assert_int_equal(feed.gate.readers.fd, -1);
	pass(1000);
	assert_int_equal(gate_waits(&feed.gate, now), 0);
	assert_int_equal(kernel.asked, 0);
	assert_int_equal(gate_next_ns(&feed), CLOCK_NEVER);
	assert_int_equal(gate_start(&feed.gate), CONTROL_START_NOT_AWAITED);
	expect_told(-1, 0);
}

static void test_settles(void **state)
{
	(void)state;
	options.wait_for_reader = true;
	options.readers = 2;
	begin();
	readers(1, 11);
	pass(2000);
	readers(2, 12);
	pass(900);
	expect_told(-1, 0);
	readers(2, 13); /* others */
	pass(900);
	readers(1, 14);
	pass(100);
	readers(2, 13);
	pass(900);
	assert_int_equal(gate_waits(&feed.gate, now), CONTROL_WAIT_READERS);
	expect_told(-1, 0);
	pass(200);
	assert_int_equal(gate_waits(&feed.gate, now), 0);
	expect_told(WORKER_GATE_OPEN, 0);
	readers(1, 14); /* it is never shut again */
	pass(1000);
	assert_true(feed.gate.open);
	expect_told(-1, 0);
	gate_ready(&feed); /* a new injector */
	expect_told(WORKER_GATE_OPEN, 0);
}

static void test_all_at_once(void **state)
{
	(void)state;
	options.wait_for_reader = options.wait_for_start = true;
	options.startup_delay_ns = 500 * MS;
	begin();
	readers(1, 1);
	assert_int_equal(gate_waits(&feed.gate, now),
			 CONTROL_WAIT_DELAY | CONTROL_WAIT_READERS |
				 CONTROL_WAIT_START);
	pass(2000);
	assert_int_equal(gate_waits(&feed.gate, now), CONTROL_WAIT_START);
	readers(0, 0); /* it went before the start */
	pass(100);
	assert_int_equal(gate_start(&feed.gate), CONTROL_START_DONE);
	assert_int_equal(gate_next_ns(&feed), 0); /* at once */
	assert_int_equal(gate_start(&feed.gate), CONTROL_START_ALREADY);
	pass(1000);
	assert_int_equal(gate_waits(&feed.gate, now), CONTROL_WAIT_READERS);
	expect_told(-1, 0);
	readers(1, 2);
	pass(1100);
	expect_told(WORKER_GATE_OPEN, 0);
}

static void test_delay_alone(void **state)
{
	(void)state;
	options.wait_for_start = true;
	options.startup_delay_ns = 3600 * NS_PER_S;
	begin();
	assert_int_equal(gate_start(&feed.gate), CONTROL_START_DONE);
	pass(100);
	assert_int_equal(gate_waits(&feed.gate, now), CONTROL_WAIT_DELAY);
	assert_in_range(gate_next_ns(&feed), now, now + 3600 * NS_PER_S);
	expect_told(-1, 0);
	now += 3600 * NS_PER_S;
	pass(0);
	expect_told(WORKER_GATE_OPEN, 0);
}

/* The injector keeps it by itself; its successor is told that it is over. */
static void test_delay_without_gate(void **state)
{
	(void)state;
	options.startup_delay_ns = 500 * MS;
	begin();
	gate_renew(&feed);
	expect_told(0, 0);
	assert_int_equal(gate_waits(&feed.gate, now), CONTROL_WAIT_DELAY);
	pass(600);
	assert_int_equal(gate_waits(&feed.gate, now), 0);
	expect_told(WORKER_GATE_OPEN, 0);
	gate_renew(&feed);
	expect_told(WORKER_GATE_OPEN, 0);
}

static void test_pause(void **state)
{
	(void)state;
	options.no_reader = NO_READER_PAUSE;
	begin();
	pass(500);
	expect_told(-1, 0); /* there was none */
	readers(2, 1);
	pass(100);
	readers(1, 2);
	pass(100);
	expect_told(-1, 0); /* one is left */
	readers(0, 0);
	pass(100);
	assert_true(feed.gate.paused);
	expect_told(WORKER_GATE_OPEN | WORKER_GATE_PAUSED, 0);
	gate_ready(&feed);
	expect_told(WORKER_GATE_OPEN | WORKER_GATE_PAUSED, 0);
	readers(1, 3);
	pass(900);
	expect_told(-1, 0);
	pass(200);
	assert_false(feed.gate.paused);
	expect_told(WORKER_GATE_OPEN, 0);
	assert_false(feed.gate.left);
	readers(0, 0); /* once more */
	pass(100);
	expect_told(WORKER_GATE_OPEN | WORKER_GATE_PAUSED, 0);
}

static void test_exit(void **state)
{
	(void)state;
	options.no_reader = NO_READER_EXIT;
	begin();
	readers(1, 1);
	pass(100);
	assert_false(feed.gate.left);
	readers(0, 0);
	pass(100);
	assert_true(feed.gate.left);
	assert_int_not_equal(feed.deadline_ns, CLOCK_NEVER);
	expect_told(WORKER_GATE_OPEN | WORKER_GATE_PAUSED, 0);
	pass(500);
	expect_told(-1, 0);
	assert_int_equal(gate_next_ns(&feed), CLOCK_NEVER);
}

static void test_all_written(void **state)
{
	(void)state;
	options.no_reader = NO_READER_EXIT;
	begin();
	readers(1, 1);
	pass(100);
	readers(0, 0);
	now = gate_next_ns(&feed);
	gate_turn(&feed, now);
	assert_int_equal(gate_next_ns(&feed), now + 20 * MS);
	now = gate_next_ns(&feed);
	assert_false(feed.gate.left);
	feed.done = true; /* the last packet was read, as is told now */
	pass(500);
	assert_false(feed.gate.left);
	expect_told(-1, 0);
}

/* Who has gone before the start is missed when it comes. */
static void test_gone_before_start(void **state)
{
	(void)state;
	options.wait_for_start = true;
	options.no_reader = NO_READER_PAUSE;
	begin();
	readers(1, 1);
	pass(100);
	readers(0, 0);
	pass(100);
	expect_told(-1, 0);
	assert_int_equal(gate_start(&feed.gate), CONTROL_START_DONE);
	gate_turn(&feed, now);
	assert_true(feed.gate.open);
	expect_told(WORKER_GATE_OPEN | WORKER_GATE_PAUSED, 0);
	readers(1, 2);
	pass(1100);
	expect_told(WORKER_GATE_OPEN, 0);
}

/* Or when all was written, and somebody joins. */
static void test_gone_before_more(void **state)
{
	(void)state;
	options.no_reader = NO_READER_PAUSE;
	begin();
	readers(1, 1);
	pass(100);
	feed.done = true;
	readers(0, 0);
	pass(100);
	expect_told(-1, 0);
	page.peers = 1;
	pass(100);
	expect_told(WORKER_GATE_OPEN | WORKER_GATE_PAUSED, 0);
}

static void test_linger(void **state)
{
	(void)state;
	options.linger_auto = true;
	begin();
	page.frames_written = 100;
	readers(1, 1);
	kernel.set.queued_bytes = 10;
	pass(500);
	feed.done = true;
	pass(500);
	expect_told(-1, 0);
	kernel.set.queued_bytes = 0;
	page.peers = 1; /* somebody who joined */
	pass(500);
	page.peers = 0;
	page.queue_used = 1;
	pass(500);
	expect_told(-1, 0);
	page.queue_used = 0;
	pass(50);
	expect_told(WORKER_GATE_OPEN, 100);
	page.frames_written = 120;
	pass(50);
	expect_told(WORKER_GATE_OPEN, 120);
}

static void test_linger_ring(void **state)
{
	(void)state;
	options.linger_auto = true;
	begin();
	page.frames_written = 100;
	readers(1, 1);
	kernel.set.rings = 1;
	feed.done = true;
	pass(1900);
	expect_told(-1, 0);
	pass(200);
	expect_told(WORKER_GATE_OPEN, 100);
	page.frames_written = 120; /* of who joined; they wait anew */
	pass(1900);
	expect_told(-1, 0);
	page.peers = 1;
	pass(500);
	page.peers = 0;
	pass(1900);
	expect_told(-1, 0);
	pass(200);
	expect_told(WORKER_GATE_OPEN, 120);
}

/* Nobody waits for ever because of a kernel that fails for a while, nor does
 * the loop spin. */
static void test_failing_kernel(void **state)
{
	struct redirect redirect;

	(void)state;
	options.wait_for_reader = true;
	begin();
	readers(1, 1);
	kernel.result = -ENOBUFS;
	log_init(LOG_LEVEL_INFO, NULL, false);
	redirect_begin(&redirect, STDERR_FILENO);
	pass(3000);
	assert_int_equal(count_char(redirect_end(&redirect), '\n'), 1);
	assert_true(gate_next_ns(&feed) > now);
	assert_true(kernel.asked < 100);
	expect_told(-1, 0);
	kernel.result = 0; /* half of an answer */
	pass(100);
	assert_true(gate_next_ns(&feed) <= now);
	kernel.result = 1;
	pass(1100);
	expect_told(WORKER_GATE_OPEN, 0);
}

static void test_full_control(void **state)
{
	char byte = 'x';

	(void)state;
	options.wait_for_start = true;
	begin();
	while (send(feed.processes[FEED_INJECTOR].control_fd, &byte, 1,
		    MSG_DONTWAIT) == 1)
		continue;
	assert_int_equal(gate_start(&feed.gate), CONTROL_START_DONE);
	pass(50);
	assert_true(feed.gate.open);
	assert_true(gate_next_ns(&feed) != CLOCK_NEVER);
	while (recv(injector, &byte, 1, MSG_DONTWAIT) == 1)
		continue;
	pass(50);
	expect_told(WORKER_GATE_OPEN, 0);
	pass(50);
	expect_told(-1, 0);
}

static void test_ready(void **state)
{
	static const struct {
		const char *text;
		bool ready;
	} rows[] = {
		{ "READY=1", true },
		{ "READY=1\n", true },
		{ "\n\nREADY=1", true },
		{ "STATUS=x\nREADY=1\nMAINPID=3", true },
		{ "", false },
		{ "READY=", false },
		{ "READY=0", false },
		{ "READY=11", false },
		{ "READY=1 ", false },
		{ " READY=1", false },
		{ "XREADY=1", false },
		{ "ready=1", false },
		{ "READY=1\r\n", false },
		{ "READY", false },
		{ "\n", false },
	};

	options.ready_socket = "/run/ready";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ends[2];

		begin();
		fd_close(&feed.gate.ready_fd);
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
		feed.gate.ready_fd = ends[0];
		assert_int_equal(send(ends[1], rows[i].text,
				      strlen(rows[i].text), 0),
				 strlen(rows[i].text));
		assert_int_equal(send(ends[1], "STATUS=x", 8, 0), 8);
		pass(0);
		assert_int_equal(feed.gate.open, rows[i].ready);
		expect_told(rows[i].ready ? WORKER_GATE_OPEN : -1, 0);
		fd_close(&ends[1]);
		tear_down(state);
		set_up(state);
		options.ready_socket = "/run/ready";
	}
}

/* What waitfile_open() gives: here a pipe, on which the events come. */
static void event(int fd, uint32_t mask, const char *name)
{
	const struct inotify_event head = { .mask = mask, .len = 32 };
	char bytes[sizeof(head) + 32] = { 0 };

	memcpy(bytes, &head, sizeof(head));
	strcpy(bytes + sizeof(head), name);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
}

static void test_file(void **state)
{
	int ends[2];

	(void)state;
	options.wait_for_file = "/run/go";
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	begin_with(ends[0]);
	assert_true(gate_holds(&feed.gate));
	event(ends[1], IN_CREATE, "g");
	event(ends[1], IN_Q_OVERFLOW, "");
	pass(100);
	assert_int_equal(gate_waits(&feed.gate, now), CONTROL_WAIT_FILE);
	expect_told(-1, 0);
	event(ends[1], IN_CREATE, "go");
	pass(0);
	assert_int_equal(gate_waits(&feed.gate, now), 0);
	expect_told(WORKER_GATE_OPEN, 0);
	assert_int_equal(feed.gate.file_fd, -1);
	fd_close(&ends[1]);
}

/* It is not taken for one that came. */
static void test_file_never(void **state)
{
	int ends[2];

	(void)state;
	options.wait_for_file = "/run/go";
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	begin_with(ends[0]);
	event(ends[1], IN_IGNORED, "");
	pass(100);
	assert_int_equal(feed.gate.file_fd, -1);
	assert_int_equal(gate_waits(&feed.gate, now), CONTROL_WAIT_FILE);
	expect_told(-1, 0);
	fd_close(&ends[1]);
}

/* While the feed ends, too: what is not taken wakes the loop for ever. But
 * nothing begins then. */
static void test_file_while_stopping(void **state)
{
	int ends[2], left = -1;

	(void)state;
	options.wait_for_file = "/run/go";
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	begin_with(ends[0]);
	feed.deadline_ns = now + 5000 * MS;
	event(ends[1], IN_CREATE, "other");
	pass(0);
	assert_int_equal(ioctl(feed.gate.file_fd, FIONREAD, &left), 0);
	assert_int_equal(left, 0);
	event(ends[1], IN_CREATE, "go");
	pass(100);
	assert_false(feed.gate.open);
	expect_told(-1, 0);
	fd_close(&ends[1]);
}

static void test_file_is_there(void **state)
{
	(void)state;
	options.wait_for_file = "/run/go";
	begin();
	pass(0);
	expect_told(WORKER_GATE_OPEN, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_nothing_asked),
		TEST(test_settles),
		TEST(test_all_at_once),
		TEST(test_delay_alone),
		TEST(test_delay_without_gate),
		TEST(test_pause),
		TEST(test_exit),
		TEST(test_all_written),
		TEST(test_gone_before_start),
		TEST(test_gone_before_more),
		TEST(test_linger),
		TEST(test_linger_ring),
		TEST(test_failing_kernel),
		TEST(test_full_control),
		TEST(test_ready),
		TEST(test_file),
		TEST(test_file_never),
		TEST(test_file_is_there),
		TEST(test_file_while_stopping),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
