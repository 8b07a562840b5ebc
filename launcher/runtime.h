/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime directories, in which running feeds listen as NAME.sock. They are
 * held by descriptor, and what is in them is named through it: no path is too
 * long for a socket's address, and none can be swapped behind us.
 */
#ifndef TAPFEED_LAUNCHER_RUNTIME_H
#define TAPFEED_LAUNCHER_RUNTIME_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "common/users.h"
#include "proto/limits.h"

/* Directories that are looked into: one for each user who is logged in. */
#define RUNTIME_DIRS_MAX 64

/* Of systemd's, of the session's, of the system's; and the end. */
#define RUNTIME_PARENTS_MAX 4

/* "NAME.sock", or ".PID.sock" before the name is known */
#define RUNTIME_SOCKET_SIZE (TAPFEED_IFNAME_SIZE + 5)

struct runtime_dir {
	char path[PATH_MAX];
	int fd;
	uid_t owner;
};

/* Which file it is, so that none but one's own is removed. */
struct runtime_file {
	dev_t device;
	ino_t inode; /* 0: none */
};

/*
 * Where a feed listens: $RUNTIME_DIRECTORY (the first one named), else
 * $XDG_RUNTIME_DIR/tapfeed (where that is this user's), else /run/tapfeed; made
 * with mode 0700 where it is not there and its parent is. owner: whose the
 * directory has to be, because root's feed becomes that user; NULL: this user's
 * or root's.
 *
 * 0 or a negative errno: -EPERM where it is somebody else's or where others may
 * write to it, -EBUSY where it is not given to owner because others may use it,
 * -ENOTDIR or -ELOOP where it is no directory. path is set in any case.
 */
int runtime_open(struct runtime_dir *dir, const struct users_id *owner);

/*
 * Opens each of them that is there, and for root /run/user/UID/tapfeed too,
 * each once. Returns how many; refused is called, with data, for each
 * that is there and may not be used, with a negative errno: -EACCES where it is
 * closed to this user.
 */
size_t runtime_open_all(struct runtime_dir dirs[RUNTIME_DIRS_MAX],
			void (*refused)(void *data, const char *path,
					int error),
			void *data);

/*
 * Opens the folders in which runtime_open_all() may find some, now or later, to
 * name them to Landlock. fds is ended by -1.
 */
void runtime_open_parents(int fds[RUNTIME_PARENTS_MAX]);

void runtime_close(struct runtime_dir *dir);

/* The socket's file name. */
void runtime_socket(char socket[RUNTIME_SOCKET_SIZE], const char *name);

/* The interface's name of an entry "NAME.sock"; 0, or -EINVAL for others. */
int runtime_name(const char *entry, char ret_name[TAPFEED_IFNAME_SIZE]);

/* The file name until the interface's is known: one of this process alone. */
void runtime_temporary(char socket[RUNTIME_SOCKET_SIZE], pid_t pid);
bool runtime_is_temporary(const char *entry);

/* The address of a socket in the directory; /proc has to be mounted. */
void runtime_address(int dir_fd, const char *socket,
		     struct sockaddr_un *address);

/*
 * Connects (the descriptor is non-blocking) to a socket in the directory, to
 * nothing else and through no link. The fd or a negative errno: -ECONNREFUSED
 * where nobody listens, -ENOTSOCK where it is something else.
 */
int runtime_connect(int dir_fd, const char *socket);

/*
 * Taken by all who make or remove a socket, so that none takes away what
 * another just made. Waits a moment at most. 0, or -EAGAIN where somebody keeps
 * it.
 */
int runtime_lock(int dir_fd);
void runtime_unlock(int dir_fd);

/*
 * Takes a socket away that nobody listens on; call it with the lock. 0 also
 * where nothing is there, -EADDRINUSE where somebody listens, -EEXIST where
 * something is there that is no socket, or another negative errno.
 */
int runtime_clear(int dir_fd, const char *socket);

/*
 * The same for each socket of a feed in the directory. Returns how many are
 * left, somebody listening or not, or a negative errno.
 */
int runtime_clear_all(int dir_fd);

/*
 * Gives a socket just made in the directory, which others may write to, to
 * owner (NULL: it stays whose it is), and says which file it is. 0 or a
 * negative errno: -ESTALE where something else is there now.
 */
int runtime_give(int dir_fd, const char *socket, const struct users_id *owner,
		 struct runtime_file *ret_file);

/* Removes it, where it is still that file. */
void runtime_remove(int dir_fd, const char *socket,
		    const struct runtime_file *file);

#endif
