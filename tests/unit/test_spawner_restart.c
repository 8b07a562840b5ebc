/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/spawner.c and child.c: children that are started again, and what
 * they store. Each test in a process of its own. */
#include <config.h>

#include "tests/unit/spawnrun.h"

#include "common/fdpass.h"
#include "common/tunfd.h"

int __real_tunfd_check(int fd, const char *pattern, enum tapfeed_kind kind,
		       size_t queues, char *ret_name);
int __wrap_tunfd_check(int fd, const char *pattern, enum tapfeed_kind kind,
		       size_t queues, char *ret_name);

/* So many descriptors from now on are queues of such an interface. */
static size_t queues_there;

int __wrap_tunfd_check(int fd, const char *pattern, enum tapfeed_kind kind,
		       size_t queues, char *ret_name)
{
	if (queues_there == 0)
		return __real_tunfd_check(fd, pattern, kind, queues, ret_name);
	queues_there--;
	return 0;
}

static size_t count_text(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part))) {
		text++;
		n++;
	}
	return n;
}

/* A restartable one: again with what it keeps, in that order. */
static int started_again(void)
{
	EXPECT(add_shells("echo $LISTEN_FDNAMES >&2; " SHOW_FDS) == 0);
	table[1].restartable = true;
	table[1].fds[0].keep = true;
	EXPECT(give(&table[1], "once", -1) == 0);
	EXPECT(give(&table[1], "always", -1) == 0);
	table[1].fds[2].keep = true;
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 1) == 0);
	EXPECT(event(1, 0) == 0);
	for (int i = 0; i < 3; i++) {
		EXPECT(spawner_command(run.sock, SPAWNER_START, 1) == 0);
		EXPECT(event(1, 0) == 0);
	}
	EXPECT(end_spawner() < 5000);
	hear(1);
	EXPECT(strncmp(run.said, "one:once:always\n", 16) == 0);
	EXPECT(count_text(run.said, "\none:always\n") == 3);
	EXPECT(count_text(run.said, "memfd:once") == 1);
	EXPECT(count_text(run.said, " 4 -> /memfd:always") == 3);
	EXPECT(count_char(run.said, '>') == 6 + 3 * 5);
	return 0;
}

/* Whatever is no queue of an interface is not kept, and is closed. */
static int bad_store(void)
{
	static const struct {
		size_t len, fds;
		size_t queues, wanted;
	} rows[] = {
		{ 1, 1, 0, 1 }, { 1, 0, 0, 1 }, { 2, 1, 0, 1 },
		{ 1, 2, 0, 1 }, { 0, 0, 0, 1 }, { 1, 2, 2, 1 },
		{ 1, 2, 2, 3 }, { 1, 2, 1, 2 }, { 2, 2, 2, 2 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int spare = open("/dev/null", O_WRONLY | O_NONBLOCK);
		const int fds[2] = { spare, spare };
		struct pollfd end = { .events = POLLIN };
		int ends[2];

		EXPECT(add_shells("exit 0") == 0);
		EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
		table[0].restartable = true;
		table[0].store_fd = ends[0];
		table[0].store_name = "tf%d";
		table[0].store_kind = TAPFEED_TAP;
		table[0].store_queues = rows[i].wanted;
		queues_there = rows[i].queues;
		EXPECT(fork_spawner() == 0);
		EXPECT(table[0].store_fd == -1);
		EXPECT(rows[i].len == 0 ||
		       fdpass_send(ends[1], "ab", rows[i].len, fds,
				   rows[i].fds) == 0);
		close(spare);
		/* Its end is closed: nothing more is taken. */
		end.fd = ends[1];
		if (rows[i].len > 0)
			EXPECT(fd_poll(&end, 1, clock_now_ns() + NS_PER_S) ==
			       1);
		close(ends[1]);
		EXPECT(quiet(20));
		EXPECT(end_spawner() < 5000);
	}
	return 0;
}

/* Just as many as there should be: they are told of, and handed over. */
static int good_store(void)
{
	int spare = open("/dev/null", O_WRONLY | O_NONBLOCK);
	const int fds[2] = { spare, spare };
	struct spawner_event stored;
	int ends[2];

	EXPECT(add_shells("exit 0") == 0);
	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	table[0].restartable = true;
	table[0].store_fd = ends[0];
	table[0].store_name = "tf%d";
	table[0].store_queues = queues_there = 2;
	EXPECT(fork_spawner() == 0);
	EXPECT(fdpass_send(ends[1], "a", 1, fds, 2) == 0);
	EXPECT(next_event(&stored) == 0);
	EXPECT(stored.kind == SPAWNER_STORED && stored.value == 2);
	EXPECT(end_spawner() < 5000);
	return 0;
}

TEST(started_again)
TEST(good_store)
TEST(bad_store)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_started_again),
		cmocka_unit_test(test_good_store),
		cmocka_unit_test(test_bad_store),
	};

	close_range(3, ~0u, 0); /* such as make's */
	return cmocka_run_group_tests_name("spawner restart", tests, NULL,
					   NULL);
}
