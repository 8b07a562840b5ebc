/* SPDX-License-Identifier: Apache-2.0 */
/* injector/peers.c: who may join, whose turn it is, who follows whom. */
#include <config.h>

#include "tests/unit/peersfeed.h"

static void test_own_alone(void **state)
{
	struct far *far = own(0);

	(void)state;
	assert_false(peers_idle(&peers));
	hello(far, 0);
	batch(far, 50);
	end(far);
	turns();
	assert_int_equal(counters.injected, 50);
	assert_int_equal(counters.queue_peak, 50);
	assert_int_equal(counters.queue_used, 0);
	assert_int_equal(counters.joined_received, 0);
	assert_true(peers_idle(&peers) && peers.own_came && !peers.own_broken);
	assert_true(is_closed(far));
}

static void test_joined_and_own(void **state)
{
	struct far *first = own(0), *second, *third;

	(void)state;
	start_listening();
	second = joined();
	third = joined();
	turns();
	assert_int_equal(counters.peers, 3);
	hello(first, 0);
	hello(second, UINT64_MAX - 3); /* its numbers begin anywhere */
	hello(third, 77);
	batch(second, 10);
	batch(first, 20);
	batch(third, 30);
	turns();
	assert_int_equal(counters.injected, 60);
	assert_int_equal(counters.joined_received, 40);
	assert_int_equal(counters.joined_done, 40);
	end(second);
	turns();
	assert_true(is_closed(second));
	assert_int_equal(counters.peers, 2);
	fd_close(&third->fd); /* without End: broken, and no matter */
	end(first);
	turns();
	assert_true(peers_idle(&peers));
	assert_false(peers.own_broken);
	assert_int_equal(counters.peers, 0);
}

/* Who spins needs no poll(2), and has nothing to spin for before Welcome or
 * without a capture. */
static void test_spin(void **state)
{
	struct far *far;

	(void)state;
	assert_false(peers_spin(&peers));
	far = own(0);
	peers_turn(&peers, now_ns);
	peers.gate = PEERS_SHUT;
	assert_false(peers_spin(&peers));
	peers.gate = PEERS_OPEN;
	hello(far, 0);
	for (int i = 0; i < 10; i++) {
		batch(far, 5);
		assert_true(peers_spin(&peers));
		peers_turn(&peers, now_ns);
	}
	assert_int_equal(counters.injected, 50);
	peers_turn(&peers, now_ns); /* nothing is asked for unless told to */
	end(far);
	peers_turn(&peers, now_ns);
	assert_false(peers_idle(&peers));
	assert_true(peers_spin(&peers));
	peers_turn(&peers, now_ns);
	assert_true(peers_idle(&peers));
	assert_false(peers_spin(&peers));
}

/* Queue of all together. */
static void test_queue_counters(void **state)
{
	struct far *first = own(0), *second;

	(void)state;
	fake.result = -EIO; /* down */
	start_listening();
	second = joined();
	turns();
	hello(first, 0);
	hello(second, 0);
	batch(first, 30);
	batch(second, 40);
	turns();
	assert_int_equal(counters.queue_used, 70);
	assert_int_equal(counters.queue_peak, 70);
	fake.result = 0;
	now_ns += NS_PER_S;
	turns();
	assert_int_equal(counters.queue_used, 0);
	assert_int_equal(counters.queue_peak, 70);
}

/* One that says all it can and one that says little: the pace is shared. */
static void test_pace_is_shared(void **state)
{
	struct far *busy, *slow, *own_far;

	(void)state;
	restart(QUEUE_SIZE, WHEN_FULL_WAIT, 1000);
	own_far = own(0);
	start_listening();
	busy = joined();
	slow = joined();
	turns();
	hello(own_far, 0);
	hello(busy, 0);
	hello(slow, 0);
	batch(own_far, 300);
	batch(busy, 300);
	batch(slow, 300);
	for (int ms = 0; ms < 300; ms++) {
		turns();
		now_ns += NS_PER_MS;
	}
	assert_in_range(fake.count, 295, 305);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(fake.written[fars[i].mark], 95, 105);
}

