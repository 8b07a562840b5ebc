/* SPDX-License-Identifier: Apache-2.0 */
/* common/listen.c: descriptors by environment, which may be anybody's. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/listen.h"

/* /dev/null as 3, 4, ...: n of them and no other, and one at 40. */
static int place(int n)
{
	int fd = open("/dev/null", O_RDONLY);

	EXPECT(fd >= 0);
	EXPECT(fd == 99 || dup2(fd, 99) == 99);
	for (int i = 3; i < 99; i++)
		close(i);
	for (int i = 0; i < n; i++)
		EXPECT(dup2(99, 3 + i) == 3 + i);
	EXPECT(dup2(99, 40) == 40);
	return 0;
}

static void environment(const char *pid, const char *fds, const char *names)
{
	char self[16];

	snprintf(self, sizeof(self), "%d", (int)getpid());
	if (pid)
		setenv("LISTEN_PID", strcmp(pid, "self") ? pid : self, 1);
	if (fds)
		setenv("LISTEN_FDS", fds, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool environment_is_clean(void)
{
	return !getenv("LISTEN_PID") && !getenv("LISTEN_FDS") &&
	       !getenv("LISTEN_FDNAMES");
}

static int by_name(void)
{
	EXPECT(place(3) == 0);
	environment("self", "3", "feed:control:source");
	EXPECT(listen_init() == 0);
	EXPECT(environment_is_clean());
	for (int fd = 3; fd < 6; fd++)
		EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	EXPECT(!is_open(40) && !is_open(99));
	EXPECT(listen_take("source") == 5);
	EXPECT(listen_take("feed") == 3);
	EXPECT(listen_take("feed") == -1); /* it is taken */
	EXPECT(listen_take("fee") == -1);
	EXPECT(listen_take("feeds") == -1);
	EXPECT(listen_take("FEED") == -1);
	EXPECT(listen_take("") == -1);
	listen_done();
	EXPECT(is_open(3) && is_open(5)); /* the takers' */
	EXPECT(!is_open(4));
	EXPECT(listen_take("control") == -1);
	return 0;
}

static int same_name_twice(void)
{
	EXPECT(place(2) == 0);
	environment("self", "2", "feed:feed");
	EXPECT(listen_init() == 0);
	EXPECT(listen_take("feed") == 3);
	EXPECT(listen_take("feed") == 4);
	EXPECT(listen_take("feed") == -1);
	return 0;
}

/* Sixteen, the limit, with fewer names than descriptors. */
static int most(void)
{
	EXPECT(place(16) == 0);
	environment("self", "16", "a:b");
	EXPECT(listen_init() == 0);
	EXPECT(listen_take("a") == 3);
	EXPECT(listen_take("b") == 4);
	EXPECT(listen_take("") == 5);
	listen_done();
	for (int fd = 6; fd < 19; fd++)
		EXPECT(!is_open(fd));
	return 0;
}

static int names_missing(void)
{
	EXPECT(place(2) == 0);
	environment("self", "2", NULL);
	EXPECT(listen_init() == 0);
	EXPECT(is_open(3) && is_open(4));
	EXPECT(listen_take("feed") == -1);
	listen_done();
	EXPECT(!is_open(3) && !is_open(4));
	return 0;
}

/* A name of 32 bytes or more is no name; those beside it keep their place. */
static int names_too_long(void)
{
	EXPECT(place(3) == 0);
	environment("self", "3",
		    "12345678901234567890123456789012:"
		    "1234567890123456789012345678901:feed");
	EXPECT(listen_init() == 0);
	EXPECT(listen_take("12345678901234567890123456789012") == -1);
	EXPECT(listen_take("1234567890123456789012345678901") == 4);
	EXPECT(listen_take("feed") == 5);
	EXPECT(listen_take("") == 3);
	return 0;
}

/* More names than descriptors: the others name nothing. */
static int too_many_names(void)
{
	EXPECT(place(1) == 0);
	environment("self", "1", "feed:control:a:b:c:d:e:f:g:h:i:j:k:l:m:n:o");
	EXPECT(listen_init() == 0);
	EXPECT(listen_take("feed") == 3);
	EXPECT(listen_take("control") == -1);
	EXPECT(listen_take("o") == -1);
	return 0;
}

/* Not for this process: as if nothing were said, and nothing is kept. */
static int not_ours(const char *pid, const char *fds)
{
	EXPECT(place(2) == 0);
	environment(pid, fds, "feed:control");
	EXPECT(listen_init() == 0);
	EXPECT(environment_is_clean());
	EXPECT(listen_take("feed") == -1);
	EXPECT(!is_open(3) && !is_open(4) && !is_open(40));
	EXPECT(is_open(0) && is_open(1) && is_open(2));
	return 0;
}

static int another_pid(void)
{
	return not_ours("1", "2");
}

static int no_pid(void)
{
	return not_ours(NULL, "2");
}

static int no_fds(void)
{
	return not_ours("self", NULL);
}

static int none(void)
{
	return not_ours("self", "0");
}

static void test_good(void **state)
{
	static int (*const rows[])(void) = {
		by_name,	most,		same_name_twice, names_missing,
		names_too_long, too_many_names, another_pid,	 no_pid,
		no_fds,		none,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		run_in_child(rows[i]);
}

static const char *bad_pid, *bad_fds;

static int refused(void)
{
	EXPECT(place(2) == 0);
	environment(bad_pid, bad_fds, "feed:control");
	EXPECT(listen_init() == -EINVAL);
	EXPECT(environment_is_clean());
	return 0;
}

static void test_bad_numbers(void **state)
{
	static const struct {
		const char *pid;
		const char *fds;
	} rows[] = {
		{ "self", "17" },
		{ "self", "-1" },
		{ "self", "" },
		{ "self", "2x" },
		{ "self", " 2" },
		{ "self", "+2" },
		{ "self", "0x2" },
		{ "self", "4294967298" },
		{ "self", "2147483648" },
		{ "self", "18446744073709551618" },
		{ "", "2" },
		{ "0", "2" },
		{ "-1", "2" },
		{ "1x", "2" },
		{ "4294967297", "2" },
		{ "2147483648", "2" },
		{ "self ", "2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bad_pid = rows[i].pid;
		bad_fds = rows[i].fds;
		run_in_child(refused);
	}
}

/* More are promised than are there. */
static int not_open(void)
{
	EXPECT(place(2) == 0);
	environment("self", "3", "a:b:c");
	EXPECT(listen_init() == -EINVAL);
	return 0;
}

static void test_not_open(void **state)
{
	(void)state;
	run_in_child(not_open);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_not_open),
	};

	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
