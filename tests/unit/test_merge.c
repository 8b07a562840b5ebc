/* SPDX-License-Identifier: Apache-2.0 */
/* capture/merge.c, with sources and clocks of the test's own. */
#include <config.h>

#include "tests/unit/unit.h"

#include <time.h>

#include "capture/merge.h"
#include "common/clock.h"

#define MAX    TAPFEED_SOURCES_MAX
#define WINDOW (10 * NS_PER_MS)
#define START  (1700000000 * NS_PER_S)

/* What a source says, in turn: a packet by its time, or one of these. */
#define WAIT (UINT64_MAX - 3)
#define FAIL (UINT64_MAX - 2)
#define END  (UINT64_MAX - 1)

struct fake {
	struct source source;
	const uint64_t *script; /* past its end: END */
	size_t len;
	size_t at;
	unsigned int asked;
	bool held; /* its packet has not been handed out */
	bool ready;
	uint8_t byte; /* its packets' data: gone with the next call */
};

static struct fake fakes[MAX];
static struct source *sources[MAX];
static struct merge *merge;

/* The clocks, for what is linked with --wrap. */
static uint64_t monotonic_ns;
static uint64_t real_ns;
static unsigned int clock_reads;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	uint64_t now = clock == CLOCK_REALTIME ? real_ns : monotonic_ns;

	clock_reads++;
	*ts = (struct timespec){ .tv_sec = (time_t)(now / NS_PER_S),
				 .tv_nsec = (long)(now % NS_PER_S) };
	return 0;
}

static void pass(uint64_t ns)
{
	monotonic_ns += ns;
	real_ns += ns;
}

static int fake_next(struct source *source, struct packet *ret_packet)
{
	struct fake *fake = (struct fake *)source;
	uint64_t word = fake->at < fake->len ? fake->script[fake->at] : END;

	/* A head that has not been handed out must stay as it is. */
	assert_false(fake->held);
	fake->asked++;
	fake->byte++;
	if (word == WAIT) {
		fake->at++;
		return SOURCE_WAIT;
	}
	if (word == FAIL || word == END) {
		/* Neither is asked again. */
		assert_true(fake->at <= fake->len);
		fake->at = SIZE_MAX;
		return word == FAIL ? -EBADMSG : SOURCE_END;
	}
	fake->at++;
	fake->held = true;
	*ret_packet = (struct packet){ .data = &fake->byte,
				       .data_len = fake->byte,
				       .time_ns = word };
	return SOURCE_PACKET;
}

static bool fake_ready(const struct source *source)
{
	return ((const struct fake *)source)->ready;
}

static const struct source_ops fake_ops = {
	.next = fake_next,
	.ready = fake_ready,
};

static void script(size_t i, const uint64_t *words, size_t len)
{
	fakes[i].script = words;
	fakes[i].len = len;
	fakes[i].at = 0;
	fakes[i].held = false;
}

#define SCRIPT(i, ...)                                                         \
	do {                                                                   \
		static const uint64_t words_[] = { __VA_ARGS__ };              \
                                                                               \
		script(i, words_, COUNT(words_));                              \
	} while (0)

static void begin(size_t n, uint64_t window_ns)
{
	assert_int_equal(merge_new(sources, n, window_ns, &merge), 0);
}

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < MAX; i++) {
		fakes[i] = (struct fake){
			.source = { .ops = &fake_ops, .fd = (int)(100 + i) },
		};
		sources[i] = &fakes[i].source;
	}
	monotonic_ns = 5000 * NS_PER_S;
	real_ns = START;
	clock_reads = 0;
	merge = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	merge_free(merge);
	return 0;
}

static void expect_packet(size_t i, uint64_t time_ns)
{
	struct packet packet;
	size_t source = SIZE_MAX;

	assert_int_equal(merge_next(merge, &packet, &source), SOURCE_PACKET);
	assert_int_equal(packet.time_ns, time_ns);
	assert_int_equal(source, i);
	/* The source's own memory, as it was. */
	assert_ptr_equal(packet.data, &fakes[i].byte);
	assert_int_equal(*packet.data, packet.data_len);
	fakes[i].held = false;
}

