/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed replay and tapfeed live: one feed, from its sources to its report. */
#ifndef TAPFEED_LAUNCHER_RUN_H
#define TAPFEED_LAUNCHER_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options.h"
#include "launcher/child.h"
#include "launcher/supervise.h"

struct run {
	bool live;
	const char *command;		     /* its name: "replay" */
	struct options options;		     /* sources: the operands */
	int source_fds[TAPFEED_SOURCES_MAX]; /* replay: opened files */
	uint64_t source_bytes;		     /* 0: not all are regular files */
	int listen_fd;			     /* --feed-path; -1: none */
	int join_fd;			     /* --join; -1: none */
	struct spawner_child table[FEED_CHILDREN];
	struct feed feed;
};

/* argv[0] is the command's name. Return the exit status. */
int run_replay(int argc, char **argv);
int run_live(int argc, char **argv);

#endif
