/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spawner. What it reads comes from the supervising half, which may be
 * taken over: one byte, an index into a table, and nothing else has any effect.
 */
#include <config.h>

#include "launcher/spawner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/sandbox.h"
#include "common/signals.h"
#include "proto/limits.h"

/* How long children get to end when the supervising half is gone. */
#define ORPHAN_NS ((TAPFEED_DRAIN_DEADLINE_S + 2) * NS_PER_S)

struct spawner {
	int sock;
	struct spawner_child *table;
	size_t n;
	const struct spawner_users *users; /* NULL: it stays who it is */
	pid_t pids[SPAWNER_CHILDREN_MAX];  /* 0: not started, or ended */
};

static void report(const struct spawner *spawner, size_t child,
		   enum spawner_event_kind kind, int value)
{
	struct spawner_event event = {
		.child = (uint32_t)child,
		.kind = kind,
		.value = value,
	};

	(void)send(spawner->sock, &event, sizeof(event), MSG_NOSIGNAL);
}

/*
 * All run and have given up what they had: so root is needed no more, and was
 * until now, as it takes root to signal root. A capture that gets its
 * capability from its file would get none under no_new_privs: where it may be
 * started again, that is left out, and there is nothing else to give up.
 */
static void give_up_root(struct spawner *spawner)
{
	const struct spawner_users *users = spawner->users;
	bool file_capability = false;

	for (size_t i = 0; i < spawner->n; i++)
		file_capability |= spawner->table[i].file_capability;
	if (file_capability)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	else if (sandbox_drop_to(users ? &users->real : NULL,
				 users ? &users->effective : NULL, 0) < 0)
		_exit(TAPFEED_EXIT_LOSS); /* and all ends with it */
	spawner->users = NULL;
}

static void start(struct spawner *spawner, size_t i)
{
	struct spawner_child *child = &spawner->table[i];
	pid_t pid;

	/* Running, or without descriptors: it has run, and may not again. */
	if (spawner->pids[i] != 0 || child->fd_count == 0)
		return;
	pid = fork();
	if (pid == 0)
		child_run(child);
	child_close_used(child);
	spawner->pids[i] = pid > 0 ? pid : 0;
	if (pid > 0)
		report(spawner, i, SPAWNER_STARTED, pid);
	else
		report(spawner, i, SPAWNER_ENDED, TAPFEED_EXIT_LOSS << 8);
}

static void reap(struct spawner *spawner)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < spawner->n; i++) {
			if (spawner->pids[i] != pid)
				continue;
			spawner->pids[i] = 0;
			report(spawner, i, SPAWNER_ENDED, status);
		}
	}
}

static void obey(struct spawner *spawner, uint8_t command)
{
	size_t i = command % SPAWNER_CHILDREN_MAX;

	if (i >= spawner->n)
		return;
	switch (command / SPAWNER_CHILDREN_MAX) {
	case SPAWNER_START:
		start(spawner, i);
		break;
	case SPAWNER_TERM:
		if (spawner->pids[i] > 0)
			kill(spawner->pids[i], SIGTERM);
		break;
	case SPAWNER_KILL:
		if (spawner->pids[i] > 0)
			kill(spawner->pids[i], SIGKILL);
		break;
	case SPAWNER_SETTLE:
		give_up_root(spawner);
		break;
	default:
		break;
	}
}

static bool any_running(const struct spawner *spawner)
{
	for (size_t i = 0; i < spawner->n; i++)
		if (spawner->pids[i] > 0)
			return true;
	return false;
}

/* The supervising half is gone: its children stop by themselves, or are killed.
 */
static void end_orphans(struct spawner *spawner)
{
	uint64_t deadline = clock_now_ns() + ORPHAN_NS;

	for (size_t i = 0; i < spawner->n; i++)
		child_close(&spawner->table[i]);
	while (any_running(spawner) && clock_now_ns() < deadline) {
		(void)signals_stop_count();
		(void)fd_poll(NULL, 0, deadline);
		reap(spawner);
	}
	for (size_t i = 0; i < spawner->n; i++)
		if (spawner->pids[i] > 0)
			kill(spawner->pids[i], SIGKILL);
}

/* What children store is taken before it is told that they have ended. */
static void take_stored(struct spawner *spawner)
{
	for (size_t i = 0; i < spawner->n; i++) {
		size_t n = spawner->table[i].store_fd >= 0
				   ? child_store(&spawner->table[i])
				   : 0;

		if (n > 0)
			report(spawner, i, SPAWNER_STORED, (int)n);
	}
}

static void wait_for_events(struct spawner *spawner, bool *ret_command)
{
	struct pollfd fds[1 + SPAWNER_CHILDREN_MAX] = {
		{ .fd = spawner->sock, .events = POLLIN },
	};

	for (size_t i = 0; i < spawner->n; i++)
		fds[1 + i] = (struct pollfd){
			.fd = spawner->table[i].store_fd,
			.events = POLLIN,
		};
	(void)signals_stop_count(); /* they are not for the spawner */
	(void)fd_poll(fds, 1 + spawner->n, CLOCK_NEVER);
	*ret_command = fds[0].revents != 0;
}

static _Noreturn void run_spawner(struct spawner *spawner)
{
	/* Out of the terminal's reach: Ctrl-C is for the supervising half. */
	setsid();
	prctl(PR_SET_NAME, "tapfeed-spawner");
	if (signals_init(true) < 0)
		_exit(TAPFEED_EXIT_LOSS);
	child_close_others(spawner->table, spawner->n, spawner->sock);
	for (;;) {
		bool ready;
		uint8_t command;

		wait_for_events(spawner, &ready);
		take_stored(spawner);
		reap(spawner);
		if (!ready)
			continue;
		if (fd_read(spawner->sock, &command, 1) != 1)
			break;
		obey(spawner, command);
	}
	end_orphans(spawner);
	_exit(TAPFEED_EXIT_OK);
}

int spawner_fork(struct spawner_child *table, size_t n,
		 const struct spawner_users *users, pid_t *ret_pid)
{
	struct spawner spawner = { .table = table, .n = n, .users = users };
	int socks[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int error = errno;

		close(socks[0]);
		close(socks[1]);
		return -error;
	}
	if (pid == 0) {
		spawner.sock = socks[1];
		run_spawner(&spawner);
	}
	close(socks[1]);
	for (size_t i = 0; i < n; i++)
		child_close(&table[i]);
	*ret_pid = pid;
	return socks[0];
}

int spawner_command(int sock, enum spawner_action action, size_t child)
{
	uint8_t command =
		(uint8_t)((size_t)action * SPAWNER_CHILDREN_MAX + child);
	ssize_t n = send(sock, &command, 1, MSG_NOSIGNAL);

	return n == 1 ? 0 : n < 0 ? -errno : -EIO;
}