static void expect_error(size_t i)
{
	struct packet packet;
	size_t source = SIZE_MAX;

	assert_int_equal(merge_next(merge, &packet, &source), -EBADMSG);
	assert_int_equal(source, i);
}

static void expect(int result)
{
	struct packet packet;
	size_t source;

	assert_int_equal(merge_next(merge, &packet, &source), result);
}

static void expect_fds(size_t n, int first)
{
	int fds[MAX];

	assert_int_equal(merge_wait_fds(merge, fds), n);
	if (n > 0)
		assert_int_equal(fds[0], first);
}

/* Nothing is looked at, nothing is held back, whatever the times say. */
static void test_one(void **state)
{
	(void)state;
	for (uint64_t window = 0; window <= WINDOW; window += WINDOW) {
		SCRIPT(0, 5, WAIT, START + 100 * NS_PER_S, 3);
		begin(1, window);
		expect_packet(0, 5);
		expect(SOURCE_WAIT);
		expect_fds(1, 100);
		assert_int_equal(merge_due_ns(merge), CLOCK_NEVER);
		expect_packet(0, START + 100 * NS_PER_S);
		expect_packet(0, 3);
		expect(SOURCE_END);
		expect(SOURCE_END);
		expect_fds(0, 0);
		merge_reset(merge);
		SCRIPT(0, 1, FAIL);
		expect_packet(0, 1);
		expect_error(0);
		expect(SOURCE_END);
		merge_free(merge);
	}
	merge = NULL;
	assert_int_equal(clock_reads, 0);
}

static void test_order(void **state)
{
	(void)state;
	SCRIPT(0, 10, 20, 40);
	SCRIPT(1, 5, 20, 30);
	SCRIPT(2, 20, 50);
	begin(3, 0);
	expect_packet(1, 5);
	expect_packet(0, 10);
	/* Equal times: by the place on the command line. */
	expect_packet(0, 20);
	expect_packet(1, 20);
	expect_packet(2, 20);
	expect_packet(1, 30);
	expect_packet(0, 40);
	expect_packet(2, 50);
	expect(SOURCE_END);
	expect(SOURCE_END);
	assert_int_equal(clock_reads, 0);
}

/* One that goes back is handed on as it comes, and holds up nobody. */
static void test_backwards(void **state)
{
	(void)state;
	SCRIPT(0, 10, 3, 30);
	SCRIPT(1, 11, 20, 0);
	begin(2, 0);
	expect_packet(0, 10);
	expect_packet(0, 3);
	expect_packet(1, 11);
	expect_packet(1, 20);
	expect_packet(1, 0);
	expect_packet(0, 30);
	expect(SOURCE_END);
}

/* A file that has nothing yet is waited for, however long it takes. */
static void test_files_wait(void **state)
{
	(void)state;
	SCRIPT(0, 10, 12);
	SCRIPT(1, WAIT, WAIT, 11, WAIT);
	begin(2, 0);
	expect(SOURCE_WAIT);
	expect_fds(1, 101);
	assert_int_equal(merge_due_ns(merge), CLOCK_NEVER);
	pass(100 * NS_PER_S);
	expect(SOURCE_WAIT);
	fakes[1].ready = true;
	expect_fds(0, 0);
	expect_packet(0, 10);
	expect(SOURCE_PACKET);
	fakes[1].held = false;
	expect(SOURCE_WAIT);
	expect_packet(0, 12);
	expect(SOURCE_END);
}

/* Both wait: both are polled for, and neither is lost. */
static void test_two_waits(void **state)
{
	(void)state;
	SCRIPT(0, WAIT, 10);
	SCRIPT(1, WAIT, WAIT, WAIT, 9);
	begin(2, 0);
	expect_fds(2, 100);
	expect(SOURCE_WAIT);
	expect_fds(2, 100);
	expect(SOURCE_WAIT);
	expect_fds(1, 101);
	expect(SOURCE_WAIT);
	expect_packet(1, 9);
	expect_packet(0, 10);
	expect(SOURCE_END);
}

