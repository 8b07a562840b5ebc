/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the feeds that listen and asks them all at once. Their replies are
 * hostile; a socket is asked only where its owner is this user, root or, for
 * root, the directory's owner.
 */
#ifndef TAPFEED_LAUNCHER_STATUSASK_H
#define TAPFEED_LAUNCHER_STATUSASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"
#include "launcher/control.h"
#include "launcher/runtime.h"

#define STATUSASK_FEEDS_MAX 512

/* Between two questions, where one call asks twice. */
#define STATUSASK_PAUSE_MS 250

struct statusask_feed {
	char name[TAPFEED_IFNAME_SIZE];
	const struct runtime_dir *dir;
	/* 0, or why there is no reply: -EACCES may not be asked, -EPERM is not
	   to be believed, -ETIMEDOUT silent, -EPROTO nonsense, or others. */
	int error;
	unsigned int replies;
	struct control_status before;	/* where there are two replies */
	struct control_status status;	/* where there is one */
	struct control_started started; /* in its place: tapfeed start */
	/* While it is asked. */
	int fd;
	bool asked;
	uint64_t due_ns; /* asked: deadline; else the next question */
	struct frame_reader reader;
};

struct statusask {
	struct runtime_dir dirs[RUNTIME_DIRS_MAX];
	size_t dir_count;
	/* Called for each that may not be, unless NULL. */
	void (*refused)(const char *path, int error);
	enum control_request what; /* the question */
	bool closed; /* a directory is there that may not be looked into */
	struct statusask_feed *feeds; /* sorted by name */
	size_t count;
};

/*
 * Finds all feeds and connects to them; stale sockets are removed. 0 or
 * -ENOMEM; in any case statusask_done() follows.
 */
int statusask_find(struct statusask *ask,
		   void (*refused)(const char *path, int error));

/*
 * Leaves the one feed of that name: of several (in different network
 * namespaces) the one in the directory where this user's own feeds listen.
 * Whether it is one alone.
 */
bool statusask_choose(struct statusask *ask, const char *name);

/*
 * Asks each feed named so (NULL: each) ask->what, questions times (1 or 2).
 * Returns when all have answered or failed, or a stop signal came. Feeds that
 * ended meanwhile and those not asked are taken off the list.
 */
void statusask_run(struct statusask *ask, const char *name,
		   unsigned int questions);

void statusask_done(struct statusask *ask);

/* Packets and bits a second between two replies of one feed. */
struct statusask_rate {
	uint64_t packets_per_s;
	uint64_t bits_per_s;
};

/* Whether it can be told: time went on and no counter back. */
bool statusask_rate(const struct control_status *before,
		    const struct control_status *after,
		    struct statusask_rate *ret_rate);

#endif