/* Bursts too: after a stall one peer does not get all that is made up for. */
static void test_pace_after_stalls(void **state)
{
	struct far *one, *other;

	(void)state;
	restart(1000, WHEN_FULL_WAIT, 1000);
	one = own(0);
	start_listening();
	other = joined();
	turns();
	hello(one, 0);
	hello(other, 0);
	for (int i = 0; i < 20; i++) {
		batch(one, 20);
		batch(other, 20);
		turns();
		now_ns += 20 * NS_PER_MS;
	}
	assert_true(fake.count > 300);
	assert_in_range(fake.written[one->mark], fake.count * 4 / 10,
			fake.count * 6 / 10);
}

/* Unpaced: none writes more than a round before the next. */
static void test_rounds(void **state)
{
	struct far *one, *other;
	size_t first_other = 0;

	(void)state;
	restart(5000, WHEN_FULL_WAIT, 0);
	one = own(0);
	start_listening();
	other = joined();
	turns();
	hello(one, 0);
	hello(other, 0);
	for (int i = 0; i < 4; i++)
		batch(one, 500);
	batch(other, 10);
	turns();
	assert_int_equal(fake.count, 2010);
	while (fake.order[first_other] != other->mark)
		first_other++;
	assert_true(first_other <= DELIVER_ROUND_FRAMES);
}

/* Every order of each one's packets is kept by the fake's counting alone: the
 * batches' sequence. Slots are found by all, however much one has queued. */
static void test_slot_for_each(void **state)
{
	struct far *greedy;

	(void)state;
	restart(100000, WHEN_FULL_WAIT, 0);
	fake.result = -EIO;
	greedy = own(0);
	start_listening();
	for (size_t i = 1; i < TAPFEED_PEERS_MAX; i++)
		joined();
	turns();
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		hello(&fars[i], 0);
	/* All it gets is one slot: then it waits, and others do not. */
	for (int i = 0; i < 100; i++) {
		struct pollfd fd = { .fd = greedy->fd, .events = POLLOUT };

		if (poll(&fd, 1, 0) == 0)
			break;
		batch(greedy, 500);
		turns();
	}
	assert_int_equal(arena.free, TAPFEED_SLOT_COUNT - 1);
	for (size_t i = 1; i < TAPFEED_PEERS_MAX; i++)
		batch(&fars[i], 100);
	turns();
	for (size_t i = 1; i < TAPFEED_PEERS_MAX; i++)
		assert_int_equal(peers.slots[i].queue.used, 100);
	fake.result = 0;
	now_ns += NS_PER_S;
	turns();
	assert_int_equal(counters.injected,
			 greedy->sequence + 100 * (TAPFEED_PEERS_MAX - 1));
}

static void test_too_many(void **state)
{
	struct far *late;

	(void)state;
	own(0);
	start_listening();
	for (size_t i = 1; i < TAPFEED_PEERS_MAX; i++)
		joined();
	late = joined();
	turns();
	assert_true(is_closed(late));
	assert_int_equal(counters.peers, TAPFEED_PEERS_MAX);
	/* A place is used again. */
	fd_close(&fars[3].fd);
	turns();
	late = joined();
	turns();
	hello(late, 0);
	batch(late, 5);
	turns();
	assert_int_equal(counters.injected, 5);
}

/* The own capture's place is not for others, also while it is gone. */
static void test_own_place(void **state)
{
	struct far *far = own(0), *next;

	(void)state;
	start_listening();
	hello(far, 0);
	batch(far, 5);
	turns();
	fd_close(&far->fd);
	turns();
	assert_true(peers.own_broken);
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		joined();
	turns();
	assert_int_equal(counters.peers, TAPFEED_PEERS_MAX - 1);
	next = own(0);
	turns();
	assert_int_equal(counters.peers, TAPFEED_PEERS_MAX);
	hello(next, 8);
	batch(next, 2);
	turns();
	assert_int_equal(counters.injected, 7);
	assert_int_equal(counters.dropped_restart, 3);
	assert_int_equal(sum(), next->sequence);
}

/* A place is used again many times, and remembers nothing. */
static void test_recycling(void **state)
{
	struct far *far = NULL;

	(void)state;
	own(0);
	start_listening();
	for (uint64_t i = 0; i < 100; i++) {
		far_count = 1;
		far = joined();
		turns();
		hello(far, i * 1000);
		batch(far, 3);
		turns();
		if (i % 2)
			end(far);
		else
			assert_int_equal(fd_write(far->fd, "\0\0", 2), 2);
		turns();
		assert_int_equal(is_closed(far), i % 2);
		fd_close(&far->fd);
		turns();
		assert_int_equal(counters.peers, 1);
	}
	assert_int_equal(counters.joined_done, 300);
}

