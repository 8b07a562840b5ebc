/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime directories. The environment is the caller's; what lies in a
 * directory may be of anybody who may write there. */
#include <config.h>

#include "launcher/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/ifname.h"

#define SYSTEM_DIR "/run/tapfeed"
#define USER_DIRS  "/run/user/*/tapfeed"
#define SUFFIX	   ".sock"

/* To have the lock, with this between two attempts. */
#define LOCK_NS	      (200 * NS_PER_MS)
#define LOCK_PAUSE_NS (5 * NS_PER_MS)

/* Writes to path; whether the environment names such a directory. */
static bool from_service(char path[PATH_MAX])
{
	const char *list = getenv("RUNTIME_DIRECTORY");
	size_t len = list ? strcspn(list, ":") : 0;

	if (len == 0 || len >= PATH_MAX || list[0] != '/')
		return false;
	memcpy(path, list, len);
	path[len] = '\0';
	return true;
}

static bool from_session(char path[PATH_MAX])
{
	const char *parent = getenv("XDG_RUNTIME_DIR");

	/* A relative one is to be passed over, says its specification. */
	return parent && parent[0] == '/' &&
	       snprintf(path, PATH_MAX, "%s/tapfeed", parent) < PATH_MAX;
}

/* Opens dir->path. 0 or a negative errno. */
static int open_dir(struct runtime_dir *dir)
{
	dir->fd = open(dir->path,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir->fd < 0 ? -errno : 0;
}

/* Whether its contents are this user's or root's alone. 0 or -EPERM. */
static int check_dir(struct runtime_dir *dir, bool any_owner)
{
	struct stat st;

	if (fstat(dir->fd, &st) < 0)
		return -errno;
	dir->owner = st.st_uid;
	if (st.st_uid != geteuid() && st.st_uid != 0 && !any_owner)
		return -EPERM;
	return st.st_mode & (S_IWGRP | S_IWOTH) ? -EPERM : 0;
}

int runtime_open(struct runtime_dir *dir)
{
	int r;

	if (!from_service(dir->path) && !from_session(dir->path))
		strcpy(dir->path, SYSTEM_DIR);
	dir->fd = -1;
	if (mkdir(dir->path, 0700) < 0 && errno != EEXIST)
		return -errno;
	r = open_dir(dir);
	if (r == 0)
		r = check_dir(dir, false);
	if (r < 0)
		runtime_close(dir);
	return r;
}

static bool is_same(const struct runtime_dir *a, const struct runtime_dir *b)
{
	struct stat one, other;

	return fstat(a->fd, &one) == 0 && fstat(b->fd, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* Opens dirs[n], whose path is set. Returns how many there are then. */
static size_t add_dir(struct runtime_dir *dirs, size_t n,
		      void (*refused)(void *data, const char *path, int error),
		      void *data)
{
	struct runtime_dir *dir = &dirs[n];
	int r = open_dir(dir);

	if (r == 0)
		r = check_dir(dir, geteuid() == 0);
	if (r < 0 && r != -ENOENT)
		refused(data, dir->path, r);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (is_same(dir, &dirs[i]))
			r = -EEXIST;
	if (r == 0)
		return n + 1;
	runtime_close(dir);
	return n;
}

/* Root sees everybody's. */
static size_t add_users(struct runtime_dir *dirs, size_t n,
			void (*refused)(void *data, const char *path,
					int error),
			void *data)
{
	glob_t found;

	if (geteuid() != 0 || glob(USER_DIRS, 0, NULL, &found) != 0)
		return n;
	for (size_t i = 0; i < found.gl_pathc && n < RUNTIME_DIRS_MAX; i++) {
		int len = snprintf(dirs[n].path, PATH_MAX, "%s",
				   found.gl_pathv[i]);

		if (len < PATH_MAX)
			n = add_dir(dirs, n, refused, data);
	}
	globfree(&found);
	return n;
}

size_t runtime_open_all(struct runtime_dir dirs[RUNTIME_DIRS_MAX],
			void (*refused)(void *data, const char *path,
					int error),
			void *data)
{
	size_t n = 0;

	if (from_service(dirs[n].path))
		n = add_dir(dirs, n, refused, data);
	if (from_session(dirs[n].path))
		n = add_dir(dirs, n, refused, data);
	strcpy(dirs[n].path, SYSTEM_DIR);
	n = add_dir(dirs, n, refused, data);
	return add_users(dirs, n, refused, data);
}

void runtime_close(struct runtime_dir *dir)
{
	fd_close(&dir->fd);
}

void runtime_socket(char socket[RUNTIME_SOCKET_SIZE], const char *name)
{
	snprintf(socket, RUNTIME_SOCKET_SIZE, "%.*s" SUFFIX,
		 TAPFEED_IFNAME_SIZE - 1, name);
}

int runtime_name(const char *entry, char ret_name[TAPFEED_IFNAME_SIZE])
{
	char name[TAPFEED_IFNAME_SIZE];
	size_t len = strlen(entry);

	if (len < sizeof(SUFFIX) || len >= RUNTIME_SOCKET_SIZE)
		return -EINVAL;
	len -= sizeof(SUFFIX) - 1;
	if (strcmp(entry + len, SUFFIX) != 0)
		return -EINVAL;
	memcpy(name, entry, len);
	name[len] = '\0';
	if (!ifname_valid(name))
		return -EINVAL;
	memcpy(ret_name, name, len + 1);
	return 0;
}

void runtime_address(int dir_fd, const char *socket,
		     struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path),
		 "/proc/self/fd/%d/%.*s", dir_fd, RUNTIME_SOCKET_SIZE, socket);
}

int runtime_connect(int dir_fd, const char *name)
{
	struct sockaddr_un address;
	struct stat st;
	int fd, r = 0;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* connect(2) says ECONNREFUSED of a plain file too. */
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	runtime_address(dir_fd, name, &address);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int runtime_lock(int dir_fd)
{
	const uint64_t deadline = clock_now_ns() + LOCK_NS;
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

	while (flock(dir_fd, LOCK_EX | LOCK_NB) < 0) {
		if (clock_now_ns() >= deadline)
			return -EAGAIN;
		nanosleep(&pause, NULL);
	}
	return 0;
}

void runtime_unlock(int dir_fd)
{
	(void)flock(dir_fd, LOCK_UN);
}

int runtime_clear(int dir_fd, const char *socket)
{
	int fd = runtime_connect(dir_fd, socket);

	if (fd >= 0 || fd == -EAGAIN) {
		fd_close(&fd);
		return -EADDRINUSE;
	}
	if (fd == -ENOENT)
		return 0;
	if (fd == -ENOTSOCK)
		return -EEXIST;
	if (fd != -ECONNREFUSED)
		return fd;
	return unlinkat(dir_fd, socket, 0) < 0 && errno != ENOENT ? -errno : 0;
}
