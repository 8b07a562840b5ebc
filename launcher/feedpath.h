/* SPDX-License-Identifier: Apache-2.0 */
/* --feed-path and --join: a feed behind a path; --ready-socket. */
#ifndef TAPFEED_LAUNCHER_FEEDPATH_H
#define TAPFEED_LAUNCHER_FEEDPATH_H

#include "common/users.h"
#include "launcher/runtime.h"

/* A socket that feedpath_listen() made, by what it takes to remove it. */
struct feedpath {
	int dir_fd;	  /* of the directory it is in */
	const char *name; /* in that directory */
	struct runtime_file file;
};

/*
 * Makes a socket at path, of type SOCK_STREAM, listening, of mode 0660 from its
 * birth, or SOCK_DGRAM, of mode 0600; and gives it to owner, as whom the
 * process will run (NULL: it stays who it is). A socket that nobody listens on
 * is replaced; anything else that is there stays. path has to last. The fd, or
 * a negative errno: -EADDRINUSE where somebody listens, -EEXIST where something
 * else is there. In any case *ret_feedpath is such that feedpath_remove() may
 * follow.
 */
int feedpath_listen(struct feedpath *ret_feedpath, const char *path, int type,
		    const struct users_id *owner);

/* Where it has to remove its socket; -1: nowhere. */
int feedpath_dir_fd(const struct feedpath *feedpath);

/* Connects to one. The fd or a negative errno. */
int feedpath_connect(const char *path);

/*
 * Takes the socket away, where it is still the one that feedpath_listen() made.
 * Where the owner may not (the directory is root's), it stays: the next
 * feedpath_listen() of root replaces it.
 */
void feedpath_remove(struct feedpath *feedpath);

#endif