static void test_errors(void **state)
{
	(void)state;
	SCRIPT(0, 10, FAIL);
	SCRIPT(1, FAIL);
	SCRIPT(2, 9, 11, 12, FAIL);
	SCRIPT(3, FAIL);
	begin(4, 0);
	/* One at a time, and what the others hold stays. */
	expect_error(1);
	expect_error(3);
	expect_packet(2, 9);
	expect_packet(0, 10);
	expect_error(0);
	expect_packet(2, 11);
	expect_packet(2, 12);
	expect_error(2);
	expect(SOURCE_END);
	expect(SOURCE_END);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(fakes[i].at, SIZE_MAX);
}

static void test_sixty_four(void **state)
{
	static uint64_t words[MAX][100];
	uint64_t last = 0;
	uint32_t seed = 7;

	(void)state;
	for (size_t i = 0; i < MAX; i++) {
		uint64_t time_ns = 0;

		for (size_t j = 0; j < 100; j++) {
			time_ns += pseudo_random(&seed) % 1000;
			words[i][j] = time_ns;
		}
		script(i, words[i], 100);
	}
	begin(MAX, 0);
	for (size_t i = 0; i < MAX * 100; i++) {
		struct packet packet;
		size_t source;

		assert_int_equal(merge_next(merge, &packet, &source),
				 SOURCE_PACKET);
		assert_true(packet.time_ns >= last);
		last = packet.time_ns;
		fakes[source].held = false;
	}
	expect(SOURCE_END);
}

static void test_reset(void **state)
{
	(void)state;
	for (int passes = 0; passes < 3; passes++) {
		SCRIPT(0, 10, 20);
		SCRIPT(1, 15, FAIL);
		if (passes == 0)
			begin(2, 0);
		else
			merge_reset(merge);
		expect_packet(0, 10);
		if (passes == 1) /* with a head that was not handed out */
			continue;
		expect_packet(1, 15);
		expect_error(1);
		expect_packet(0, 20);
		expect(SOURCE_END);
	}
}

/* A packet goes out when the window is over, or all have one. */
static void test_window(void **state)
{
	(void)state;
	SCRIPT(0, START - 3 * NS_PER_MS, START + NS_PER_MS);
	SCRIPT(1, WAIT, WAIT, WAIT, START, WAIT, WAIT);
	begin(2, WINDOW);
	expect(SOURCE_WAIT);
	expect_fds(1, 101);
	assert_int_equal(merge_due_ns(merge), monotonic_ns + 7 * NS_PER_MS);
	pass(7 * NS_PER_MS - 1);
	expect(SOURCE_WAIT);
	pass(1);
	expect_packet(0, START - 3 * NS_PER_MS);
	/* The other source was asked for the last time, and had one. */
	expect_packet(1, START);
	expect(SOURCE_WAIT);
	assert_int_equal(merge_due_ns(merge), monotonic_ns + 4 * NS_PER_MS);
	pass(4 * NS_PER_MS);
	expect_packet(0, START + NS_PER_MS);
}

/*
 * A backlog: what is due goes out without asking the silent source for each
 * packet, but what that one has comes in its turn.
 */
static void test_backlog(void **state)
{
	static uint64_t words[1000];
	static uint64_t waits[2000];

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		words[i] = START - NS_PER_S + i * NS_PER_MS;
	for (size_t i = 0; i < COUNT(waits); i++)
		waits[i] = WAIT;
	waits[1] = START - NS_PER_MS;
	script(0, words, COUNT(words));
	script(1, waits, COUNT(waits));
	begin(2, WINDOW);
	for (size_t i = 0; i < 991; i++)
		expect_packet(0, words[i]);
	assert_int_equal(fakes[1].asked, 1);
	/* Now the window is not over. */
	for (size_t i = 991; i < 999; i++)
		expect_packet(0, words[i]);
	expect_packet(0, words[999]);
	expect_packet(1, START - NS_PER_MS);
	assert_int_equal(fakes[1].asked, 2);
	fakes[0].len = 0;
	expect(SOURCE_WAIT);
}

