/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture/source_live.c, on TAP and TUN interfaces in a network namespace of
 * its own: gate, stop, filter, tags, drops, and an interface that changes.
 */
#include <config.h>

#include "tests/unit/unit.h"
#include "tests/unit/livetap.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "capture/source_live.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"

#define SECONDS_MAX (5 * NS_PER_S)

/* ---- the source ---------------------------------------------------------- */

static const struct options usual = { .buffer_kib = 1024 };

/* One packet takes 128 KiB of that ring, whatever its size. */
static const struct options at_once = { .buffer_kib = 65536,
					.immediate = true };

static struct source *open_live(const struct options *options)
{
	struct source *source = NULL;
	char error[512] = "";

	if (source_live_open(NAME, options, false, &source, error,
			     sizeof(error)) != 0)
		fail_msg("%s", error);
	return source;
}

/* As the packet path does it: filter, then the gate. */
static struct source *start_live(const struct options *options,
				 const char *filter)
{
	struct source *source = open_live(options);
	char error[512] = "";

	if (source_live_filter(source, filter, error, sizeof(error)) != 0)
		fail_msg("%s", error);
	source_live_start(source);
	return source;
}

/* Waits as capture does, at most until deadline_ns. */
static void wait_live(struct source *source, uint64_t deadline_ns)
{
	struct pollfd fd = { .fd = source->fd, .events = POLLIN };
	uint64_t next_ns = source_live_next_ns(source);

	fd_poll(&fd, 1, next_ns < deadline_ns ? next_ns : deadline_ns);
}

/*
 * The next frame of ours (the kernel sends some itself), its number to
 * *ret_number, within for_ns. The last result of the source.
 */
static int next_frame(struct source *source, uint64_t for_ns,
		      uint32_t *ret_number)
{
	uint64_t deadline_ns = clock_now_ns() + for_ns;
	struct packet packet;
	int r;

	do {
		r = source->ops->next(source, &packet);
		if (r == SOURCE_WAIT)
			wait_live(source, deadline_ns);
		if (r != SOURCE_PACKET || packet.data_len < 18 ||
		    packet.data[0] != 2)
			continue;
		memcpy(ret_number, packet.data + 14, sizeof(*ret_number));
		return r;
	} while ((r == SOURCE_WAIT || r == SOURCE_PACKET) &&
		 clock_now_ns() < deadline_ns);
	return r;
}

static void expect_frames(struct source *source, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = 0;

		assert_int_equal(next_frame(source, SECONDS_MAX, &number),
				 SOURCE_PACKET);
		assert_int_equal(number, first + i);
	}
}

static void expect_nothing(struct source *source, uint64_t for_ns)
{
	uint32_t number;

	assert_int_equal(next_frame(source, for_ns, &number), SOURCE_WAIT);
}

static void expect_frame_at_once(struct source *source, uint32_t number)
{
	struct packet packet;

	assert_int_equal(source->ops->next(source, &packet), SOURCE_PACKET);
	assert_memory_equal(packet.data + 14, &number, sizeof(number));
}

static void free_live(struct source *source)
{
	source->ops->free(source);
}

/* ---- opening ------------------------------------------------------------- */

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		const char *words;
	} rows[] = {
		{ "any", "see the feed's own interface" },
		{ "nope0", "nope0: no such interface; there are: " },
		{ "", "no such interface" },
		{ "usbmon0", "no such interface" },
		{ "nflog", "no such interface" },
		{ "bluetooth0", "no such interface" },
		{ NAME ":x", "no such interface" },
		{ "live0live0live0live0", "no such interface" },
		{ "a\x1b[2Jb", "a\\x1B[2Jb: no such" },
		{ "lo", "lo is down: ip link set lo up" },
	};
	size_t fds;

	(void)state;
	fds = open_fds();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source *source = NULL;
		char error[512] = "";

		assert_int_equal(source_live_open(rows[i].name, &usual, false,
						  &source, error,
						  sizeof(error)),
				 TAPFEED_EXIT_USAGE);
		if (!strcasestr(error, rows[i].words))
			fail_msg("%s: %s", rows[i].name, error);
		assert_null(source);
	}
	assert_int_equal(open_fds(), fds);
}