/* It is not read, and is not late, before the first one is done with. */
static void test_successor_waits(void **state)
{
	struct far *first = own(0), *next;

	(void)state;
	hello(first, 0);
	fake.result = -EIO;
	batch(first, 50);
	turns();
	next = own(0);
	hello(next, 50);
	now_ns += 100 * NS_PER_S;
	turns();
	assert_false(is_closed(next));
	assert_true(peers.own_next_fd >= 0);
	fd_close(&first->fd); /* closed, but not drained */
	turns();
	assert_true(peers.own_next_fd >= 0);
	assert_false(peers_idle(&peers));
	fake.result = 0;
	now_ns += NS_PER_S;
	turns();
	assert_int_equal(peers.own_next_fd, -1);
	batch(next, 5);
	end(next);
	turns();
	assert_int_equal(counters.injected, 55);
	assert_int_equal(counters.dropped_restart, 0);
	assert_true(is_closed(next));
	/* Its Hello's time began only then. */
	assert_true(peers_idle(&peers));
}

/* Of several that wait the last one is meant. */
static void test_last_successor(void **state)
{
	struct far *first = own(0), *second = own(0), *third;

	(void)state;
	assert_true(is_closed(first));
	third = own(0);
	assert_true(is_closed(second));
	hello(third, 0);
	batch(third, 1);
	turns();
	assert_int_equal(counters.injected, 1);
}

