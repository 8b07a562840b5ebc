/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a child. What it stores is hostile: it may be taken over. */
#include <config.h>

#include "launcher/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/fdpass.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/tunfd.h"

void child_close(struct spawner_child *child)
{
	fd_close(&child->program_fd);
	fd_close(&child->stderr_fd);
	fd_close(&child->store_fd);
	for (size_t i = 0; i < child->fd_count; i++)
		fd_close(&child->fds[i].fd);
	child->fd_count = 0;
}

void child_close_used(struct spawner_child *child)
{
	size_t kept = 0;

	if (!child->restartable) {
		child_close(child);
		return;
	}
	for (size_t i = 0; i < child->fd_count; i++) {
		if (child->fds[i].keep)
			child->fds[kept++] = child->fds[i];
		else
			fd_close(&child->fds[i].fd);
	}
	child->fd_count = kept;
}

static int lower(int lowest, int fd, int first)
{
	return fd >= first && fd < lowest ? fd : lowest;
}

/* The lowest descriptor from first on that is needed; INT_MAX: none. */
static int next_needed(const struct spawner_child *table, size_t n, int first,
		       int lowest)
{
	for (const struct spawner_child *child = table; child < table + n;
	     child++) {
		lowest = lower(lowest, child->program_fd, first);
		lowest = lower(lowest, child->stderr_fd, first);
		lowest = lower(lowest, child->store_fd, first);
		for (size_t i = 0; i < child->fd_count; i++)
			lowest = lower(lowest, child->fds[i].fd, first);
	}
	return lowest;
}

void child_close_others(const struct spawner_child *table, size_t n, int sock)
{
	int first = STDERR_FILENO + 1;
	int needed;

	while ((needed = next_needed(table, n, first,
				     sock >= first ? sock : INT_MAX)) <
	       INT_MAX) {
		if (needed > first)
			close_range((unsigned int)first,
				    (unsigned int)needed - 1, 0);
		first = needed + 1;
	}
	(void)fd_close_from(first);
}

static void set_environment(const struct spawner_child *child)
{
	char number[16];
	char names[CHILD_FDS_MAX * 16] = "";
	size_t len = 0;

	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%zu", child->fd_count);
	setenv("LISTEN_FDS", number, 1);
	for (size_t i = 0; i < child->fd_count && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					"%s%s", i ? ":" : "",
					child->fds[i].name);
	setenv("LISTEN_FDNAMES", names, 1);
	unsetenv("NOTIFY_SOCKET");
}

/* Above every descriptor there is, and every one there will be. */
static int parking(const struct spawner_child *child)
{
	int highest = STDERR_FILENO + (int)child->fd_count;

	if (child->program_fd > highest)
		highest = child->program_fd;
	for (size_t i = 0; i < child->fd_count; i++)
		if (child->fds[i].fd > highest)
			highest = child->fds[i].fd;
	return highest + 1;
}

/*
 * Puts the child's descriptors where it expects them, and the program's, which
 * goes when it is executed, behind them. Never fails half-way.
 */
static int place_fds(const struct spawner_child *child, int *ret_program_fd)
{
	const int first = parking(child);
	const int behind = STDERR_FILENO + 1 + (int)child->fd_count;
	int parked[CHILD_FDS_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int program = -1;

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(child->stderr_fd, STDERR_FILENO) < 0)
		return -errno;
	if (child->program_fd >= 0) {
		program = fcntl(child->program_fd, F_DUPFD_CLOEXEC, first);
		if (program < 0)
			return -errno;
	}
	for (size_t i = 0; i < child->fd_count; i++) {
		parked[i] = fcntl(child->fds[i].fd, F_DUPFD_CLOEXEC, first);
		if (parked[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < child->fd_count; i++)
		if (dup2(parked[i], STDERR_FILENO + 1 + (int)i) < 0)
			return -errno;
	*ret_program_fd = -1;
	if (program < 0)
		return fd_close_from(behind);
	*ret_program_fd = dup3(program, behind, O_CLOEXEC);
	return *ret_program_fd < 0 ? -errno : fd_close_from(behind + 1);
}

/* Whom the spawner, which gave up root, can still become. 0 or a negative
 * errno. */
static int become(const struct users_id *user)
{
	if (!user || geteuid() == 0)
		return 0;
	if (setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return 0;
}

_Noreturn void child_run(const struct spawner_child *child)
{
	int program_fd = -1;
	int r = place_fds(child, &program_fd);

	if (r == 0)
		r = become(child->user);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_environment(child);
	signals_reset();
	if (r == 0) {
		/* By descriptor: whom root became may not see the way to it. */
		if (program_fd >= 0)
			(void)execveat(program_fd, "", child->argv, environ,
				       AT_EMPTY_PATH);
		else
			(void)execv(child->path, child->argv);
		r = -errno;
	}
	log_init(LOG_LEVEL_INFO, NULL, true);
	log_error("%s cannot be started: %s; %s", child->path, log_errno(-r),
		  r == -EINVAL || r == -EMFILE
			  ? "it takes more descriptors (ulimit -n)"
		  : r == -EACCES
			  ? "members of its group may (ls -l shows which; "
			    "root: usermod -aG GROUP USER), and root"
			  : "is the installation whole?");
	_exit(r == -EACCES ? TAPFEED_EXIT_PERMISSION : TAPFEED_EXIT_LOSS);
}

size_t child_store(struct spawner_child *child)
{
	char name[TAPFEED_IFNAME_SIZE];
	int fds[PRIVILEGED_QUEUES_MAX];
	size_t n = 0, good = 0;
	char byte;
	ssize_t len = fdpass_recv(child->store_fd, &byte, sizeof(byte), fds,
				  PRIVILEGED_QUEUES_MAX, &n, MSG_DONTWAIT);

	if (len == -EAGAIN)
		return 0;
	fd_close(&child->store_fd);
	if (len < 0)
		return 0;
	while (good < n && child->fd_count + n <= CHILD_FDS_MAX &&
	       tunfd_check(fds[good], child->store_name, child->store_kind,
			   child->store_queues, name) == 0)
		good++;
	if (good < n || n != child->store_queues || len != sizeof(byte)) {
		while (n > 0)
			close(fds[--n]);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		child->fds[child->fd_count++] =
			(struct spawner_fd){ fds[i], "interface", true };
	return n;
}