/* Sources that have ended hold nobody back. */
static void test_window_end(void **state)
{
	(void)state;
	SCRIPT(0, START, START + 1);
	SCRIPT(1, WAIT, FAIL);
	begin(2, WINDOW);
	expect(SOURCE_WAIT);
	expect_error(1);
	expect_packet(0, START);
	expect_packet(0, START + 1);
	expect(SOURCE_END);
	assert_int_equal(merge_due_ns(merge), CLOCK_NEVER);
}

/* The clock was set back an hour while packets were under way. */
static void test_clock_back(void **state)
{
	static const uint64_t waits[100] = { WAIT, WAIT, WAIT, WAIT, WAIT };
	const uint64_t after = START - 3600 * NS_PER_S;

	(void)state;
	SCRIPT(0, START - 1, START, START + 1, START - 3600 * NS_PER_S - 1);
	script(1, waits, 5);
	begin(2, WINDOW);
	expect(SOURCE_WAIT); /* the head was there before */
	real_ns = after;
	pass(WINDOW - 1);
	expect_packet(0, START - 1);
	/* From the future when it came: at once, and in order. */
	expect_packet(0, START);
	expect_packet(0, START + 1);
	expect_packet(0, after - 1);
}

/*
 * The same while the other source never has nothing: the one whose packet is an
 * hour ahead does not stand still for an hour.
 */
static void test_clock_back_busy(void **state)
{
	static uint64_t words[1000];
	const uint64_t after = START - 3600 * NS_PER_S;
	size_t i = 0;

	(void)state;
	for (size_t j = 1; j < COUNT(words); j++)
		words[j] = after + j * NS_PER_MS;
	words[0] = START - 2;
	SCRIPT(0, START - 1, START, after + 20 * NS_PER_MS);
	script(1, words, COUNT(words));
	begin(2, WINDOW);
	expect_packet(1, words[i++]);
	real_ns = after;
	for (; i <= 10; i++) {
		pass(NS_PER_MS);
		if (i == 10)
			break;
		expect_packet(1, words[i]);
	}
	expect_packet(0, START - 1);
	expect_packet(0, START);
	for (; i < 20; i++)
		expect_packet(1, words[i]);
	expect_packet(0, after + 20 * NS_PER_MS);
	expect_packet(1, words[i]);
}

/* The clock was set forward: what was held is not held any longer for it. */
static void test_clock_forward(void **state)
{
	(void)state;
	SCRIPT(0, START, START + 3600 * NS_PER_S);
	SCRIPT(1, WAIT, WAIT, WAIT, WAIT);
	begin(2, WINDOW);
	expect(SOURCE_WAIT);
	real_ns += 3600 * NS_PER_S;
	expect(SOURCE_WAIT);
	pass(WINDOW);
	expect_packet(0, START);
	expect_packet(0, START + 3600 * NS_PER_S);
}

/* A source's clock of its own, far ahead or in 1970, is not waited for. */
static void test_clock_of_its_own(void **state)
{
	(void)state;
	SCRIPT(0, UINT64_MAX - 10, UINT64_MAX - 20, START + 2 * WINDOW);
	SCRIPT(1, WAIT, WAIT, 0, 1, WAIT, WAIT, WAIT);
	begin(2, WINDOW);
	expect_packet(0, UINT64_MAX - 10);
	expect_packet(0, UINT64_MAX - 20);
	expect_packet(0, START + 2 * WINDOW);
	expect(SOURCE_WAIT);
	expect_packet(1, 0);
	expect_packet(1, 1);
	expect(SOURCE_WAIT);
}

/* What a kind of source has no function for. */
static void test_optional(void **state)
{
	(void)state;
	assert_int_equal(source_rewind(sources[0]), -ESPIPE);
	assert_int_equal(source_bytes(sources[0]), 0);
	assert_int_equal(source_fd(sources[3]), 103);
	source_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
		ROW(test_one),
		ROW(test_order),
		ROW(test_backwards),
		ROW(test_files_wait),
		ROW(test_two_waits),
		ROW(test_errors),
		ROW(test_sixty_four),
		ROW(test_reset),
		ROW(test_window),
		ROW(test_backlog),
		ROW(test_window_end),
		ROW(test_clock_back),
		ROW(test_clock_back_busy),
		ROW(test_clock_forward),
		ROW(test_clock_of_its_own),
		ROW(test_optional),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
