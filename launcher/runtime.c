/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime directories. The environment is the caller's; what lies in a
 * directory may be of anybody who may write there. */
#include <config.h>

#include "launcher/runtime.h"

#include <dirent.h>
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

/* One of somebody else, which sudo -E hands on, is not for our feeds. */
static bool is_own(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 || st.st_uid == geteuid();
}

static bool from_session(char path[PATH_MAX], bool any_owner)
{
	const char *parent = getenv("XDG_RUNTIME_DIR");

	/* A relative one is to be passed over, says its specification. */
	return parent && parent[0] == '/' && (any_owner || is_own(parent)) &&
	       snprintf(path, PATH_MAX, "%s/tapfeed", parent) < PATH_MAX;
}

/* Opens dir->path. 0 or a negative errno. */
static int open_dir(struct runtime_dir *dir)
{
	dir->fd = open(dir->path,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir->fd < 0 ? -errno : 0;
}

/* Whether its contents are this user's or root's alone. 0, -EACCES where it is
 * another user's, or -EPERM. */
static int check_dir(struct runtime_dir *dir, bool any_owner)
{
	struct stat st;

	if (fstat(dir->fd, &st) < 0)
		return -errno;
	dir->owner = st.st_uid;
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return st.st_uid == geteuid() || st.st_uid == 0 || any_owner ? 0
								     : -EACCES;
}

/*
 * Whether it is tapfeed's alone: made for it, or named so, in a place where
 * root alone makes directories.
 */
static bool is_dedicated(const struct runtime_dir *dir, bool made)
{
	const char *name = strrchr(dir->path, '/') + 1;
	struct stat parent;

	return (made || strcmp(name, "tapfeed") == 0) &&
	       fstatat(dir->fd, "..", &parent, AT_SYMLINK_NOFOLLOW) == 0 &&
	       parent.st_uid == geteuid() &&
	       !(parent.st_mode & (S_IWGRP | S_IWOTH));
}

/* Makes it the owner's, who is not this user. 0 or a negative errno. */
static int give_dir(struct runtime_dir *dir, const struct users_id *owner,
		    bool made)
{
	int r = check_dir(dir, true);

	if (r < 0 || dir->owner == owner->uid)
		return r;
	if (!is_dedicated(dir, made))
		return dir->owner == geteuid() ? -EBUSY : -EPERM;
	/* Of a user as whom feeds ran before; they may still. */
	if (dir->owner != geteuid() && runtime_clear_all(dir->fd) != 0)
		return -EBUSY;
	dir->owner = owner->uid;
	return fchown(dir->fd, owner->uid, owner->gid) < 0 ? -errno : 0;
}

int runtime_open(struct runtime_dir *dir, const struct users_id *owner)
{
	bool made;
	int r;

	if (!from_service(dir->path) && !from_session(dir->path, false))
		strcpy(dir->path, SYSTEM_DIR);
	dir->fd = -1;
	made = mkdir(dir->path, 0700) == 0;
	if (!made && errno != EEXIST)
		return -errno;
	r = open_dir(dir);
	if (r == 0)
		r = owner ? give_dir(dir, owner, made) : check_dir(dir, false);
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
	if (from_session(dirs[n].path, true))
		n = add_dir(dirs, n, refused, data);
	strcpy(dirs[n].path, SYSTEM_DIR);
	n = add_dir(dirs, n, refused, data);
	return add_users(dirs, n, refused, data);
}

/* Opens what path is in, unless nothing is there. Returns the next place. */
static int *add_parent(int *fd, char path[PATH_MAX])
{
	char *slash = strrchr(path, '/');

	slash[slash == path] = '\0';
	*fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? fd : fd + 1;
}

void runtime_open_parents(int fds[RUNTIME_PARENTS_MAX])
{
	char path[PATH_MAX] = SYSTEM_DIR; /* /run/user is in it, too */
	int *next = add_parent(fds, path);

	if (from_service(path))
		next = add_parent(next, path);
	if (from_session(path, true))
		next = add_parent(next, path);
	*next = -1;
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

/* The length of what is before SUFFIX; 0: it is no socket's name. */
static size_t stem_len(const char *entry)
{
	size_t len = strlen(entry);

	if (len < sizeof(SUFFIX) || len >= RUNTIME_SOCKET_SIZE)
		return 0;
	len -= sizeof(SUFFIX) - 1;
	return strcmp(entry + len, SUFFIX) == 0 ? len : 0;
}

int runtime_name(const char *entry, char ret_name[TAPFEED_IFNAME_SIZE])
{
	char name[TAPFEED_IFNAME_SIZE];
	size_t len = stem_len(entry);

	if (len == 0)
		return -EINVAL;
	memcpy(name, entry, len);
	name[len] = '\0';
	if (!ifname_valid(name))
		return -EINVAL;
	memcpy(ret_name, name, len + 1);
	return 0;
}

void runtime_temporary(char socket[RUNTIME_SOCKET_SIZE], pid_t pid)
{
	snprintf(socket, RUNTIME_SOCKET_SIZE, ".%d" SUFFIX, (int)pid);
}

bool runtime_is_temporary(const char *entry)
{
	size_t len = stem_len(entry);

	return len > 1 && entry[0] == '.' &&
	       strspn(entry + 1, "0123456789") == len - 1;
}

void runtime_address(int dir_fd, const char *socket,
		     struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path),
		 "/proc/self/fd/%d/%.*s", dir_fd, RUNTIME_SOCKET_SIZE, socket);
}

/* The socket's file itself, whatever has its name later. */
static int open_file(int dir_fd, const char *name, struct stat *ret_stat)
{
	int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* connect(2) says ECONNREFUSED of a plain file too. */
	if (fstat(fd, ret_stat) == 0 && S_ISSOCK(ret_stat->st_mode))
		return fd;
	close(fd);
	return -ENOTSOCK;
}

int runtime_connect(int dir_fd, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int file = open_file(dir_fd, name, &st);
	int fd, r = 0;

	if (file < 0)
		return file;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d",
		 file);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	close(file);
	if (r < 0)
		fd_close(&fd);
	return r < 0 ? r : fd;
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

int runtime_clear_all(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	char name[TAPFEED_IFNAME_SIZE];
	const struct dirent *entry;
	int left = 0;

	if (!entries) {
		int error = errno;

		fd_close(&fd);
		return -error;
	}
	while ((entry = readdir(entries)))
		if ((runtime_is_temporary(entry->d_name) ||
		     runtime_name(entry->d_name, name) == 0) &&
		    runtime_clear(dir_fd, entry->d_name) < 0)
			left++;
	closedir(entries);
	return left;
}

int runtime_give(int dir_fd, const char *socket, const struct users_id *owner,
		 struct runtime_file *ret_file)
{
	struct stat st;
	int fd = open_file(dir_fd, socket, &st);
	int r = 0;

	if (fd < 0)
		return fd == -ENOTSOCK || fd == -ENOENT ? -ESTALE : fd;
	/* Another socket of ours, brought in by a second name. */
	if (st.st_uid != geteuid() || st.st_nlink != 1)
		r = -ESTALE;
	else if (owner &&
		 fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) < 0)
		r = -errno;
	close(fd);
	if (r == 0)
		*ret_file = (struct runtime_file){ st.st_dev, st.st_ino };
	return r;
}

void runtime_remove(int dir_fd, const char *socket,
		    const struct runtime_file *file)
{
	struct stat st;

	if (file->inode != 0 &&
	    fstatat(dir_fd, socket, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == file->device && st.st_ino == file->inode)
		(void)unlinkat(dir_fd, socket, 0);
}
