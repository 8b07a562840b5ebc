/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spawner. What it reads comes from the supervising half, which may be
 * taken over: one byte, an index into a table, and nothing else has any effect.
 */
#include <config.h>

#include "launcher/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/signals.h"
#include "proto/limits.h"

/* How long children get to end when the supervising half is gone. */
#define ORPHAN_NS ((TAPFEED_DRAIN_DEADLINE_S + 2) * NS_PER_S)

/* Room to move a child's descriptors out of the way of 3, 4, ... */
#define FD_PARKING 32

struct spawner {
	int sock;
	struct spawner_child *table;
	size_t n;
	pid_t pids[SPAWNER_CHILDREN_MAX]; /* 0: not started, or ended */
};

static void close_child_fds(struct spawner_child *child)
{
	fd_close(&child->stderr_fd);
	for (size_t i = 0; i < child->fd_count; i++)
		fd_close(&child->fds[i].fd);
	child->fd_count = 0;
}

/* Keeps the descriptors of the table and sock; closes all others above 2. */
static void close_others(const struct spawner *spawner)
{
	for (int fd = STDERR_FILENO + 1; fd < FD_PARKING; fd++) {
		bool keep = fd == spawner->sock;

		for (size_t i = 0; i < spawner->n; i++) {
			const struct spawner_child *child = &spawner->table[i];

			keep = keep || fd == child->stderr_fd;
			for (size_t j = 0; j < child->fd_count; j++)
				keep = keep || fd == child->fds[j].fd;
		}
		if (!keep)
			close(fd);
	}
	(void)fd_close_from(FD_PARKING);
}

static void set_environment(const struct spawner_child *child)
{
	char number[16];
	char names[SPAWNER_FDS_MAX * 16] = "";

	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%zu", child->fd_count);
	setenv("LISTEN_FDS", number, 1);
	for (size_t i = 0; i < child->fd_count; i++) {
		size_t len = strlen(names);

		snprintf(names + len, sizeof(names) - len, "%s%s", i ? ":" : "",
			 child->fds[i].name);
	}
	setenv("LISTEN_FDNAMES", names, 1);
	unsetenv("NOTIFY_SOCKET");
}

/* Puts the child's descriptors where it expects them. Never fails half-way. */
static int place_fds(const struct spawner_child *child)
{
	int parked[SPAWNER_FDS_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(child->stderr_fd, STDERR_FILENO) < 0)
		return -errno;
	for (size_t i = 0; i < child->fd_count; i++) {
		parked[i] =
			fcntl(child->fds[i].fd, F_DUPFD_CLOEXEC, FD_PARKING);
		if (parked[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < child->fd_count; i++)
		if (dup2(parked[i], STDERR_FILENO + 1 + (int)i) < 0)
			return -errno;
	return fd_close_from(STDERR_FILENO + 1 + (int)child->fd_count);
}

static _Noreturn void run_child(const struct spawner_child *child)
{
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = place_fds(child);
	set_environment(child);
	signals_reset();
	if (r == 0) {
		execv(child->path, child->argv);
		r = -errno;
	}
	log_init(LOG_LEVEL_INFO, NULL, true);
	log_error("%s cannot be started: %s; %s", child->path, log_errno(-r),
		  r == -EINVAL || r == -EMFILE
			  ? "it takes 40 descriptors (ulimit -n)"
			  : "is the installation whole?");
	_exit(TAPFEED_EXIT_LOSS);
}

static void report(const struct spawner *spawner, size_t child, int status)
{
	struct spawner_event event = {
		.child = (uint32_t)child,
		.status = status,
	};

	(void)send(spawner->sock, &event, sizeof(event), MSG_NOSIGNAL);
}

static void start(struct spawner *spawner, size_t i)
{
	struct spawner_child *child = &spawner->table[i];
	pid_t pid;

	if (spawner->pids[i] != 0 || child->fd_count == 0)
		return; /* runs, or has run: each is started once */
	pid = fork();
	if (pid == 0)
		run_child(child);
	close_child_fds(child);
	if (pid < 0)
		report(spawner, i, TAPFEED_EXIT_LOSS << 8);
	else
		spawner->pids[i] = pid;
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
			report(spawner, i, status);
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
		close_child_fds(&spawner->table[i]);
	while (any_running(spawner) && clock_now_ns() < deadline) {
		(void)signals_stop_count();
		(void)fd_poll(NULL, 0, deadline);
		reap(spawner);
	}
	for (size_t i = 0; i < spawner->n; i++)
		if (spawner->pids[i] > 0)
			kill(spawner->pids[i], SIGKILL);
}

static _Noreturn void run_spawner(struct spawner *spawner)
{
	/* Out of the terminal's reach: Ctrl-C is for the supervising half. */
	setsid();
	prctl(PR_SET_NAME, "tapfeed-spawner");
	if (signals_init(true) < 0)
		_exit(TAPFEED_EXIT_LOSS);
	close_others(spawner);
	for (;;) {
		struct pollfd fd = { .fd = spawner->sock, .events = POLLIN };
		uint8_t command;

		(void)signals_stop_count(); /* they are not for the spawner */
		(void)fd_poll(&fd, 1, CLOCK_NEVER);
		reap(spawner);
		if (!fd.revents)
			continue;
		if (fd_read(spawner->sock, &command, 1) != 1)
			break;
		obey(spawner, command);
	}
	end_orphans(spawner);
	_exit(TAPFEED_EXIT_OK);
}

/* Whether close_others() would keep every descriptor that is needed. */
static bool fds_are_low(const struct spawner_child *table, size_t n, int sock)
{
	bool low = sock < FD_PARKING;

	for (size_t i = 0; i < n; i++) {
		low = low && table[i].stderr_fd < FD_PARKING;
		for (size_t j = 0; j < table[i].fd_count; j++)
			low = low && table[i].fds[j].fd < FD_PARKING;
	}
	return low;
}

int spawner_fork(struct spawner_child *table, size_t n, pid_t *ret_pid)
{
	struct spawner spawner = { .table = table, .n = n };
	int socks[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	errno = EMFILE;
	pid = fds_are_low(table, n, socks[1]) ? fork() : -1;
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
		close_child_fds(&table[i]);
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
