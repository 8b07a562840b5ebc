/* SPDX-License-Identifier: Apache-2.0 */
/* One child of the spawner: what it is given, and how it is executed. */
#ifndef TAPFEED_LAUNCHER_CHILD_H
#define TAPFEED_LAUNCHER_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/users.h"
#include "proto/limits.h"
#include "proto/privileged.h"

/* Beside the sources: feed, control, counters, notify, store, and the like. */
#define CHILD_FDS_MAX (TAPFEED_SOURCES_MAX + 8u)

struct spawner_fd {
	int fd;
	const char *name; /* for LISTEN_FDNAMES */
	bool keep;	  /* handed over again when it is started again */
};

struct spawner_child {
	const char *path; /* absolute; for messages */
	int program_fd;	  /* of it; -1: path is executed */
	/* Who it has to be from its start, once the spawner is not root any
	 * more; NULL: who the spawner is. */
	const struct users_id *user;
	char **argv;
	int stderr_fd;
	struct spawner_fd fds[CHILD_FDS_MAX]; /* become 3, 4, ... */
	size_t fd_count;
	bool restartable;
	/* Its capability comes from its file, at a further start too. */
	bool file_capability;
	/*
	 * The spawner's end of the child's "store" (-1: none): one message with
	 * queue descriptors, each of an interface of this name (or pattern) and
	 * kind, which a further start hands over as "interface".
	 */
	int store_fd;
	const char *store_name;
	size_t store_queues; /* so many; any other number is refused */
	enum tapfeed_kind store_kind;
};

/* Closes all descriptors of the child in this process. */
void child_close(struct spawner_child *child);

/* Closes those that a further start does not need, and takes them off the
 * table. */
void child_close_used(struct spawner_child *child);

/* Closes all descriptors of this process above 2 but those of n children and
 * sock. */
void child_close_others(const struct spawner_child *table, size_t n, int sock);

/* Executes the child in this process, which was forked for it. */
_Noreturn void child_run(const struct spawner_child *child);

/*
 * Receives the one message of store_fd, which is closed then. Returns how many
 * descriptors were added to the table: 0 where they are not what they should
 * be.
 */
size_t child_store(struct spawner_child *child);

#endif