/* An interface may bear a name that libpcap takes for something else. */
static void test_foreign_names(void **state)
{
	static const char *const rows[] = { "usbmon0", "nflog", "bluetooth0" };

	(void)state;
	set_flags(NAME, false);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source *source = NULL;
		char error[512];

		rename_interface(NAME, rows[i]);
		set_flags(rows[i], true);
		assert_int_not_equal(source_live_open(rows[i], &usual, false,
						      &source, error,
						      sizeof(error)),
				     0);
		set_flags(rows[i], false);
		rename_interface(rows[i], NAME);
	}
}

static int open_without_permission(void)
{
	struct source *source;
	char error[512];

	EXPECT(syscall(SYS_capset,
		       &(struct __user_cap_header_struct){
			       .version = _LINUX_CAPABILITY_VERSION_3 },
		       (struct __user_cap_data_struct[2]){ 0 }) == 0);
	EXPECT(source_live_open(NAME, &usual, false, &source, error,
				sizeof(error)) == TAPFEED_EXIT_PERMISSION);
	EXPECT(strstr(error, "CAP_NET_RAW"));
	EXPECT(strstr(error, "root"));
	return 0;
}

static void test_no_permission(void **state)
{
	(void)state;
	run_in_child(open_without_permission);
}

static void test_link_types(void **state)
{
	static const uint8_t ip[20] = { 0x45, [3] = 20 };
	struct source *source;
	struct packet packet;

	(void)state;
	fd_close(&tap);
	tap = make_interface(IFF_TUN);
	set_flags(NAME, true);
	source = start_live(&usual, "ip");
	assert_int_equal(write(tap, ip, sizeof(ip)), sizeof(ip));
	while (source->ops->next(source, &packet) == SOURCE_WAIT)
		wait_live(source, CLOCK_NEVER);
	assert_int_equal(packet.link_type, 101);
	assert_int_equal(packet.data_len, sizeof(ip));
	assert_memory_equal(packet.data, ip, sizeof(ip));
	free_live(source);
}

/* ---- filters ------------------------------------------------------------- */

static void test_filter(void **state)
{
	static const char *const bad[] = { "tcp port", "host name.invalid",
					   "ether proto 0x88b5 and" };
	struct sock_filter pass = { .code = BPF_RET | BPF_K, .k = 100 };
	struct sock_fprog program = { .len = 1, .filter = &pass };
	struct source *source;
	char error[512];

	(void)state;
	source = open_live(&usual);
	for (size_t i = 0; i < COUNT(bad); i++) {
		*error = '\0';
		assert_int_equal(source_live_filter(source, bad[i], error,
						    sizeof(error)),
				 -EINVAL);
		assert_true(*error);
	}
	write_frame(1, 0x88b5);
	write_frame(2, 0x88b6);
	assert_int_equal(source_live_filter(source, "ether proto 0x88b6", error,
					    sizeof(error)),
			 0);
	source_live_start(source);
	write_frame(3, 0x88b5);
	write_frame(4, 0x88b6);
	write_frame(5, 0x88b5);
	write_frame(6, 0x88b6);
	expect_frames(source, 4, 1);
	expect_frames(source, 6, 1);
	assert_int_equal(setsockopt(source->fd, SOL_SOCKET, SO_ATTACH_FILTER,
				    &program, sizeof(program)),
			 -1);
	assert_int_equal(errno, EPERM);
	free_live(source);
}

/* Also where there is none. */
static void test_locked(void **state)
{
	struct sock_filter pass = { .code = BPF_RET | BPF_K, .k = 100 };
	struct sock_fprog program = { .len = 1, .filter = &pass };
	struct source *source;

	(void)state;
	source = start_live(&usual, NULL);
	assert_int_equal(setsockopt(source->fd, SOL_SOCKET, SO_ATTACH_FILTER,
				    &program, sizeof(program)),
			 -1);
	assert_int_equal(errno, EPERM);
	free_live(source);
}

/* ---- packets ------------------------------------------------------------- */

