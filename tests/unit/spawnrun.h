/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of launcher/spawner.c: a table of shells for children, which
 * tell on their standard error what they were given.
 */
#ifndef TAPFEED_TESTS_UNIT_SPAWNRUN_H
#define TAPFEED_TESTS_UNIT_SPAWNRUN_H

#include "tests/unit/unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/fd.h"
#include "launcher/spawner.h"
#include "proto/limits.h"

#define CHILDREN 3

static struct spawner_child *table; /* of CHILDREN */

static struct {
	char *argv[CHILDREN][4];
	int stderr_fds[CHILDREN]; /* read ends */
	int sock;
	pid_t pid;
	char said[8192];
} run;

/*
 * A descriptor that /proc/PID/fd tells from others. Not close-on-exec: the
 * spawner itself has to see to it that no child gets another's.
 */
static inline int give(struct spawner_child *child, const char *name,
		       int number)
{
	int fd = memfd_create(name, 0);

	EXPECT(fd >= 0);
	if (number >= 0 && number != fd) {
		EXPECT(dup2(fd, number) == number);
		close(fd);
		fd = number;
	}
	child->fds[child->fd_count++] = (struct spawner_fd){ fd, name, false };
	return 0;
}

/* Behind the last row is nothing: a look beyond it ends the spawner. */
static inline int make_table(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (CHILDREN * sizeof(*table) / page + 1) * page;
	char *at = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(at != MAP_FAILED);
	EXPECT(mprotect(at + size, page, PROT_NONE) == 0);
	table = (void *)(at + size - CHILDREN * sizeof(*table));
	return 0;
}

static inline int add_shell(size_t i, const char *script)
{
	static const char *const names[] = { "zero", "one", "two" };
	static char sh[] = "sh", dash_c[] = "-c";
	struct spawner_child *child;
	int fds[2];

	EXPECT(table || make_table() == 0);
	child = &table[i];
	EXPECT(pipe(fds) == 0);
	run.stderr_fds[i] = fds[0];
	run.argv[i][0] = sh;
	run.argv[i][1] = dash_c;
	run.argv[i][2] = strdup(script);
	*child = (struct spawner_child){
		.path = "/bin/sh",
		.argv = run.argv[i],
		.program_fd = -1,
		.stderr_fd = fds[1],
		.store_fd = -1,
	};
	return give(child, names[i], -1);
}

/* Three children with the same script. */
static inline int add_shells(const char *script)
{
	for (size_t i = 0; i < CHILDREN; i++)
		EXPECT(add_shell(i, script) == 0);
	return 0;
}

static inline int fork_spawner(void)
{
	run.sock = spawner_fork(table, CHILDREN, NULL, &run.pid);
	EXPECT(run.sock >= 0 && run.pid > 0);
	return 0;
}

/* What a child has said, after all its ends are closed. */
static inline const char *hear(size_t i)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = fd_read(run.stderr_fds[i], run.said + used,
			    sizeof(run.said) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	run.said[used] = '\0';
	return run.said;
}

/* The next event other than a start. */
static inline int next_event(struct spawner_event *event)
{
	do {
		if (fd_read(run.sock, event, sizeof(*event)) != sizeof(*event))
			return -1;
	} while (event->kind == SPAWNER_STARTED && event->value > 0);
	return 0;
}

/* It is that child's end, with that status. */
static inline int event(uint32_t child, int status)
{
	struct spawner_event got;

	EXPECT(next_event(&got) == 0);
	EXPECT(got.child == child);
	EXPECT(got.kind == SPAWNER_ENDED);
	EXPECT(got.value == status);
	return 0;
}

/* No event but starts comes for so long. */
static inline bool quiet(uint64_t ms)
{
	uint64_t end = clock_now_ns() + ms * NS_PER_MS;
	struct pollfd fd = { .fd = run.sock, .events = POLLIN };
	struct spawner_event got;

	while (fd_poll(&fd, 1, end) > 0)
		if (fd_read(run.sock, &got, sizeof(got)) != sizeof(got) ||
		    got.kind != SPAWNER_STARTED)
			return false;
	return true;
}

/* Whether all of a child's standard error is closed: it is dead. */
static inline bool silent(size_t i, uint64_t ms)
{
	struct pollfd fd = { .fd = run.stderr_fds[i], .events = POLLIN };

	return fd_poll(&fd, 1, clock_now_ns() + ms * NS_PER_MS) == 1 &&
	       hear(i)[0] == '\0';
}

/* Closes the socket and waits; the time it takes, in ms. */
static inline uint64_t end_spawner(void)
{
	uint64_t start = clock_now_ns();
	int status = -1;

	fd_close(&run.sock);
	if (waitpid(run.pid, &status, 0) != run.pid || status != 0)
		return UINT64_MAX;
	return (clock_now_ns() - start) / NS_PER_MS;
}

/* In a subshell: the shell's own redirections are not to be seen. */
#define SHOW_FDS "(ls -l /proc/$$/fd >&2); exit 0"

#define TEST(name)                                                             \
	static void test_##name(void **state)                                  \
	{                                                                      \
		(void)state;                                                   \
		run_in_child(name);                                            \
	}

#endif
