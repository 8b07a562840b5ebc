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

int child_next_fd(const struct spawner_child *child, int first)
{
	int lowest = INT_MAX;

	if (child->stderr_fd >= first)
		lowest = child->stderr_fd;
	if (child->store_fd >= first && child->store_fd < lowest)
		lowest = child->store_fd;
	for (size_t i = 0; i < child->fd_count; i++)
		if (child->fds[i].fd >= first && child->fds[i].fd < lowest)
			lowest = child->fds[i].fd;
	return lowest < INT_MAX ? lowest : -1;
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

	for (size_t i = 0; i < child->fd_count; i++)
		if (child->fds[i].fd > highest)
			highest = child->fds[i].fd;
	return highest + 1;
}

/* Puts the child's descriptors where it expects them. Never fails half-way. */
static int place_fds(const struct spawner_child *child)
{
	const int first = parking(child);
	int parked[CHILD_FDS_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(child->stderr_fd, STDERR_FILENO) < 0)
		return -errno;
	for (size_t i = 0; i < child->fd_count; i++) {
		parked[i] = fcntl(child->fds[i].fd, F_DUPFD_CLOEXEC, first);
		if (parked[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < child->fd_count; i++)
		if (dup2(parked[i], STDERR_FILENO + 1 + (int)i) < 0)
			return -errno;
	return fd_close_from(STDERR_FILENO + 1 + (int)child->fd_count);
}

_Noreturn void child_run(const struct spawner_child *child)
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
			  ? "it takes more descriptors (ulimit -n)"
			  : "is the installation whole?");
	_exit(TAPFEED_EXIT_LOSS);
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
			   name) == 0)
		good++;
	if (good < n || len != sizeof(byte)) {
		while (n > 0)
			close(fds[--n]);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		child->fds[child->fd_count++] =
			(struct spawner_fd){ fds[i], "interface", true };
	return n;
}