/* The kernel keeps a tag beside the packet, libpcap puts it back: once. */
static void test_tags(void **state)
{
	static const struct {
		uint8_t len;
		uint8_t tags[8];
	} rows[] = {
		{ 0, { 0 } },
		{ 4, { 0x81, 0x00, 0x00, 100 } },
		{ 4, { 0x88, 0xa8, 0x00, 101 } },
		{ 8, { 0x88, 0xa8, 0x00, 101, 0x81, 0x00, 0x00, 100 } },
		{ 8, { 0x81, 0x00, 0x00, 100, 0x81, 0x00, 0x00, 102 } },
	};
	struct source *source;

	(void)state;
	source = start_live(&usual, NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t frame[FRAME_LEN] = {
			2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1
		};
		struct packet packet = { 0 };

		memcpy(frame + 12, rows[i].tags, rows[i].len);
		memcpy(frame + 12 + rows[i].len, "\x88\xb5tagged", 8);
		assert_int_equal(write(tap, frame, sizeof(frame)),
				 sizeof(frame));
		while (source->ops->next(source, &packet) == SOURCE_WAIT ||
		       packet.data[0] != 2)
			wait_live(source, CLOCK_NEVER);
		assert_int_equal(packet.link_type, 1);
		assert_int_equal(packet.data_len, sizeof(frame));
		assert_int_equal(packet.original_len, sizeof(frame));
		assert_memory_equal(packet.data, frame, sizeof(frame));
	}
	free_live(source);
}

static void test_snaplen_and_time(void **state)
{
	struct options options = usual;
	struct packet packet = { 0 };
	struct source *source;
	struct timespec now;
	uint64_t now_ns;

	(void)state;
	options.snaplen = 20;
	source = start_live(&options, NULL);
	write_frame(1, 0x88b5);
	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
	while (source->ops->next(source, &packet) == SOURCE_WAIT ||
	       packet.data[0] != 2)
		wait_live(source, CLOCK_NEVER);
	assert_int_equal(packet.captured_len, 20);
	assert_int_equal(packet.data_len, 20);
	assert_int_equal(packet.original_len, FRAME_LEN);
	assert_true(packet.time_ns <= now_ns);
	assert_true(packet.time_ns > now_ns - NS_PER_S);
	free_live(source);
}

/* Ring size of 1 MiB: what does not fit is counted, by the kernel. */
static void test_dropped(void **state)
{
	const uint32_t sent = 20000;
	struct source *source;
	uint32_t number;
	uint64_t n = 0;

	(void)state;
	source = open_live(&usual);
	assert_int_equal(source_live_dropped(source), 0);
	write_frames(0, sent);
	source_live_start(source);
	assert_int_equal(source_live_dropped(source), 0);
	write_frames(0, sent);
	while (next_frame(source, 200 * NS_PER_MS, &number) == SOURCE_PACKET)
		n++;
	assert_in_range(n, 1, sent - 1);
	/* The kernel may have sent a frame of its own. */
	assert_in_range(source_live_dropped(source), sent - n, sent - n + 8);
	write_frames(sent, 10);
	expect_frames(source, sent, 10);
	assert_in_range(source_live_dropped(source), sent - n, sent - n + 8);
	free_live(source);
}

/* ---- gate and stop ------------------------------------------------------- */

static void test_gate(void **state)
{
	(void)state;
	for (int immediate = 0; immediate < 2; immediate++) {
		struct source *source;

		source = open_live(immediate ? &at_once : &usual);
		write_frames(0, 100);
		expect_nothing(source, 50 * NS_PER_MS);
		/* In a block handed over, and in one still open. */
		write_frames(100, 20);
		usleep(30000);
		write_frames(120, 20);
		source_live_start(source);
		write_frames(1000, 100);
		expect_frames(source, 1000, 100);
		expect_nothing(source, 50 * NS_PER_MS);
		if (immediate) { /* without a wait */
			write_frame(2000, 0x88b5);
			expect_frame_at_once(source, 2000);
		}
		free_live(source);
	}
}

/* After the stop: what came before, nothing that came later, then the end. */
static void test_stop(void **state)
{
	(void)state;
	for (int immediate = 0; immediate < 2; immediate++) {
		uint64_t began_ns = clock_now_ns();
		struct source *source;
		uint32_t number;

		source = start_live(immediate ? &at_once : &usual, NULL);
		assert_true(source_live_next_ns(source) == CLOCK_NEVER);
		write_frames(0, 100);
		source_live_stop(source, clock_now_ns() + NS_PER_S);
		assert_true(source_live_next_ns(source) <
			    clock_now_ns() + NS_PER_S);
		write_frames(500, 100);
		expect_frames(source, 0, 100);
		assert_int_equal(next_frame(source, SECONDS_MAX, &number),
				 SOURCE_END);
		assert_int_equal(next_frame(source, SECONDS_MAX, &number),
				 SOURCE_END);
		assert_true(clock_now_ns() - began_ns < NS_PER_S);
		free_live(source);
	}
}

