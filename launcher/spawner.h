/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The half of tapfeed that is never confined: it forks, executes, signals and
 * waits for the children of a table that is fixed before it is forked itself.
 * It reads single bytes from the supervising half and parses nothing.
 */
#ifndef TAPFEED_LAUNCHER_SPAWNER_H
#define TAPFEED_LAUNCHER_SPAWNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPAWNER_CHILDREN_MAX 4
#define SPAWNER_FDS_MAX	     6

struct spawner_fd {
	int fd;
	const char *name; /* for LISTEN_FDNAMES */
};

struct spawner_child {
	const char *path; /* absolute */
	char **argv;
	int stderr_fd;
	struct spawner_fd fds[SPAWNER_FDS_MAX]; /* become 3, 4, ... */
	size_t fd_count;
};

/* The one byte that is a command: action * SPAWNER_CHILDREN_MAX + child. */
enum spawner_action {
	SPAWNER_START,
	SPAWNER_TERM,
	SPAWNER_KILL,
	SPAWNER_ACTIONS,
};

/* Sent for each child that has ended. */
struct spawner_event {
	uint32_t child;
	int32_t status; /* as waitpid(2) gives it */
};

/*
 * Forks the spawner, which keeps the table's descriptors (each until its child
 * is started) and closes every other one. Returns its socket (SOCK_SEQPACKET),
 * whose end of file makes it stop all children and exit, and *ret_pid; or a
 * negative errno (-EMFILE: a
 * descriptor's number is 32 or more). The table's descriptors are closed here
 * in the caller.
 */
int spawner_fork(struct spawner_child *table, size_t n, pid_t *ret_pid);

/* Sends a command. 0 or a negative errno. */
int spawner_command(int sock, enum spawner_action action, size_t child);

#endif
