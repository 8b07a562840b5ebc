/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The half of tapfeed that is never confined: it forks, executes, signals and
 * waits for the children of a table that is fixed before it is forked itself,
 * and keeps the interface's descriptors for an injector that has to be started
 * again. It reads single bytes from the supervising half and parses nothing.
 */
#ifndef TAPFEED_LAUNCHER_SPAWNER_H
#define TAPFEED_LAUNCHER_SPAWNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/child.h"

#define SPAWNER_CHILDREN_MAX 4

/* The one byte that is a command: action * SPAWNER_CHILDREN_MAX + child. */
enum spawner_action {
	SPAWNER_START, /* a second time only if the child is restartable */
	SPAWNER_TERM,
	SPAWNER_KILL,
	SPAWNER_SETTLE, /* of no child: all run, it gives up root itself */
	SPAWNER_ACTIONS,
};

enum spawner_event_kind {
	SPAWNER_STARTED, /* value: its pid */
	SPAWNER_STORED,	 /* value: how many descriptors of it are kept */
	SPAWNER_ENDED,	 /* value: its status, as waitpid(2) gives it */
};

struct spawner_event {
	uint32_t child;
	uint32_t kind; /* enum spawner_event_kind */
	int32_t value;
};

/* Whom the spawner becomes once all run (SPAWNER_SETTLE): with two users it
 * may signal and start again the processes of both, and nothing else. */
struct spawner_users {
	struct users_id real, effective;
};

/*
 * Forks the spawner, which keeps the table's descriptors (each as long as its
 * child may need it) and closes every other one. Returns its socket
 * (SOCK_SEQPACKET), whose end of file makes it stop all children and exit, and
 * *ret_pid; or a negative errno. The table's descriptors are closed here in the
 * caller. users: NULL where it is not root, or stays it.
 */
int spawner_fork(struct spawner_child *table, size_t n,
		 const struct spawner_users *users, pid_t *ret_pid);

/* Sends a command. 0 or a negative errno. */
int spawner_command(int sock, enum spawner_action action, size_t child);

#endif