static void test_stop_at_once(void **state)
{
	struct source *source;
	uint32_t number;

	(void)state;
	/* Before the gate. */
	source = open_live(&usual);
	source_live_stop(source, CLOCK_NEVER);
	assert_int_equal(next_frame(source, SECONDS_MAX, &number), SOURCE_END);
	free_live(source);
	/* With packets to read, and a deadline that has passed. */
	source = start_live(&usual, NULL);
	write_frames(0, 10);
	usleep(50000);
	source_live_stop(source, clock_now_ns());
	assert_int_equal(next_frame(source, SECONDS_MAX, &number), SOURCE_END);
	free_live(source);
}

/* ---- an interface that changes ------------------------------------------- */

static void test_down_and_up(void **state)
{
	struct source *source;
	uint64_t began_ns;
	int looks = 0;

	(void)state;
	source = start_live(&usual, NULL);
	write_frames(0, 10);
	set_flags(NAME, false);
	expect_frames(source, 0, 10);
	/* It sleeps: a loop around source_next() does not turn and turn. */
	began_ns = clock_now_ns();
	while (clock_now_ns() - began_ns < 300 * NS_PER_MS) {
		struct packet packet;

		assert_int_equal(source->ops->next(source, &packet),
				 SOURCE_WAIT);
		wait_live(source, CLOCK_NEVER);
		looks++;
	}
	assert_in_range(looks, 1, 20);
	set_flags(NAME, true);
	write_frames(10, 10);
	expect_frames(source, 10, 10);
	free_live(source);
}

/* libpcap asks for an interface that is down by its first name. */
static void test_renamed(void **state)
{
	struct source *source;
	uint32_t number;

	(void)state;
	source = start_live(&usual, NULL);
	write_frames(0, 10);
	expect_frames(source, 0, 10);
	set_flags(NAME, false);
	rename_interface(NAME, "other0");
	expect_nothing(source, 150 * NS_PER_MS);
	set_flags("other0", true);
	write_frames(10, 10);
	expect_frames(source, 10, 10);
	source_live_stop(source, clock_now_ns() + NS_PER_S);
	assert_int_equal(next_frame(source, SECONDS_MAX, &number), SOURCE_END);
	free_live(source);
}

/* What it saw at the end is handed out first. */
static void remove_interface(bool down)
{
	struct source *source = start_live(&usual, NULL);
	char words[200] = "";
	uint32_t number;

	write_frames(0, 10);
	if (down) {
		set_flags(NAME, false);
		expect_frames(source, 0, 10);
		expect_nothing(source, 100 * NS_PER_MS);
	}
	fd_close(&tap);
	if (!down)
		expect_frames(source, 0, 10);
	assert_int_equal(next_frame(source, SECONDS_MAX, &number), -ENODEV);
	source->ops->explain(source, -ENODEV, words, sizeof(words));
	assert_non_null(strstr(words, "removed"));
	free_live(source);
}

static void test_removed(void **state)
{
	(void)state;
	remove_interface(false);
}

static void test_removed_while_down(void **state)
{
	(void)state;
	remove_interface(true);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_TAP(test_refused),	    ON_TAP(test_foreign_names),
		ON_TAP(test_no_permission), ON_TAP(test_link_types),
		ON_TAP(test_filter),	    ON_TAP(test_locked),
		ON_TAP(test_tags),	    ON_TAP(test_snaplen_and_time),
		ON_TAP(test_dropped),	    ON_TAP(test_gate),
		ON_TAP(test_stop),	    ON_TAP(test_stop_at_once),
		ON_TAP(test_down_and_up),   ON_TAP(test_renamed),
		ON_TAP(test_removed),	    ON_TAP(test_removed_while_down),
	};

	/* Not skip(): cmocka's TAP calls that "not ok". */
	enter_namespace();
	if (cannot) {
		printf("1..0 # SKIP %s\n", cannot);
		return 0;
	}
	return cmocka_run_group_tests_name("source_live", tests, NULL, NULL);
}