/* Numbers as account_resume() takes them, over the wire. */
static void test_resume_numbers(void **state)
{
	static const struct {
		uint64_t sequence, uncounted;
		bool closed;
		uint64_t restart;
	} rows[] = {
		{ 10, 0, false, 0 },
		{ 11, 0, false, 1 },
		{ 11, 1, false, 0 },
		{ 30, 1, false, 19 },
		{ 9, 0, true, 0 },
		{ 0, 0, true, 0 },
		{ UINT64_C(1) << 63, 0, true, 0 },
		{ UINT64_MAX, 0, true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct far *far;

		restart(QUEUE_SIZE, WHEN_FULL_WAIT, 0);
		counters.injected = 10;
		counters.frames_written = 10;
		far = own(rows[i].uncounted);
		hello(far, rows[i].sequence);
		assert_int_equal(is_closed(far), rows[i].closed);
		assert_int_equal(peers.own_broken, rows[i].closed);
		assert_int_equal(counters.dropped_restart, rows[i].restart);
		assert_int_equal(sum(), rows[i].closed ? 10 : rows[i].sequence);
	}
}

/* Each of these beside one that keeps to the rules, which notices nothing. */
static void test_hostile_company(void **state)
{
	struct far *good = own(0), *bad;

	(void)state;
	start_listening();
	hello(good, 0);
	for (int kind = 0; kind < 6; kind++) {
		char full[4096] = "";

		bad = joined();
		turns();
		if (kind >= 2)
			hello(bad, 0);
		if (kind == 1)
			assert_int_equal(fd_write(bad->fd, "GET / HTTP", 10),
					 10);
		if (kind == 3)
			assert_int_equal(fd_write(bad->fd, "\0\0\1", 3), 3);
		if (kind == 4) {
			batch(bad, 5);
			bad->sequence = 0; /* again */
			batch(bad, 5);
		}
		while (kind == 5 &&
		       fd_write(peers.slots[1].fd, full, sizeof(full)) > 0)
			;
		if (kind == 5)
			end(bad);
		for (int second = 0; second < 12; second++) {
			batch(good, 20);
			turns();
			now_ns += NS_PER_S;
		}
		assert_int_equal(is_closed(bad), kind != 2);
		assert_false(is_closed(good));
		fd_close(&bad->fd);
		turns();
		far_count = 1;
	}
	end(good);
	turns();
	assert_int_equal(fake.written[good->mark], good->sequence);
	assert_int_equal(good->sequence, 6 * 12 * 20);
	assert_false(peers.own_broken);
	assert_int_equal(counters.joined_received, counters.joined_done);
}

/* A burst of any size while the interface takes all: no drop, whether a round
 * empties the queue or not. */
static void test_busy_is_no_drop(void **state)
{
	static const size_t queue_sizes[] = { 10, DELIVER_ROUND_FRAMES + 50 };

	(void)state;
	for (size_t i = 0; i < COUNT(queue_sizes); i++) {
		struct far *far;

		restart(queue_sizes[i], WHEN_FULL_DROP, 0);
		far = own(0);
		hello(far, 0);
		for (int j = 0; j < 20; j++) {
			batch(far, 900);
			turns();
		}
		assert_int_equal(counters.injected, 18000);
		assert_int_equal(counters.dropped_queue, 0);
	}
}

/* With a pace, or the interface down, capture is never kept waiting. */
static void test_held_up_drops(void **state)
{
	struct far *far;

	(void)state;
	restart(10, WHEN_FULL_DROP, 1000);
	far = own(0);
	hello(far, 0);
	for (int i = 0; i < 20; i++) {
		batch(far, 500);
		turns();
		assert_null(peers.slots[0].batch.slot);
	}
	assert_in_range(counters.dropped_queue, 9900, 9999);
	assert_int_equal(sum() + counters.queue_used, 10000);
}

static void test_down_drops(void **state)
{
	struct far *far;

	(void)state;
	restart(10, WHEN_FULL_DROP, 0);
	far = own(0);
	hello(far, 0);
	fake.result = -EIO;
	for (int i = 0; i < 20; i++) {
		batch(far, 500);
		turns();
	}
	now_ns += NS_PER_S;
	turns();
	assert_int_equal(counters.dropped_interface_down +
				 counters.dropped_queue,
			 10000);
}

static void test_stop(void **state)
{
	struct far *first = own(0), *second;

	(void)state;
	start_listening();
	second = joined();
	turns();
	hello(first, 0);
	hello(second, 0);
	peers.gate = PEERS_STOPPING;
	turns();
	assert_int_equal(peers.listen_fd, -1);
	batch(first, 3); /* what was under way */
	batch(second, 4);
	end(first);
	turns();
	assert_false(peers_idle(&peers));
	peers_give_up(&peers);
	assert_true(peers_idle(&peers));
	assert_int_equal(counters.injected, 7);
	assert_false(peers.own_broken); /* it is not to blame */
}

/* Another user; as root only, since one must become it. */
static int connect_as_other(void)
{
	struct sockaddr_un to = address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	EXPECT(setgid(65534) == 0 && setuid(65534) == 0);
	EXPECT(connect(fd, (struct sockaddr *)&to, (socklen_t)connecting) == 0);
	EXPECT(read(fd, &c, 1) <= 0);
	return 0;
}

static void test_other_user(void **state)
{
	struct pollfd fds[PEERS_POLL_MAX];
	struct redirect redirect;
	pid_t pid;
	int status;

	(void)state;
	start_listening();
	log_init(LOG_LEVEL_INFO, NULL, false);
	redirect_begin(&redirect, STDERR_FILENO);
	for (int i = 0; i < 3; i++) {
		size_t n;

		pid = fork();
		if (pid == 0) {
			alarm(CHILD_SECONDS);
			_exit(connect_as_other() != 0);
		}
		n = peers_poll(&peers, now_ns, fds);
		assert_int_equal(poll(fds, n, 5000), 1);
		turns();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(counters.peers, 0);
	}
	/* One line for the three. */
	assert_int_equal(count_char(redirect_end(&redirect), '\n'), 1);
	assert_non_null(strstr(redirect.text, "uid 65534 is refused"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_own_alone),
		TEST(test_joined_and_own),
		TEST(test_spin),
		TEST(test_joined_and_own),
		TEST(test_queue_counters),
		TEST(test_pace_is_shared),
		TEST(test_pace_after_stalls),
		TEST(test_rounds),
		TEST(test_slot_for_each),
		TEST(test_too_many),
		TEST(test_own_place),
		TEST(test_recycling),
		TEST(test_successor_waits),
		TEST(test_last_successor),
		TEST(test_resume_numbers),
		TEST(test_hostile_company),
		TEST(test_busy_is_no_drop),
		TEST(test_held_up_drops),
		TEST(test_down_drops),
		TEST(test_stop),
		TEST(test_other_user),
	};

	/* The last one becomes another user; skip() would count as "not ok". */
	if (geteuid() != 0)
		puts("# test_other_user takes root: left out");
	return _cmocka_run_group_tests("peers", tests,
				       COUNT(tests) - (geteuid() != 0), NULL,
				       NULL);
}
