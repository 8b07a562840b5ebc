/* SPDX-License-Identifier: Apache-2.0 */
/* --feed-path and --join: a feed behind a path. */
#ifndef TAPFEED_LAUNCHER_FEEDPATH_H
#define TAPFEED_LAUNCHER_FEEDPATH_H

/*
 * Makes a listening stream socket at path, mode 0660 from its birth. A socket
 * that nobody listens on is replaced; anything else that is there stays. The
 * fd, or a negative errno: -EADDRINUSE where somebody listens, -EEXIST where
 * something else is there.
 */
int feedpath_listen(const char *path);

/* Connects to one. The fd or a negative errno. */
int feedpath_connect(const char *path);

/* Takes the socket away that feedpath_listen() made. */
void feedpath_remove(const char *path);

#endif
