/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed replay and tapfeed live: one feed, from its sources to its report. */
#ifndef TAPFEED_LAUNCHER_RUN_H
#define TAPFEED_LAUNCHER_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options.h"
#include "launcher/child.h"
#include "launcher/feedpath.h"
#include "launcher/spawner.h"
#include "launcher/supervise.h"

/* spawner_fork(), or what stands for it in --self-test. */
typedef int (*run_spawn)(struct spawner_child *table, size_t n,
			 const struct spawner_users *users, pid_t *ret_pid);

struct run {
	bool live;
	const char *command;		     /* its name: "replay" */
	struct options options;		     /* sources: the operands */
	int source_fds[TAPFEED_SOURCES_MAX]; /* replay: opened files */
	uint64_t source_bytes;		     /* 0: not all are regular files */
	int listen_fd;			     /* --feed-path; -1: none */
	struct feedpath feedpath;	     /* its file */
	int join_fd;			     /* --join; -1: none */
	int ready_fd;			     /* --ready-socket; -1: none */
	struct feedpath readypath;	     /* its file */
	int file_fd;			     /* --wait-for-file; -1: none */
	/* Where root started it: who tapfeed and the injector, and capture, are
	 * to be. NULL: who they are. */
	const struct users_id *user, *capture_user;
	struct users_id ids[2];
	run_spawn spawn;
	struct spawner_child table[FEED_CHILDREN];
	struct feed feed;
};

/* argv[0] is the command's name. Return the exit status. */
int run_replay(int argc, char **argv);
int run_live(int argc, char **argv);

/* Either, by argv[0], with children that spawn brings. */
int run_driven(run_spawn spawn, int argc, char **argv);

#endif
