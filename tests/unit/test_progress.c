/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher/progress.c: one line on a terminal, whatever the pages hold. Each
 * test in a process of its own, since the module keeps what it has shown.
 */
#include <config.h>

#include "tests/unit/unit.h"

#include <sys/ioctl.h>
#include <termios.h>

#include "common/clock.h"
#include "common/fd.h"
#include "launcher/progress.h"
#include "proto/counters.h"

#define T0 (100 * NS_PER_S)

static struct counters_capture capture;
static struct counters_injector injector;
static int terminal = -1; /* our side of it */

/* Makes standard error a terminal. */
static int open_terminal(void)
{
	struct termios raw;
	int fd;

	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	EXPECT(terminal >= 0);
	EXPECT(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	fd = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	EXPECT(fd >= 0 && tcgetattr(fd, &raw) == 0);
	cfmakeraw(&raw);
	EXPECT(tcsetattr(fd, TCSANOW, &raw) == 0);
	EXPECT(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	EXPECT(setenv("TERM", "xterm", 1) == 0);
	return 0;
}

/* What has come to the terminal since. */
static const char *screen(void)
{
	static char text[4096];
	ssize_t n = fd_read(terminal, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void draw(uint64_t now_ns)
{
	progress_draw(&capture, &injector, 4096, now_ns);
}

static void fill(void)
{
	memcpy(injector.interface, "tf0", 4);
	injector.first_ns = T0;
	injector.injected = 1000;
	injector.queue_used = 1024;
	/* Twice as many were read, half of them wait. */
	capture.received = 2000;
	capture.source_bytes = 500;
}

static int lines(void)
{
	EXPECT(open_terminal() == 0);
	progress_init(1, 1000);
	EXPECT(progress_next_ns() == 0);
	draw(T0);
	EXPECT(screen()[0] == '\0'); /* no packet yet */
	EXPECT(progress_next_ns() == T0 + PROGRESS_INTERVAL_MS * NS_PER_MS);
	fill();
	draw(T0 + 10);
	EXPECT(screen()[0] == '\0'); /* not due */
	draw(T0 + NS_PER_S);
	EXPECT(strcmp(screen(), "\r\033[Ktf0: 1000 packets, 1000/s, queue 25 %"
				", 25 % of the file, 3 s left") == 0);
	injector.injected = 2001000;
	injector.queue_used = 0;
	capture.received = 2001000;
	capture.source_bytes = 1000;
	draw(T0 + 3 * NS_PER_S);
	EXPECT(strcmp(screen(), "\r\033[Ktf0: 2001000 packets, 1.00 M/s, "
				"queue 0 %, 100 % of the file, 0 s left") == 0);
	injector.injected = 2021000;
	capture.received = 2021000;
	draw(T0 + 4 * NS_PER_S);
	EXPECT(strstr(screen(), "packets, 20 k/s,"));
	progress_clear();
	EXPECT(strcmp(screen(), "\r\033[K") == 0);
	progress_clear();
	EXPECT(screen()[0] == '\0');
	return 0;
}

/* A pipe: nobody knows how much is to come. */
static int unknown_length(void)
{
	EXPECT(open_terminal() == 0);
	progress_init(1, 0);
	fill();
	draw(T0 + NS_PER_S);
	EXPECT(strcmp(screen(),
		      "\r\033[Ktf0: 1000 packets, 1000/s, queue 25 %") == 0);
	return 0;
}

/* A line that wrapped could not be taken off the screen again. */
static int narrow(void)
{
	const struct winsize window = { .ws_row = 10, .ws_col = 21 };

	EXPECT(open_terminal() == 0);
	EXPECT(ioctl(STDERR_FILENO, TIOCSWINSZ, &window) == 0);
	progress_init(1, 1000);
	fill();
	draw(T0 + NS_PER_S);
	EXPECT(strcmp(screen(), "\r\033[Ktf0: 1000 packets, 1") == 0);
	return 0;
}

static int dumb(void)
{
	EXPECT(open_terminal() == 0);
	EXPECT(setenv("TERM", "dumb", 1) == 0);
	progress_init(1, 1000);
	EXPECT(progress_next_ns() == CLOCK_NEVER);
	return 0;
}

static int not_wanted(void)
{
	EXPECT(open_terminal() == 0);
	progress_init(0, 1000);
	EXPECT(progress_next_ns() == CLOCK_NEVER);
	fill();
	draw(T0 + NS_PER_S);
	progress_clear();
	EXPECT(screen()[0] == '\0');
	return 0;
}

static int no_terminal(void)
{
	int fds[2];
	char byte;

	EXPECT(pipe2(fds, O_NONBLOCK) == 0);
	EXPECT(dup2(fds[1], STDERR_FILENO) == STDERR_FILENO);
	progress_init(1, 1000);
	EXPECT(progress_next_ns() == CLOCK_NEVER);
	fill();
	draw(T0 + NS_PER_S);
	progress_clear();
	EXPECT(fd_read(fds[0], &byte, 1) == -EAGAIN);
	return 0;
}

/* A name that is none is not shown, nor is anything beside it. */
static int hostile_names(void)
{
	static const char names[][TAPFEED_IFNAME_SIZE + 1] = {
		"",	  "\x1b[2J", "tf0\x1b]0;x\a", "tf0\ntf1",
		"tf\x9b", "$(id)",   "tf0 is down",   "../tf0",
	};
	uint64_t now_ns = T0;

	EXPECT(open_terminal() == 0);
	progress_init(1, 1000);
	fill();
	for (size_t i = 0; i < COUNT(names); i++) {
		memcpy(injector.interface, names[i], TAPFEED_IFNAME_SIZE);
		draw(now_ns += NS_PER_S);
		EXPECT(screen()[0] == '\0');
	}
	/* Not NUL-terminated: what stands behind it is no part of it. */
	memset(injector.interface, 'a', sizeof(injector.interface));
	draw(now_ns += NS_PER_S);
	EXPECT(strncmp(screen(), "\r\033[Kaaaaaaaaaaaaaaa: ", 21) == 0);
	return 0;
}

/* Any numbers, times in the future and running backwards: one short line. */
static int hostile_numbers(void)
{
	static const uint64_t values[] = {
		0,
		1,
		255,
		T0,
		T0 + 5 * NS_PER_S,
		T0 * 1000,
		UINT64_MAX / 2,
		UINT64_MAX,
	};
	uint64_t now_ns = T0;
	uint32_t seed = 1;

	EXPECT(open_terminal() == 0);
	progress_init(1, 1000);
	for (int i = 0; i < 5000; i++) {
		const char *text;

		fill();
		injector.injected = values[pseudo_random(&seed) % 8];
		injector.first_ns = values[pseudo_random(&seed) % 8];
		injector.queue_used = values[pseudo_random(&seed) % 8];
		capture.source_bytes = values[pseudo_random(&seed) % 8];
		draw(now_ns += NS_PER_S);
		text = screen();
		if (text[0] == '\0')
			continue;
		EXPECT(strncmp(text, "\r\033[Ktf0: ", 9) == 0);
		EXPECT(strlen(text) < 200);
		for (size_t at = 4; text[at]; at++)
			EXPECT(text[at] >= 0x20 && text[at] < 0x7f);
	}
	return 0;
}

#define TEST(name)                                                             \
	static void test_##name(void **state)                                  \
	{                                                                      \
		(void)state;                                                   \
		run_in_child(name);                                            \
	}

TEST(lines)
TEST(unknown_length)
TEST(narrow)
TEST(dumb)
TEST(not_wanted)
TEST(no_terminal)
TEST(hostile_names)
TEST(hostile_numbers)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_unknown_length),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_dumb),
		cmocka_unit_test(test_not_wanted),
		cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_hostile_numbers),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
